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
from typing import Any

from tradewise_otel.pipeline.ledger import Ledger

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]
Around = Callable[[App, dict[str, Any], Receive, Send], Awaitable[None]]


def asgi(ledger: Ledger, around: Around, app: App) -> App:
    """`app` run by `around`; when `around` fails the app is run once all the same, with its own outcome."""

    async def safe(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        entered, failure = False, None

        async def entry(*call: Any) -> None:
            nonlocal entered, failure
            entered = True
            try:
                await app(*call)
            except BaseException as error:
                failure = error
                raise

        try:
            await around(entry, scope, receive, send)
        except Exception as error:
            if error is failure:
                raise
            ledger.internal_error("request", error)
            if failure is not None:
                raise failure from None
            if not entered:
                await app(scope, receive, send)

    return safe


def receiving(receive: Receive, note: Callable[[Message], None]) -> Receive:
    """`receive`, with every message noted before the app has it."""

    async def noted() -> Message:
        message = await receive()
        note(message)
        return message

    return noted


def sending(send: Send, note: Callable[[Message], None]) -> Send:
    """`send`, with every message noted before the server has it."""

    async def noted(message: Message) -> None:
        note(message)
        await send(message)

    return noted


class Attempt:
    """In the place of the span around a call of the app: keeps what is said of it, tells `ended` the rest."""

    __slots__ = ("_ended", "_words", "attributes")

    def __init__(self, ended: Callable[..., None], *words: Any) -> None:
        self._ended, self._words = ended, words
        self.attributes: MutableMapping[str, Any] = {}

    def __enter__(self) -> Attempt:
        return self

    def is_recording(self) -> bool:
        """True, so that something is said of it."""
        return True

    def set_attributes(self, attributes: MutableMapping[str, Any]) -> None:
        """Keeps them."""
        self.attributes = attributes

    def __exit__(self, kind: object, error: BaseException | None, trail: object) -> None:
        self._ended(self, *self._words, error)


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
