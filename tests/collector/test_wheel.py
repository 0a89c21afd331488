"""What is installed carries the Collector's files, and finds them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tradewise_otel.assets import collector_dir, datadog_dir, repository_root


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the unpacked wheel, built from a copy so that the checkout stays clean."""
    root = repository_root()
    assert root is not None
    work = tmp_path_factory.mktemp("wheel")
    source = work / "source"
    for name in ("tradewise_otel", "collector", "deploy/datadog"):
        shutil.copytree(root / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py"):
        shutil.copy(root / name, source)
    (source / "README.md").touch()
    # With build isolation, as a user installs it: the setuptools that pyproject.toml asks for.
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", str(work), str(source)]
    done = subprocess.run(pip, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = work.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(work / "installed")
    return work / "installed"


@pytest.mark.parametrize(
    ("folder", "source"), [("collector", collector_dir()), ("deploy/datadog", datadog_dir())]
)
def test_the_wheel_carries_every_file(installed: Path, folder: str, source: Path) -> None:
    """Layers, modules and what Datadog is to have are in the wheel as in the checkout, byte for byte."""
    shipped = installed / "tradewise_otel" / "_assets" / folder
    names = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    assert {path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file()} == names
    assert all((shipped / name).read_bytes() == (source / name).read_bytes() for name in names)


@pytest.mark.parametrize("role", ["laptop", "gateway", "agent"])
def test_an_installation_finds_them(installed: Path, tmp_path: Path, role: str) -> None:
    """Away from a checkout, a role's layers, manifest, lock and modules are read from the package data."""
    code = (
        "from tradewise_otel.assets import repository_root\n"
        "from tradewise_otel.tools.collector.config import load_role\n"
        f"role = load_role('{role}')\n"
        "print(repository_root(), role.manifest, role.lock, *role.files, *role.components)"
    )
    environ = {**os.environ, "PYTHONPATH": str(installed)}
    said = subprocess.check_output([sys.executable, "-c", code], env=environ, cwd=tmp_path, text=True).split()
    assert said[0] == "None"
    assert all(path.startswith(str(installed)) and Path(path).exists() for path in said[1:])
