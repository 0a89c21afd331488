"""The version sets of `make test-versions` say what pyproject.toml promises (1.M9)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from harness.holds import holds
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
SETS = ROOT / "tests" / "versions"
RUN = [sys.executable, str(SETS / "run.py")]
PROMISED = (
    "fastapi",
    "uvicorn",
    "sqlalchemy",
    "aiosqlite",
    "httpx",
    "orjson",
    "typing-extensions",
    "google-re2",
)


def bounds(text: str, operator: str) -> dict[str, str]:
    """Package to the version that stands behind `operator`, of lines that name one."""
    found = {}
    for words in re.findall(rf"""^\s*"?([A-Za-z][\w.\[\],-]*{operator}[\d.]+)""", text, re.M):
        requirement = Requirement(words)
        found[requirement.name.lower()] = next(iter(requirement.specifier)).version
    return found


@holds("1.M9")
def test_the_oldest_set_is_the_lower_bounds() -> None:
    """Each lower bound that users rely on is pinned in the oldest set, at the same version."""
    promised = bounds((ROOT / "pyproject.toml").read_text(), ">=")
    oldest = bounds((SETS / "oldest-py3.10.txt").read_text(), "==")
    for name in PROMISED:
        floor, pinned = promised[name].split("."), oldest[name].split(".")
        assert pinned[: len(floor)] == floor, name
        assert set(pinned[len(floor) :]) <= {"0"}, name


@holds("1.M9")
def test_the_oldest_set_runs_on_the_oldest_python() -> None:
    """`requires-python` and the name of the oldest set name the same Python."""
    (minimum,) = re.findall(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert (SETS / f"oldest-py{minimum}.txt").exists()


def test_a_set_that_is_unknown_is_refused() -> None:
    """A set that does not exist is an error that names it, not a green run of nothing."""
    ended = subprocess.run([*RUN, "middle"], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "no such set: middle" in ended.stderr


def test_a_missing_python_is_named(tmp_path: Path) -> None:
    """Without the interpreter of a set the run fails and says which one it looked for."""
    other = "oldest" if sys.version_info[:2] != (3, 10) else "newest"
    env = {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    ended = subprocess.run([*RUN, other], env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert re.search(r"UNUSABLE\s+python3\.1\d is not on PATH", ended.stdout)
