"""The app's log records: one sink behind `logging.Logger.callHandlers` (decision P3).

It is the one point that every enabled record passes, whatever its handlers, levels or propagation, so
each record becomes one line in every style of logging that apps use. Handlers that write elsewhere (files,
queues, error trackers) still get theirs; handlers on the standard streams are skipped, since the line has
taken their place.
"""

from __future__ import annotations

import logging
import sys

from tradewise_otel.instrument.printed import PrintedLines
from tradewise_otel.instrument.runtime import Runtime
from tradewise_otel.pipeline import shield
from tradewise_otel.pipeline.workers import EXPORT_THREAD
from tradewise_otel.record.build import from_log_record

_TAKEN = "_tradewise_taken"
_REPLACED = frozenset({"uvicorn.access"})
_EXPORTERS = ("opentelemetry.exporter.", "opentelemetry.sdk._shared_internal")


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
        shielded = self._ledger.shielded
        take = shielded("log record", self.take, None)
        select = shielded("log handlers", self._foreign_handlers, None)
        is_standard = shielded("log handler", writes_to_std_stream, None)
        logging.Logger.callHandlers = shield.log_calls(  # type: ignore[method-assign,assignment]
            take, select, logging.Logger.callHandlers
        )
        logging.StreamHandler.emit = shield.stream_emits(  # type: ignore[method-assign,assignment]
            take, is_standard, logging.StreamHandler.emit
        )
        self._enable_info()

    def _enable_info(self) -> None:
        root = logging.getLogger()
        if root.level == logging.WARNING and not root.handlers:
            root.setLevel(self._level)

    def take(self, record: logging.LogRecord) -> None:
        """Makes an event of a record, once: stream handlers and queue listeners bring it again."""
        if _TAKEN in record.__dict__:
            return
        record.__dict__[_TAKEN] = True
        if _is_news(record):
            self._sink.emit(from_log_record(record))

    def _foreign_handlers(self, logger: logging.Logger, record: logging.LogRecord) -> list[logging.Handler]:
        """Those that `callHandlers` would call, less those that write to the standard streams."""
        found: list[logging.Handler] = []
        floor = self._floor(logger)
        # What the export says is no part of the bare app.
        current: logging.Logger | None = None if record.threadName == EXPORT_THREAD else logger
        while current is not None:
            for handler in current.handlers:
                if record.levelno >= max(handler.level, floor) and not writes_to_std_stream(handler):
                    found.append(handler)
            current = current.parent if current.propagate else None
        return found

    def _floor(self, logger: logging.Logger) -> int:
        """The level below which the app's handlers would have seen nothing without us."""
        current: logging.Logger | None = logger
        while current is not None:
            if current.level:
                return self._untouched if current.level is self._level else 0
            current = current.parent
        return 0


def writes_to_std_stream(handler: logging.Handler) -> bool:
    """True for stream handlers on stdout or stderr, also where those were replaced since."""
    if not isinstance(handler, logging.StreamHandler):
        return False
    stream = handler.stream
    return isinstance(stream, PrintedLines) or stream in (
        sys.stdout,
        sys.stderr,
        sys.__stdout__,
        sys.__stderr__,
    )


def _is_news(record: logging.LogRecord) -> bool:
    """False for what is said in other words: requests by the api events, failed exports once an outage."""
    if record.name.startswith("urllib3."):
        return record.threadName != EXPORT_THREAD
    return record.name not in _REPLACED and not record.name.startswith(_EXPORTERS)
