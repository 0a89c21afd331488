"""What an event and a span look like in OTLP (contract 1), whichever encoder writes them."""

from __future__ import annotations

from typing import Any

from opentelemetry.trace import SpanContext

from tradewise_otel.record.build import Event

_MILLISECOND = 1_000_000

FIXED = frozenset(
    {"logger.name", "thread.id", "sampling.reason", "sampling.weight", "event_type", "event_id"}
    | {"code.file.path", "code.line.number", "code.function.name"}
    | {"exception.type", "exception.message", "exception.stacktrace"}
)
"""Attributes that a log record has beside its identity and its fields."""


def whole_milliseconds(time_ns: int) -> int:
    """A time cut to milliseconds, so that both roads into Datadog show the same."""
    return time_ns // _MILLISECOND * _MILLISECOND


def own_trace_state(context: SpanContext) -> str:
    """OpenTelemetry's entry of a tracestate; other vendors' arrive from callers and may hold anything."""
    state = context.trace_state
    return state.get("ot") or "" if state else ""


def log_attributes(event: Event) -> dict[str, Any]:
    """The attributes of an event's log record, in the order in which they are written."""
    attributes = {**place_attributes(event), **event.identity, "event_id": event.event_id}
    if event.exception is not None:
        attributes["exception.type"] = event.exception.type
        attributes["exception.message"] = event.exception.message
        attributes["exception.stacktrace"] = "".join(event.exception.traceback)
    attributes.update(event.fields)
    return attributes


def place_attributes(event: Event) -> dict[str, Any]:
    """Those that records from one place in the code have in common, while thread and verdict are the same."""
    attributes: dict[str, Any] = {
        "logger.name": event.logger_name,
        "thread.id": event.thread_id,
        "sampling.reason": event.reason,
        "sampling.weight": float(event.weight),
    }
    if event.event_type is not None:
        attributes["event_type"] = event.event_type
    if event.source is not None:
        attributes["code.file.path"], attributes["code.line.number"] = event.source[:2]
        attributes["code.function.name"] = event.source[2]
    return attributes
