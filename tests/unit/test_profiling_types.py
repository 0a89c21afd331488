"""Type checkers see through `profile_performance`: to them a profiled function is the function."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TYPED = """
from collections.abc import AsyncIterator, Generator
from typing import assert_type
from tradewise_otel.profiling import profile_performance

@profile_performance("a")
def plain(number: int, *, text: str = "") -> float: ...
@profile_performance("b")
async def task(number: int) -> str: ...
@profile_performance("c")
def steps(number: int) -> Generator[int, str, bool]: ...
@profile_performance("d")
async def stream(number: int) -> AsyncIterator[int]:
    yield number

async def use() -> None:
    assert_type(plain(1, text="x"), float)
    assert_type(await task(1), str)
    assert_type(steps(1), Generator[int, str, bool])
    async for item in stream(1):
        assert_type(item, int)
    with profile_performance("e"):
        pass
    async with profile_performance("f"):
        pass
"""
WRONG = """
    plain("1")
    plain(1, txt="x")
    await task()
    steps(None)
    stream(1, 2)
"""


def test_type_checkers_see_the_bare_signature(tmp_path: Path) -> None:
    """mypy, strict: parameters and results are those of the function, and each wrong call is refused."""
    good = tmp_path / "good.py"
    good.write_text(TYPED.replace("from typing import", "from typing_extensions import"), encoding="utf-8")
    bad = tmp_path / "bad.py"
    bad.write_text(good.read_text(encoding="utf-8") + WRONG, encoding="utf-8")
    assert _mypy(good) == []
    assert len(_mypy(bad)) == len(WRONG.strip().splitlines())


def _mypy(path: Path) -> list[str]:
    words = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--no-error-summary",
        "--disable-error-code=empty-body",
    ]
    cache = f"--cache-dir={path.parent / 'cache'}"
    env = {**os.environ, "MYPYPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [*words, cache, str(path)], capture_output=True, text=True, cwd=path.parent, env=env
    )
    return [line for line in done.stdout.splitlines() if line.startswith(f"{path.name}:")]
