"""How a typed call leaves the app: into the running pipeline, or the plain way where none runs.

Without the launcher a typed call is what an app would have written by hand:
`logging.getLogger(__name__).log(level, message, extra=fields)`.
"""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, ParamSpec

from tradewise_otel import running
from tradewise_otel.catalogue.lookup import event_for
from tradewise_otel.instrument import stated
from tradewise_otel.record.statement import Call

P = ParamSpec("P")
_REFUSED = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


def states(event: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Makes the declaration of a call one that states `event`, and that no argument makes raise."""
    call = Call(event_for(event))

    def of(declared: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(declared)
        def state(*args: P.args, **kwargs: P.kwargs) -> None:
            pipeline, caller = running.pipeline(), sys._getframe(1)
            try:
                if pipeline is None:
                    plainly(call, args, kwargs, caller)
                else:
                    stated.take(pipeline.sink, call, args, kwargs, caller)
            except Exception as error:
                # Without a pipeline nobody counts; what a handler of the app raises logging itself tells.
                if pipeline is not None:
                    pipeline.ledger.internal_error("typed call", error)

        return state

    return of


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
