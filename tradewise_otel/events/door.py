"""How a typed call leaves the app: into the running pipeline, or the plain way where none runs.

One pipeline runs a process, as one set of OpenTelemetry's providers does; it opens the door when it starts.
A forked child has its parent's, which knows of forks. Without the launcher a typed call is what an app
would have written by hand: `logging.getLogger(__name__).log(level, message, extra=fields)`.
"""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, ParamSpec

from tradewise_otel.catalogue.lookup import event_for
from tradewise_otel.record.statement import Call

P = ParamSpec("P")
Take = Callable[[Call, tuple[object, ...], dict[str, Any], FrameType], None]
"""Takes a call: what it states, positional arguments, arguments by name, the caller's frame."""

Failed = Callable[[str, Exception], None]
"""Is told where one of ours has raised, and what."""

_REFUSED = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


def states(event: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Makes the declaration of a call one that states `event`, and that no argument makes raise."""
    call = Call(event_for(event))

    def of(declared: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(declared)
        def state(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                _door.take(call, args, kwargs, sys._getframe(1))
            except Exception as error:
                _door.failed("typed call", error)

        return state

    return of


def open_to(take: Take, failed: Failed) -> tuple[Take, Failed]:
    """Hands every call from now on to `take`, and what it raises to `failed`; answers who had them before."""
    before = _door.take, _door.failed
    _door.take, _door.failed = take, failed
    return before


def plainly(call: Call, positional: tuple[object, ...], given: dict[str, Any], caller: FrameType) -> None:
    """Logs a call the plain way; the app's own levels, handlers and formatters have it."""
    event_type, level, message, fields, _ = call.understood(positional, given)
    logger = logging.getLogger(caller.f_globals.get("__name__"))
    number: int = getattr(logging, level)
    if logger.isEnabledFor(number):
        extra = {(f"extra.{name}" if name in _REFUSED else name): value for name, value in fields.items()}
        logger.handle(_record(logger, number, message, {"event_type": event_type, **extra}, caller))


def _record(
    logger: logging.Logger, level: int, message: str, extra: dict[str, Any], caller: FrameType
) -> logging.LogRecord:
    code = caller.f_code
    place = (code.co_filename, caller.f_lineno)
    return logger.makeRecord(logger.name, level, *place, message, (), None, code.co_name, extra)


class _Door:
    __slots__ = ("failed", "take")

    def __init__(self) -> None:
        self.take: Take = plainly
        self.failed: Failed = _unheard


def _unheard(where: str, error: Exception) -> None:
    """Without a pipeline nobody counts; what a handler of the app raises is told by logging itself."""


_door = _Door()
