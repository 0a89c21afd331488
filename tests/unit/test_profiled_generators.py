"""Profiled generators, sync and async: `send`, `throw`, `close` and what they return are the generator's."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from harness.pipeline import Pipeline
from opentelemetry import context

from tradewise_otel.profiling import profile_performance

SUCCESS = {"operation": "work", "status": "success"}


def outcomes(told: Pipeline) -> list[dict[str, Any]]:
    """The fields of each event, but for its duration."""
    return told.fields("operation", "status", "error", "cancelled")


@profile_performance("work")
def steps(number: int) -> Generator[int, Any, str]:
    """Answers what it is sent, and what is thrown at it."""
    for item in range(number):
        try:
            got = yield item
        except KeyError as thrown:
            got = yield -int(thrown.args[0])
        if got == "stop":
            return "stopped"
    return "done"


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
    assert outcomes(told) == [SUCCESS] * 2


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
    assert (left, outcomes(told)) == ([0], [SUCCESS])


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
    assert (left, outcomes(told)) == (["left"], [SUCCESS])


def test_between_two_steps_nothing_of_the_call_is_current(told: Pipeline) -> None:
    """Whoever takes the values works in a context of its own; the generator has its span at every step."""

    @profile_performance("work")
    def work() -> Iterator[context.Context]:
        yield context.get_current()
        yield context.get_current()

    @profile_performance("work")
    async def async_work() -> Any:
        yield context.get_current()
        yield context.get_current()

    async def use() -> list[context.Context]:
        seen = []
        async for inside in async_work():
            seen += [inside, context.get_current()]
        return seen

    # Other tests may have left a span that looks like one of an app without the SDK.
    token = context.attach(context.Context())
    own = context.get_current()
    seen = []
    for inside in work():
        seen += [inside, context.get_current()]
    for contexts in (seen, asyncio.run(use())):
        assert [found == own for found in contexts] == [False, True, False, True]
    assert context.get_current() == own
    context.detach(token)
