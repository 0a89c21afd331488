"""mypy and pyright on typed calls: each wrong one is refused in its line, each right one is taken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
"""Where the package is found: type checkers do not follow every kind of editable install."""


def mypy(file: Path, folder: Path) -> set[int]:
    """Lines of `file` in which mypy finds an error."""
    # As where the package is installed: what is wrong inside of it is not the app's.
    words = ["--strict", "--no-error-summary", "--output=json", "--follow-imports=silent"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *words, f"--cache-dir={folder}", str(file)],
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode < 2, done.stdout + done.stderr
    assert {Path(error["file"]).name for error in found} <= {file.name}, found
    return {error["line"] for error in found if error["severity"] == "error"}


def pyright(file: Path, folder: Path) -> set[int]:
    """Lines of `file` in which pyright finds an error; basedpyright's wheel holds all that it needs."""
    settings = {"include": [str(file)], "extraPaths": [str(ROOT)], "typeCheckingMode": "strict"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    words = ["--outputjson", "--pythonpath", sys.executable, "--project", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "basedpyright", *words], cwd=folder, capture_output=True, text=True
    )
    result = json.loads(done.stdout)
    assert result["summary"]["filesAnalyzed"] == 1, done.stdout
    found = result["generalDiagnostics"]
    return {error["range"]["start"]["line"] + 1 for error in found if error["severity"] == "error"}


@pytest.mark.parametrize("check", [mypy, pyright])
@pytest.mark.parametrize("name", ["good_calls.py", "bad_calls.py"])
def test_wrong_calls_are_refused_and_right_ones_taken(
    check: Callable[[Path, Path], set[int]], name: str, tmp_path: Path
) -> None:
    """Errors are found in the marked lines and in no other."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    marked = {number for number, line in enumerate(lines, 1) if line.endswith("# refused")}
    assert bool(marked) == (name == "bad_calls.py")
    assert check(HERE / name, tmp_path) == marked
