"""What an event and a span look like in OTLP (contract 1), whichever encoder writes them."""

from __future__ import annotations

from typing import Any

from opentelemetry.trace import SpanContext

from tradewise_otel.record.build import Event

_MILLISECOND = 1_000_000


def whole_milliseconds(time_ns: int) -> int:
    """A time cut to milliseconds, so that both roads into Datadog show the same."""
    return time_ns // _MILLISECOND * _MILLISECOND


def own_trace_state(context: SpanContext) -> str:
    """OpenTelemetry's entry of a tracestate; other vendors' arrive from callers and may hold anything."""
    return context.trace_state.get("ot") or "" if context.trace_state else ""


def log_attributes(event: Event) -> dict[str, Any]:
    """The attributes of an event's log record."""
    attributes: dict[str, Any] = {
        "event_id": event.event_id,
        "logger.name": event.logger_name,
        "thread.id": event.thread_id,
        "sampling.reason": event.reason,
        "sampling.weight": event.weight,
    }
    if event.event_type is not None:
        attributes["event_type"] = event.event_type
    attributes.update(event.identity)
    if event.source is not None:
        attributes["code.file.path"], attributes["code.line.number"] = event.source[:2]
        attributes["code.function.name"] = event.source[2]
    if event.exception is not None:
        attributes["exception.type"] = event.exception.type
        attributes["exception.message"] = event.exception.message
        attributes["exception.stacktrace"] = "".join(event.exception.traceback)
    attributes.update(event.fields)
    return attributes
