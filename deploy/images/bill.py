"""What is in an image: a bill of materials (CycloneDX 1.6) and the notices of third parties."""

from __future__ import annotations

import json
import re
import subprocess
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple


class Component(NamedTuple):
    """One module or package, as its package URL names it."""

    kind: str
    name: str
    version: str

    @property
    def purl(self) -> str:
        """`pkg:golang/…@v1` or `pkg:pypi/…@1`."""
        return f"pkg:{self.kind}/{self.name}@{self.version}"


_NOTICE = re.compile(r"(LICEN[CS]E|COPYING|NOTICE)[^/]*", re.IGNORECASE)


def go_modules(binary: Path) -> list[Component]:
    """Every module of a Go program, by `go version -m`, Go itself among them."""
    said = subprocess.run(
        ["go", "version", "-m", str(binary)], capture_output=True, text=True, check=True
    ).stdout
    found = [Component("golang", "stdlib", said.split()[1].removeprefix("go"))]
    for line in said.splitlines():
        words = line.split()
        if words[:1] == ["dep"]:
            found.append(Component("golang", words[1], words[2]))
        elif words[:1] == ["=>"] and not words[1].startswith("."):
            # What stands in its place; our own modules, which are folders, keep their names.
            found[-1] = Component("golang", words[1], words[2])
    return found


def wheels(folder: Path) -> list[Component]:
    """Every package in a folder of wheels."""
    names = sorted(path.name.split("-")[:2] for path in folder.glob("*.whl"))
    return [Component("pypi", name.replace("_", "-").lower(), version) for name, version in names]


def go_notices(modules: Iterable[Component], folders: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Title and text of each licence and notice in the sources of some modules."""
    folders = list(folders)
    for module in modules:
        escaped = re.sub("[A-Z]", lambda found: "!" + found[0].lower(), f"{module.name}@{module.version}")
        for folder in folders:
            source = folder / escaped
            if source.is_dir():
                for path in sorted(source.iterdir()):
                    if path.is_file() and _NOTICE.fullmatch(path.name):
                        yield f"{module.purl}: {path.name}", path.read_text("utf-8", "replace")
                break


def wheel_notices(folder: Path) -> Iterator[tuple[str, str]]:
    """Title and text of each licence in some wheels; what a wheel says of itself where it has none."""
    for path, component in zip(sorted(folder.glob("*.whl")), wheels(folder), strict=True):
        with zipfile.ZipFile(path) as wheel:
            texts = [name for name in wheel.namelist() if ".dist-info/" in name]
            found = [name for name in texts if _NOTICE.fullmatch(name.rpartition("/")[2])]
            for name in found or [name for name in texts if name.endswith("METADATA")]:
                text = wheel.read(name).decode("utf-8", "replace")
                if not found:
                    text = "\n".join(
                        line
                        for line in text.splitlines()
                        if line.startswith(("License", "Classifier: License"))
                    )
                yield f"{component.purl}: {name.rpartition('/')[2]}", text


def write(
    context: Path, name: str, components: Iterable[Component], notices: Iterable[tuple[str, str]]
) -> None:
    """`sbom.cdx.json` and `NOTICES.txt` of one image."""
    bom = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {"type": "application", "name": name, "bom-ref": name},
        },
        "components": [
            {
                "type": "library",
                "name": one.name,
                "version": one.version,
                "purl": one.purl,
                "bom-ref": one.purl,
            }
            for one in components
        ],
    }
    (context / "sbom.cdx.json").write_text(json.dumps(bom, indent=1) + "\n", encoding="utf-8")
    texts = [f"{'=' * 78}\n{title}\n{'=' * 78}\n{text}\n" for title, text in notices]
    (context / "NOTICES.txt").write_text("\n".join(texts), encoding="utf-8")
