"""The few frames of ours that the app's own calls pass through: its requests, log calls and prints.

What cannot be shielded from inside is kept here, apart from all that does work: each function calls parts
that never raise (`Ledger.shielded`), tells our faults from the app's exceptions, and lets the app go on.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from types import FrameType, TracebackType
from typing import Any, NamedTuple

from tradewise_otel.pipeline.ledger import Ledger

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class Visit(NamedTuple):
    """A request on its way through an app: what the app is given, and who is told how it ended."""

    receive: Receive
    send: Send
    ended: Callable[[BaseException | None], None]


Opens = Callable[[dict[str, Any], Receive, Send], Visit | None]


class Asgi:
    """ASGI middleware that has `begin` open each request; one that it does not open goes to `otherwise`.

    Args:
        inner: the app behind it.
        otherwise: another way to the app; the app itself where there is none.
    """

    def __init__(self, begin: Opens, inner: App, otherwise: App | None = None) -> None:
        self._begin, self._inner = begin, inner
        # Whoever looks through the stack of middleware goes from `app` to `app`.
        self.app = otherwise or inner

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Runs the app once, with its own outcome."""
        visit = self._begin(scope, receive, send)
        if visit is None:
            await self.app(scope, receive, send)
            return
        try:
            await self._inner(scope, visit.receive, visit.send)
        except BaseException as error:
            visit.ended(error)
            raise
        visit.ended(None)


def receiving(receive: Receive, note: Callable[[Message], None]) -> Receive:
    """`receive`, with every message noted before the app has it."""

    async def noted() -> Message:
        message = await receive()
        note(message)
        return message

    return noted


def sending(
    send: Send,
    ledger: Ledger,
    before: Sequence[Callable[[Message], None]],
    after: Sequence[Callable[[Message], None]] = (),
) -> Send:
    """`send`, with every message told before the server has it, and after; who fails to hear is counted."""

    async def told(message: Message) -> None:
        _tell(before, message, ledger, "answer")
        await send(message)
        _tell(after, message, ledger, "answered")

    return told


def _tell(tells: Sequence[Callable[[Message], None]], message: Message, ledger: Ledger, where: str) -> None:
    for tell in tells:
        try:
            tell(message)
        except Exception as error:
            ledger.internal_error(where, error)


class Attempted(NamedTuple):
    """A call of the app under way: what is known of it, and who is told how it ends."""

    state: Any
    answered: Callable[[Any, Any], None]
    failed: Callable[[Any, BaseException], None]


Begins = Callable[[tuple[Any, ...], dict[str, Any], dict[str, Any], Any], Attempted | None]
"""Begins a call from its arguments, what stands around it was made with, and its object."""


def call(begin: Begins, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """Around a wrapped function (wrapt's form): calls it once; `otherwise` does where `begin` does not."""

    def around(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any, **setup: Any) -> Any:
        attempt = begin(args, kwargs, setup, instance)
        if attempt is None:
            return otherwise(wrapped, instance, args, kwargs, **setup)
        try:
            answer = wrapped(*args, **kwargs)
        except BaseException as error:
            attempt.failed(attempt.state, error)
            raise
        attempt.answered(attempt.state, answer)
        return answer

    return around


def async_call(begin: Begins, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """As `call`, around a coroutine function."""

    async def around(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any, **setup: Any) -> Any:
        attempt = begin(args, kwargs, setup, instance)
        if attempt is None:
            return await otherwise(wrapped, instance, args, kwargs, **setup)
        try:
            answer = await wrapped(*args, **kwargs)
        except BaseException as error:
            attempt.failed(attempt.state, error)
            raise
        attempt.answered(attempt.state, answer)
        return answer

    return around


def log_calls(
    take: Callable[[logging.LogRecord], None],
    select: Callable[[logging.Logger, logging.LogRecord], Sequence[logging.Handler] | None],
    original: Callable[[logging.Logger, logging.LogRecord], None],
) -> Callable[[logging.Logger, logging.LogRecord], None]:
    """In the place of `callHandlers`: `take` has the record, then the handlers that `select` names.

    What a handler of the app raises is the app's. Where `select` does not know, stdlib's way is taken.
    """

    def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
        take(record)
        handlers = select(logger, record)
        if handlers is None:
            original(logger, record)
            return
        for handler in handlers:
            handler.handle(record)

    return call_handlers


def stream_emits(
    take: Callable[[logging.LogRecord], None],
    is_standard: Callable[[logging.Handler], bool | None],
    original: Callable[[Any, logging.LogRecord], None],
) -> Callable[[Any, logging.LogRecord], None]:
    """In the place of `StreamHandler.emit`: `take` has what would go to a standard stream."""

    def emit(handler: Any, record: logging.LogRecord) -> None:
        standard = is_standard(handler)
        if standard is None:
            # Unknown: a file is the app's; to a stream nothing may go that was not redacted.
            standard = not isinstance(handler, logging.FileHandler)
        if standard:
            take(record)
        else:
            original(handler, record)

    return emit


def writing(take: Callable[[Any], None], *kinds: type[Any]) -> Callable[[Any], int]:
    """A stream's `write` that hands what is written to `take`, and refuses what the real one would."""

    def write(data: Any) -> int:
        if not isinstance(data, kinds):
            raise TypeError(f"write() argument must be {kinds[0].__name__}, not {type(data).__name__}")
        take(data)
        return len(data)

    return write


def then(first: Callable[..., Any], second: Callable[..., Any]) -> Callable[..., Any]:
    """A hook that calls `first`, then, unless that answers False, the hook that was there before."""

    def both(*args: Any, **kwargs: Any) -> Any:
        return None if first(*args, **kwargs) is False else second(*args, **kwargs)

    return both


def print_if_no_error(kind: type[BaseException], value: BaseException, tb: TracebackType | None) -> None:
    """Python's own `sys.excepthook`, but errors, whose text may hold a secret, are left to our line."""
    if not issubclass(kind, Exception):
        sys.__excepthook__(kind, value, tb)


def say_nothing(args: threading.ExceptHookArgs) -> None:
    """In the place of Python's own `threading.excepthook`: our line has told it."""


def keeping(original: Callable[[int, Any], Any], handler: Callable[..., Any]) -> Callable[[int, Any], Any]:
    """In the place of `signal.signal`: whoever resets SIGTERM or SIGINT gets `handler`, which dies of it too.

    gunicorn's workers reset them after the fork, and uvicorn raises the signal again at its end.
    """

    def set_signal(signalnum: int, new: Any) -> Any:
        mine = new == signal.SIG_DFL and signalnum in (signal.SIGTERM, signal.SIGINT)
        return original(signalnum, handler if mine else new)

    return set_signal


_set_signal = signal.signal


def die_of(number: int, frame: FrameType | None) -> None:
    """Ends the process by the signal itself, so that the exit code is what it would have been."""
    _set_signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
