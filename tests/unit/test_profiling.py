"""`profile_performance` around every kind of function: what it returns, raises and tells."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from harness.pipeline import Pipeline
from opentelemetry import trace

from tradewise_otel import running
from tradewise_otel.instrument import profiled
from tradewise_otel.profiling import profile_performance


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
def steps(number: int, error: BaseException | None = None) -> Iterator[int]:
    """A generator."""
    yield from range(number)
    if error is not None:
        raise error


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
