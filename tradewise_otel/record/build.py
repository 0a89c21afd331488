"""One event, from whichever source: built here, completed from the request, projected elsewhere.

The automatic events, the lines of the app and the exceptions all become an `Event`; `out/` turns it into
the JSON line and the OTLP record of contract 1.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import getrandbits
from typing import Any

from opentelemetry import context, trace
from opentelemetry.trace.propagation import _SPAN_KEY

from tradewise_otel.catalogue.vocabulary import Level
from tradewise_otel.context import Request, current
from tradewise_otel.texts import printable

SEVERITY: dict[str, int] = {"DEBUG": 5, "INFO": 9, "WARNING": 13, "ERROR": 17, "CRITICAL": 21}
"""OpenTelemetry severity number of each documented level."""

OWN_LOGGER = "tradewise_otel"
"""Logger name of the automatic events."""

ENVELOPE = frozenset(
    {"timestamp", "level", "logger_name", "environment", "version", "message", "event_type", "event_id"}
    | {"trace_id", "span_id", "process_id", "thread_id", "source", "exception", "emitter"}
    | {"sampling.reason", "sampling.weight", "logger.name", "thread.id", "retention_class"}
)
"""Keys of a line that the record itself fills; an app field of that name moves under `extra.`."""

# What every LogRecord has; anything beyond it came by `extra=`.
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
# `color_message` is uvicorn's own copy of the message with terminal colours in it.
_NOT_FIELDS = frozenset({"color_message", "event_type"})


def new_id() -> str:
    """An id of an event: 16 hex digits, which are its randomness where it is sampled for itself."""
    return f"{getrandbits(64):016x}"


@dataclass(slots=True)
class ExceptionInfo:
    """An exception as the documented line shows it."""

    type: str
    message: str
    traceback: list[str]


@dataclass(slots=True)
class Event:
    """One thing that happened.

    Attributes:
        timestamp_ns: when it happened, Unix time.
        level: documented level; `severity` is its OpenTelemetry number.
        fields: documented and free fields, still unredacted.
        source: file, line and function of the caller; None for automatic events.
        request: the holder it belongs to; None outside requests.
        identity: who was asking when it happened, as its line and its record say it.
        keep: True when this record goes whatever its kind says; what only the state knows.
        reason, weight: the verdict as far as it is known, filled by `verdict`.
        untimed: True where its duration measures nothing, as a WebSocket's: no distribution takes it.
        size: bytes of its line, which its record takes about as many of; filled by the sink.
    """

    timestamp_ns: int
    level: Level
    message: str
    logger_name: str
    event_type: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    trace_id: int = 0
    span_id: int = 0
    trace_flags: int = 0
    request: Request | None = None
    identity: dict[str, str] = field(default_factory=dict)
    source: tuple[str, int, str] | None = None
    exception: ExceptionInfo | None = None
    thread_id: int = field(default_factory=threading.get_ident)
    event_id: str = field(default_factory=new_id)
    keep: bool = False
    reason: str = "none"
    weight: float = 1.0
    untimed: bool = False
    size: int = 0

    @property
    def severity(self) -> int:
        """OpenTelemetry severity number."""
        return SEVERITY[self.level]


def automatic(
    event_type: str | None,
    level: Level,
    message: str,
    fields: dict[str, Any],
    span: trace.SpanContext | None,
    request: Request | None,
    timestamp_ns: int | None = None,
) -> Event:
    """An event of ours about the work of `span`, logged by `tradewise_otel`; a plain line without a type."""
    event = Event(
        timestamp_ns=timestamp_ns or time.time_ns(),
        level=level,
        message=message,
        logger_name=OWN_LOGGER,
        event_type=event_type,
        fields=fields,
        request=request,
    )
    if span is not None:
        event.trace_id, event.span_id, _, event.trace_flags, *_ = span
    return event


def from_log_record(record: logging.LogRecord) -> Event:
    """An event from a stdlib record: text, `extra=`, exception, caller, and the span it was logged in."""
    (trace_id, span_id, _, flags, *_), request = here()
    fields, event_type = extra_of(record.__dict__, _STANDARD)
    return Event(
        timestamp_ns=int(record.created * 1e9),
        level=level_of(record.levelno),
        message=text_of(record),
        logger_name=record.name,
        event_type=event_type,
        fields=fields,
        trace_id=trace_id,
        span_id=span_id,
        trace_flags=flags,
        request=request,
        source=(record.pathname, record.lineno, record.funcName or ""),
        exception=exception_of(record.exc_info, record.exc_text),
        thread_id=record.thread or 0,
    )


def level_of(levelno: int) -> Level:
    """The documented level at or below a stdlib level number."""
    if levelno >= logging.CRITICAL:
        return "CRITICAL"
    if levelno >= logging.ERROR:
        return "ERROR"
    if levelno >= logging.WARNING:
        return "WARNING"
    return "INFO" if levelno >= logging.INFO else "DEBUG"


def text_of(record: logging.LogRecord) -> str:
    """The record's message; a format that does not fit its arguments is shown, not raised."""
    try:
        return record.getMessage()
    except Exception as error:
        return f"{printable(record.msg)} (arguments do not fit: {type(error).__name__})"


def extra_of(
    attributes: Mapping[str, Any], apart_from: frozenset[str] = frozenset()
) -> tuple[dict[str, Any], str | None]:
    """The fields that `extra=` brought, and the event type among them."""
    fields = {
        (f"extra.{key}" if key in ENVELOPE else key): value
        for key, value in attributes.items()
        if value is not None and key not in apart_from and key not in _NOT_FIELDS and not _is_private(key)
    }
    event_type = attributes.get("event_type")
    if "service" in fields and event_type != "external_api_call":
        # The line's `service` is the emitter everywhere else (contract 1).
        fields["extra.service"] = fields.pop("service")
    return fields, (printable(event_type) or None) if event_type is not None else None


def _is_private(key: object) -> bool:
    return isinstance(key, str) and key.startswith("_")


def exception_of(exc_info: Any, exc_text: str | None = None) -> ExceptionInfo | None:
    """An exception from `exc_info`, or from the text that a queue handler left of it."""
    if not exc_info or exc_info[0] is None:
        if not exc_text:
            return None
        lines = exc_text.splitlines(keepends=True)
        kind, _, message = lines[-1].strip().partition(": ")
        return ExceptionInfo(kind, message, lines)
    kind, value, tb = exc_info
    return ExceptionInfo(kind.__qualname__, _text(value), traceback.format_exception(kind, value, tb))


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return f"<unprintable {type(value).__name__}>"


def here() -> tuple[trace.SpanContext, Request | None]:
    """The span and the holder that a record made here and now belongs to."""
    span, request = span_context(), living_request()
    if not span.trace_id and request is not None and request.span is not None:
        # The server's own line about an exception comes when the span is no longer the current one.
        span = request.span.get_span_context()
    return span, request


def span_context() -> trace.SpanContext:
    """Context of the current span; invalid, with zero ids, where there is none."""
    # What `trace.get_current_span` does, in one step instead of five: each record asks.
    span: Any = context.get_current().get(_SPAN_KEY)
    return trace.INVALID_SPAN_CONTEXT if span is None else span.get_span_context()


def living_request() -> Request | None:
    """The current holder for a record that is made here and now."""
    request = current()
    if request is not None and request.ended_at is not None and request.expired:
        # Stragglers keep the correlation id, and nothing of the user or the verdict (P4).
        return Request(request.request_id)
    return request
