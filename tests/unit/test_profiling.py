"""`profile_performance` around every kind of function: what it returns, raises and tells."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.pipeline import Pipeline
from opentelemetry import trace

from tradewise_otel import running
from tradewise_otel.instrument import profiled
from tradewise_otel.profiling import profile_performance

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


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """What the calls of a test tell."""
    pipeline = Pipeline()
    monkeypatch.setattr(running, "_running", pipeline.runtime)
    return pipeline


def outcomes(told: Pipeline) -> list[dict[str, Any]]:
    """The fields of each event, but for its duration."""
    assert {line["event_type"] for line in told.lines} <= {"performance_metric"}
    return told.fields("operation", "status", "error", "cancelled")


def success(operation: str = "work", **more: Any) -> dict[str, Any]:
    """The fields of a call that did not fail."""
    return {"operation": operation, "status": "success", **more}


@profile_performance("work")
def plain(number: int, error: BaseException | None = None) -> int:
    """A function."""
    if error is not None:
        raise error
    return number


@profile_performance("work")
async def task(number: int, error: BaseException | None = None) -> int:
    """A coroutine."""
    await asyncio.sleep(0)
    if error is not None:
        raise error
    return number


@profile_performance("work")
def steps(number: int, error: BaseException | None = None) -> Generator[int, Any, str]:
    """A generator that answers what it is sent, and what is thrown at it."""
    for item in range(number):
        try:
            got = yield item
        except KeyError as thrown:
            got = yield -int(thrown.args[0])
        if got == "stop":
            return "stopped"
    if error is not None:
        raise error
    return "done"


@profile_performance("work")
async def stream(number: int, error: BaseException | None = None) -> AsyncIterator[int]:
    """An async generator."""
    for item in range(number):
        await asyncio.sleep(0)
        yield item
    if error is not None:
        raise error


async def _taken(made: AsyncIterator[int]) -> list[int]:
    return [item async for item in made]


CALLS: dict[str, Callable[..., Any]] = {
    "function": plain,
    "coroutine": lambda *args: asyncio.run(task(*args)),
    "generator": lambda *args: list(steps(*args)),
    "async generator": lambda *args: asyncio.run(_taken(stream(*args))),
}
each_kind = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@each_kind
def test_a_call_tells_its_end_once(call: Callable[..., Any], told: Pipeline) -> None:
    """The result is the function's, and there is one event of success with a duration."""
    assert call(3) in (3, [0, 1, 2])
    assert outcomes(told) == [success()]
    (line,) = told.lines
    assert (line["event_type"], line["level"]) == ("performance_metric", "INFO")
    assert line["message"] == "Performance: work completed"
    assert 0 < line["duration_ms"] < 1000


@each_kind
def test_a_failure_is_told_and_passed_on(call: Callable[..., Any], told: Pipeline) -> None:
    """The caller gets the very exception; the event is an error with its text."""
    error = ValueError("no price")
    with pytest.raises(ValueError, match="no price") as raised:
        call(2, error)
    assert raised.value is error
    assert outcomes(told) == [{"operation": "work", "status": "error", "error": "no price"}]
    assert (told.lines[0]["level"], told.lines[0]["message"]) == ("ERROR", "Performance: work failed")


@each_kind
@pytest.mark.parametrize("kind", [asyncio.CancelledError, KeyboardInterrupt, SystemExit])
def test_what_cuts_a_call_off_is_no_failure(
    call: Callable[..., Any], kind: type[BaseException], told: Pipeline
) -> None:
    """A cancellation or the end of the process passes through, and the call counts as cut off."""
    with pytest.raises(kind):
        call(1, kind())
    assert outcomes(told) == [success(cancelled=True)]
    assert told.lines[0]["level"] == "INFO"


def test_an_error_that_cannot_be_printed_has_its_name(told: Pipeline) -> None:
    """An exception without a text, or whose text raises, is told by its class."""

    class Unprintable(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    for error in (Unprintable(), TimeoutError()):
        with pytest.raises(type(error)):
            plain(1, error)
    assert [fields["error"] for fields in outcomes(told)] == ["Unprintable", "TimeoutError"]


def test_a_generator_keeps_send_throw_and_its_return_value(told: Pipeline) -> None:
    """What is sent and thrown reaches the generator, what it returns its caller, through `yield from` too."""
    made = steps(9)
    assert (next(made), made.send("go on"), made.throw(KeyError(7))) == (0, 1, -7)
    assert told.lines == []
    with pytest.raises(StopIteration) as stop:
        made.send("stop")
    assert stop.value.value == "stopped"

    def outer() -> Generator[int, Any, str]:
        return (yield from steps(2))

    walk = outer()
    assert [next(walk), next(walk)] == [0, 1]
    with pytest.raises(StopIteration, match="done"):
        next(walk)
    assert outcomes(told) == [success()] * 2


@pytest.mark.parametrize("end", ["close", "forget"])
def test_a_generator_that_is_closed_early_is_a_success(end: str, told: Pipeline) -> None:
    """Who has had enough closes it, or drops it: its own `finally` runs, then the call is told."""
    left: list[int] = []

    @profile_performance("work")
    def work() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            left.append(len(told.lines))

    made: Any = work()
    assert next(made) == 1
    if end == "close":
        made.close()
    del made
    assert (left, outcomes(told)) == ([0], [success()])


def test_a_generator_that_will_not_close_says_so_as_bare(told: Pipeline) -> None:
    """One that yields again when it is closed raises the RuntimeError of any generator."""

    @profile_performance("work")
    def work() -> Iterator[int]:
        for _ in range(2):
            try:
                yield 1
            except GeneratorExit:
                yield 2

    made: Any = work()
    next(made)
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        made.close()


def test_an_async_generator_keeps_asend_athrow_and_aclose(told: Pipeline) -> None:
    """What is sent and thrown reaches it; closing it early runs its `finally`, awaits there included."""
    left: list[str] = []

    @profile_performance("work")
    async def work() -> Any:
        try:
            got = yield 1
            try:
                yield got
            except KeyError:
                yield "thrown"
        finally:
            await asyncio.sleep(0)
            left.append("left")

    async def use() -> list[Any]:
        made = work()
        got = [await made.asend(None), await made.asend("sent"), await made.athrow(KeyError())]
        await made.aclose()
        return got

    assert asyncio.run(use()) == [1, "sent", "thrown"]
    assert (left, outcomes(told)) == (["left"], [success()])


def test_a_block_is_a_call(told: Pipeline) -> None:
    """`with` and `async with` tell their block, also one within another of the same object."""
    outer = profile_performance("outer")

    async def use() -> None:
        async with outer:
            with outer, pytest.raises(LookupError), profile_performance("inner"):
                raise LookupError("x")

    asyncio.run(use())
    assert [fields["operation"] for fields in outcomes(told)] == ["inner", "outer", "outer"]
    assert [fields["status"] for fields in outcomes(told)] == ["error", "success", "success"]


def test_objects_that_are_called_are_of_the_kind_of_their_call(told: Pipeline) -> None:
    """Partials, methods and objects with an async `__call__` are profiled for as long as they run."""

    class Bot:
        @profile_performance("method")
        def poll(self) -> Any:
            return self

        async def __call__(self) -> str:
            await asyncio.sleep(0.02)
            return "ran"

    bot = Bot()
    assert bot.poll() is bot
    assert asyncio.run(profile_performance("object")(bot)()) == "ran"
    assert asyncio.run(profile_performance("partial")(functools.partial(task, 4))()) == 4
    assert [line["operation"] for line in told.lines] == ["method", "object", "work", "partial"]
    assert told.lines[1]["duration_ms"] >= 15


@pytest.mark.parametrize("made", [plain, task, steps, stream])
def test_a_profiled_function_looks_like_itself(made: Callable[..., Any]) -> None:
    """Name, docstring, signature and kind stay: frameworks look at them."""
    bare = made.__wrapped__  # type: ignore[attr-defined]
    assert (made.__name__, made.__doc__) == (bare.__name__, bare.__doc__)
    assert inspect.signature(made) == inspect.signature(bare)
    for kind in (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction):
        assert kind(made) == kind(bare)


@each_kind
def test_without_a_pipeline_a_call_is_just_a_call(
    call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is running: results and exceptions are as bare, and nothing of ours is even made."""
    monkeypatch.setattr(running, "_running", None)
    monkeypatch.setattr(profiled, "trace", None)
    assert call(3) in (3, [0, 1, 2])
    with pytest.raises(LookupError):
        call(1, LookupError())


@each_kind
@pytest.mark.parametrize("step", ["__init__", "resume", "pause", "end", "_emit", "_describe"])
def test_a_fault_of_ours_is_counted_and_the_call_goes_on(
    call: Callable[..., Any], step: str, told: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever step of ours raises, results and exceptions are the app's own, and the fault is counted."""

    def planted(*args: Any) -> Any:
        raise RuntimeError("a planted fault")

    monkeypatch.setattr(profiled.Profiled, step, planted)
    assert call(2) in (2, [0, 1])
    with pytest.raises(LookupError, match="the app's"):
        call(1, LookupError("the app's"))
    assert told.ledger.count("dropped", reason="internal_error") >= 2
    assert not trace.get_current_span().get_span_context().is_valid


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
