"""The app's log records: one sink behind `logging.Logger.callHandlers` (decision P3).

It is the one point that every enabled record passes, whatever its handlers, levels or propagation, so
each record becomes one line in every style of logging that apps use. Handlers that write elsewhere (files,
queues, error trackers) still get theirs; handlers on the standard streams are skipped, since the line has
taken their place.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from tradewise_otel.instrument.runtime import Runtime
from tradewise_otel.record.build import from_log_record

_TAKEN = "_tradewise_taken"
# The api events say what these lines would, with more in them.
_REPLACED = frozenset({"uvicorn.access"})
# Upstream's exporters talk of each failed try; we say it once an outage.
_MUFFLED = ("opentelemetry.exporter.", "opentelemetry.sdk._shared_internal", "urllib3.connectionpool")


class OurLevel(int):
    """The root level that we set, told apart by identity from one that the app sets."""


class LoggingEvents:
    """Takes records from stdlib logging."""

    def __init__(self, runtime: Runtime) -> None:
        self._sink = runtime.sink
        self._ledger = runtime.ledger
        self._level = OurLevel(logging.getLevelName(runtime.settings.log_level))
        self._untouched = logging.getLogger().level

    def install(self) -> None:
        """Puts the sink in place; the app's logging configuration may come before or after."""
        take = self._ledger.shielded("log record", self.take, None)
        hear = self._foreign_handlers
        emit = logging.StreamHandler.emit

        def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
            if record.name in _REPLACED:
                return
            if not record.name.startswith(_MUFFLED):
                take(record)
            hear(logger, record)

        def stream_emit(handler: logging.StreamHandler[Any], record: logging.LogRecord) -> None:
            if not writes_to_std_stream(handler):
                emit(handler, record)
            elif not getattr(record, _TAKEN, False):
                # Handed to the handler directly, past all loggers.
                take(record)

        logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign,assignment]
        logging.StreamHandler.emit = stream_emit  # type: ignore[method-assign,assignment]
        logging.captureWarnings(True)
        self._enable_info()

    def _enable_info(self) -> None:
        root = logging.getLogger()
        if root.level == logging.WARNING and not root.handlers:
            root.setLevel(self._level)

    def take(self, record: logging.LogRecord) -> None:
        """Makes an event of a record and marks it, so that a queue listener does not bring it again."""
        record.__dict__[_TAKEN] = True
        self._sink.emit(from_log_record(record))

    def _foreign_handlers(self, logger: logging.Logger, record: logging.LogRecord) -> None:
        """What `callHandlers` does, for handlers that do not write to the standard streams."""
        floor = self._floor(logger)
        current: logging.Logger | None = logger
        while current is not None:
            for handler in current.handlers:
                if record.levelno >= max(handler.level, floor) and not writes_to_std_stream(handler):
                    handler.handle(record)
            current = current.parent if current.propagate else None

    def _floor(self, logger: logging.Logger) -> int:
        """The level below which the app's handlers would have seen nothing without us."""
        current: logging.Logger | None = logger
        while current is not None:
            if current.level:
                return self._untouched if current.level is self._level else 0
            current = current.parent
        return 0


def writes_to_std_stream(handler: logging.Handler) -> bool:
    """True for stream handlers on stdout or stderr, in whatever wrapping."""
    if not isinstance(handler, logging.StreamHandler):
        return False
    stream = handler.stream
    return stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
