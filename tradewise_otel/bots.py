"""`bot_connection_test`: an attempt to connect to a bot, as the documented event (JSON Log Format).

    async with bot_connection_test(api_url, bot_id=bot_id) as test:
        test.bot_info = (await client.get(f"{api_url}/api/v1/status")).json()

    @bot_connection_test()
    async def test_bot_connection(api_url: str, api_token: str) -> dict[str, object]: ...

An attempt that ends is `bot_connection_test_success`; one that lets an exception through, or that says
`test.failed("…")`, is `bot_connection_test_failed`. The exception is the app's and passes on. One that is
cancelled has failed too: nobody is connected. Each attempt counts in `bot.connections.count` and
`.duration`, so no other call has to count it. Without the launcher nothing is told.
"""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from tradewise_otel import running
from tradewise_otel.record.build import automatic, living_request, span_context

if TYPE_CHECKING:
    from tradewise_otel.instrument.runtime import Runtime

P = ParamSpec("P")
R = TypeVar("R")


def bot_connection_test(api_url: object = None, *, bot_id: object = None) -> BotConnectionTest:
    """Tells of the attempt in the block of a `with` or `async with`, or in the function that it decorates.

    Args:
        api_url: URL of the bot. Where it decorates: by default the function's argument `api_url`.
        bot_id: id of the bot, if it has one yet. Where it decorates: by default the argument `bot_id`.
    """
    return BotConnectionTest(api_url, bot_id)


class BotConnectionTest:
    """One attempt to connect, or what decorates functions that make one.

    Attributes:
        bot_info: what the bot says of itself; of a decorated function, the mapping that it returns.
    """

    def __init__(self, api_url: object, bot_id: object) -> None:
        self._api_url, self._bot_id = api_url, bot_id
        self._started = 0
        self._error_type: str | None = None
        self.bot_info: Mapping[str, Any] | None = None

    def failed(self, error_type: str) -> None:
        """Says that the attempt has failed, where no exception does, or better than the one that does.

        Args:
            error_type: what it failed of, one of few words, such as `http_503`.
        """
        self._error_type = error_type

    def __enter__(self) -> BotConnectionTest:
        self._started = time.perf_counter_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        runtime = running.pipeline()
        if runtime is None:
            return
        try:
            self._tell(runtime, error)
        except Exception as fault:
            runtime.ledger.internal_error("bot_connection_test", fault)

    async def __aenter__(self) -> BotConnectionTest:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, tb)

    def _tell(self, runtime: Runtime, error: BaseException | None) -> None:
        # What the app has said is of its trade; what it raises then may be of its framework.
        error_type = self._error_type or (type(error).__name__ if error is not None else None)
        fields = {
            "api_url": None if self._api_url is None else str(self._api_url),
            "total_duration_ms": round((time.perf_counter_ns() - self._started) / 1e6, 3),
            # What is no mapping goes as it is, and is counted as of the wrong type.
            "bot_info": dict(self.bot_info) if isinstance(self.bot_info, Mapping) else self.bot_info,
            "bot_id": None if self._bot_id is None else str(self._bot_id),
            "error_type": error_type,
        }
        event = automatic(
            "bot_connection_test_failed" if error_type else "bot_connection_test_success",
            "ERROR" if error_type else "INFO",
            f"Bot connection test {'failed' if error_type else 'successful'}",
            {name: value for name, value in fields.items() if value is not None},
            span_context(),
            living_request(),
        )
        event.logger_name = __name__
        runtime.sink.emit(event)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """The function, each call of which is an attempt."""
        wrap: Any = self._around_coroutine if inspect.iscoroutinefunction(function) else self._around
        return functools.wraps(function)(wrap(function, inspect.signature(function)))

    def _around(self, function: Callable[..., R], signature: inspect.Signature) -> Callable[..., R]:
        def tested(*args: Any, **kwargs: Any) -> R:
            with self._attempt(signature, args, kwargs) as attempt:
                return attempt._answered(function(*args, **kwargs))

        return tested

    def _around_coroutine(self, function: Callable[..., Any], signature: inspect.Signature) -> Any:
        async def tested(*args: Any, **kwargs: Any) -> Any:
            with self._attempt(signature, args, kwargs) as attempt:
                return attempt._answered(await function(*args, **kwargs))

        return tested

    def _attempt(
        self, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> BotConnectionTest:
        """One of its own for a call, with what its arguments say."""
        try:
            given = signature.bind_partial(*args, **kwargs).arguments
        except TypeError:
            # The function itself will say it better.
            given = {}
        api_url, bot_id = given.get("api_url"), given.get("bot_id")
        return BotConnectionTest(
            api_url if self._api_url is None else self._api_url,
            bot_id if self._bot_id is None else self._bot_id,
        )

    def _answered(self, result: R) -> R:
        if self.bot_info is None and isinstance(result, Mapping):
            self.bot_info = result
        return result
