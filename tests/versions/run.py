"""Runs the end-to-end tests with the oldest and the newest supported set of Python and libraries.

Usage: python tests/versions/run.py [SET ...] [--fresh]

A set is a file here, `<name>-py<version>.txt`, with pip requirements. Each gets an environment of its own
under `$XDG_CACHE_HOME/tradewise-otel/venvs`, made again when the set or pyproject.toml changes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TESTS = (
    "tests/unit/test_upstream_seams.py",
    "tests/unit/test_sqlalchemy_db.py",
    "tests/unit/test_spans.py",
    "tests/unit/test_asgi_spans.py",
    "tests/unit/test_httpx_spans.py",
    "tests/unit/test_db_listeners.py",
    "tests/e2e/test_first_light.py",
    "tests/e2e/test_database.py",
    "tests/e2e/test_database_failures.py",
    "tests/e2e/test_api_answers.py",
    "tests/e2e/test_api_streams.py",
    "tests/e2e/test_external_calls.py",
    "tests/e2e/test_identity.py",
)
TOOLS = ("pytest>=8", "pytest-randomly>=3.16", "pyyaml>=6")
SHOWN = ("fastapi", "starlette", "sqlalchemy", "httpx", "uvicorn", "orjson", "google-re2")


class Unusable(Exception):
    """A set that cannot be tried here, and why."""


@dataclass(frozen=True)
class VersionSet:
    """A file of requirements and the Python that it is for."""

    file: Path

    @property
    def name(self) -> str:
        """`oldest` or `newest`."""
        return self.file.stem.partition("-py")[0]

    @property
    def python(self) -> str:
        """Such as `3.10`."""
        return self.file.stem.partition("-py")[2]

    @property
    def folder(self) -> Path:
        """Where its environment lies; another one for every content of what decides it."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        parts = (self.file, ROOT / "pyproject.toml", ROOT / "setup.py", Path(__file__))
        content = b"\0".join([str(ROOT).encode(), *(part.read_bytes() for part in parts)])
        return (
            cache
            / "tradewise-otel"
            / "venvs"
            / f"{self.file.stem}-{hashlib.sha256(content).hexdigest()[:12]}"
        )


def all_sets() -> list[VersionSet]:
    """The sets of this folder."""
    return [VersionSet(file) for file in sorted(HERE.glob("*-py*.txt"), reverse=True)]


def interpreter(version: str) -> str:
    """The command of a Python version; raises `Unusable` where there is none that runs."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    command = shutil.which(f"python{version}")
    # A shim may stand on PATH for a version that is installed nowhere.
    if command and subprocess.run([command, "-c", ""], capture_output=True, check=False).returncode == 0:
        return command
    raise Unusable(f"python{version} is not on PATH (or does not run); install it and put it there")


def environment(versions: VersionSet, fresh: bool) -> Path:
    """The set's Python, installed if it is not there yet."""
    folder = versions.folder
    ready = folder / ".ready"
    if fresh or not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"{versions.name}: installing into {folder}", flush=True)
        subprocess.run([interpreter(versions.python), "-m", "venv", str(folder)], check=True)
        _install(folder, versions.file)
        ready.touch()
    return folder / "bin" / "python"


def _install(folder: Path, requirements: Path) -> None:
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Wheels only for what we need compiled: a source build would hide that a version has none.
    wheels = ["--only-binary", "google-re2,orjson"]
    command = [*pip, *wheels, "--editable", ".[demo]", "--requirement", str(requirements), *TOOLS]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise Unusable("pip could not install the set, see above")


def versions_in(python: Path) -> str:
    """What the environment really holds."""
    script = (
        "import importlib.metadata as m, sys; print(', '.join(f'{n} {m.version(n)}' for n in sys.argv[1:]))"
    )
    return subprocess.run(
        [str(python), "-c", script, *SHOWN], capture_output=True, text=True, check=True
    ).stdout.strip()


def run(versions: VersionSet, fresh: bool) -> tuple[str, str]:
    """Result and details of one set."""
    began = time.monotonic()
    try:
        python = environment(versions, fresh)
    except Unusable as reason:
        return "UNUSABLE", str(reason)
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    return ("FAILED" if code else "passed"), f"{time.monotonic() - began:.0f} s, {versions_in(python)}"


def main(words: list[str]) -> int:
    """Runs the command; exit code 1 unless every set that was asked for has passed."""
    known = all_sets()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", metavar="SET", help=", ".join(each.name for each in known))
    parser.add_argument("--fresh", action="store_true", help="make the environments anew")
    options = parser.parse_args(words)
    if unknown := set(options.sets) - {each.name for each in known}:
        parser.error(f"no such set: {', '.join(sorted(unknown))}")
    chosen = [each for each in known if not options.sets or each.name in options.sets]
    results = [(each, *run(each, options.fresh)) for each in chosen]
    print()
    for each, result, details in results:
        print(f"{each.name:8} Python {each.python:5} {result:9} {details}")
    return 0 if all(result == "passed" for _, result, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
