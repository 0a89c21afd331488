"""`profile_performance`: how long a piece of the app takes, as an event and a span (Performance Analysis).

    @profile_performance("bot_connection_test")
    async def test_bot_connection(api_url: str, api_token: str) -> bool: ...

    with profile_performance("rebalance"):
        ...

Functions, coroutines, generators and async generators keep their signature, their results and their
exceptions. Each call gives one `performance_metric`, whatever the levels of loggers, and a span of that
name, the parent of whatever the call does. Without the launcher a call is just a call.

An `Exception` is a failure: level ERROR, `status: error`, and the request is kept whole. What cuts a call
off from outside (`asyncio.CancelledError`, `KeyboardInterrupt`) is no failure of it: `status: success` with
`cancelled: true`. A generator is timed from its first step to its last, and closing it early is a success.
Between two steps its span is not the current one.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from tradewise_otel import running
from tradewise_otel.instrument.profiled import Profiled

P = ParamSpec("P")
R = TypeVar("R")


def profile_performance(operation: str) -> Profile:
    """Profiles what it decorates, or the block of a `with` or `async with`.

    Args:
        operation: the event's `operation` and the span's name; one of few, since it names a series.
    """
    return Profile(operation)


class Profile:
    """What `profile_performance` gives; as a context manager one block, or blocks within one another."""

    def __init__(self, operation: str) -> None:
        self._operation = operation
        self._blocks: list[_Call] = []

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """The function, profiled."""
        wrapped: Any = _way_of(function)(self._operation, function)
        return functools.wraps(function)(wrapped)

    def __enter__(self) -> None:
        self._blocks.append(_Call(self._operation))
        self._blocks[-1].resume()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._blocks.pop().end(error)

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, tb)


class _Call:
    """One call as the app's own frames see it: no step raises, and without a pipeline none does anything."""

    __slots__ = ("_pipeline", "_profiled", "_token")

    def __init__(self, operation: str) -> None:
        self._pipeline, self._token = running.pipeline(), None
        self._profiled: Profiled | None = None
        if self._pipeline is not None:
            self._profiled = self._safely(Profiled, self._pipeline, operation)

    def resume(self) -> None:
        """From now on the app's own code runs."""
        if self._profiled is not None:
            self._token = self._safely(self._profiled.resume)

    def pause(self) -> None:
        """The app's own code does not run for now."""
        if self._profiled is not None and self._token is not None:
            self._token = self._safely(self._profiled.pause, self._token)

    def end(self, error: BaseException | None) -> None:
        """The app's own code is done."""
        if self._profiled is not None:
            self._safely(self._profiled.end, error)
            self.pause()

    def _safely(self, step: Callable[..., Any], *args: Any) -> Any:
        try:
            return step(*args)
        except Exception as error:
            if self._pipeline is not None:
                self._pipeline.ledger.internal_error("profile_performance", error)
        return None


def _way_of(function: Callable[..., Any]) -> Callable[[str, Any], Callable[..., Any]]:
    """How a function of this kind is profiled; an object that is called is of the kind of its `__call__`."""
    code: Any = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    code = function if isinstance(function, functools.partial) else code
    if inspect.iscoroutinefunction(code):
        return _coroutine
    if inspect.isasyncgenfunction(code):
        return _async_generator
    return _generator if inspect.isgeneratorfunction(code) else _function


def _function(operation: str, function: Callable[..., R]) -> Callable[..., R]:
    def profiled(*args: Any, **kwargs: Any) -> R:
        with Profile(operation):
            return function(*args, **kwargs)

    return profiled


def _coroutine(
    operation: str, function: Callable[..., Coroutine[Any, Any, R]]
) -> Callable[..., Coroutine[Any, Any, R]]:
    async def profiled(*args: Any, **kwargs: Any) -> R:
        with Profile(operation):
            return await function(*args, **kwargs)

    return profiled


def _generator(
    operation: str, function: Callable[..., Generator[Any, Any, R]]
) -> Callable[..., Generator[Any, Any, R]]:
    def profiled(*args: Any, **kwargs: Any) -> Generator[Any, Any, R]:
        steps, call = function(*args, **kwargs), _Call(operation)
        step: Callable[[Any], Any] = steps.send
        value: Any = None
        while True:
            call.resume()
            try:
                item = step(value)
            except StopIteration as done:
                call.end(None)
                return done.value  # type: ignore[no-any-return]
            except BaseException as error:
                call.end(error)
                raise
            call.pause()
            try:
                step, value = steps.send, (yield item)
            except BaseException as error:
                # `throw` and `close` of whoever takes the values are the generator's to answer.
                step, value = steps.throw, error

    return profiled


def _async_generator(
    operation: str, function: Callable[..., AsyncGenerator[Any, Any]]
) -> Callable[..., AsyncGenerator[Any, Any]]:
    async def profiled(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        steps, call = function(*args, **kwargs), _Call(operation)
        step: Callable[[Any], Any] = steps.asend
        value: Any = None
        while True:
            call.resume()
            try:
                item = await step(value)
            except StopAsyncIteration:
                call.end(None)
                return
            except BaseException as error:
                call.end(error)
                raise
            call.pause()
            try:
                step, value = steps.asend, (yield item)
            except BaseException as error:
                step, value = steps.athrow, error

    return profiled
