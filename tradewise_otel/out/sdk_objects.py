"""Redacted events and spans as the SDK's own objects, for upstream's encoders.

The way round our own encoder: for gRPC, whose exporter takes nothing else, and for a batch that ours cannot
write. What is built here are copies; the originals never leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event as SpanEvent
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, Status, TraceFlags, TraceState

from tradewise_otel.out import wire
from tradewise_otel.out.projection import log_attributes, own_trace_state, whole_milliseconds
from tradewise_otel.out.scrub import CleanSpan
from tradewise_otel.record.build import Event


class Scopes:
    """Instrumentation scopes by logger name, bounded: a scope a logger is a group in every batch."""

    def __init__(self, version: str, limit: int = 1000) -> None:
        self._version = version
        self._limit = limit
        self._scopes: dict[str, InstrumentationScope] = {}

    def of(self, logger_name: str) -> InstrumentationScope:
        """The scope of a logger; past the limit all further ones share `other`."""
        scope = self._scopes.get(logger_name)
        if scope is None:
            if len(self._scopes) >= self._limit:
                logger_name = "other"
            scope = self._scopes[logger_name] = InstrumentationScope(
                writable_text(logger_name), self._version
            )
        return scope


def log_record(event: Event, resource: Resource, scopes: Scopes) -> ReadableLogRecord:
    """The OTLP form of a redacted event (contract 1)."""
    timestamp = whole_milliseconds(event.timestamp_ns)
    record = LogRecord(
        timestamp=timestamp,
        observed_timestamp=timestamp,
        severity_number=SeverityNumber(event.severity),
        severity_text=event.level,
        body=writable_text(event.message),
        attributes=writable_attributes(log_attributes(event)),
        event_name=writable_text(event.event_type or ""),
    )
    # Set afterwards: the constructor would take them from whatever span is current in this thread.
    record.trace_id, record.span_id = event.trace_id, event.span_id
    record.trace_flags = TraceFlags(event.trace_flags)
    return ReadableLogRecord(record, resource, scopes.of(event.logger_name))


def readable_span(clean: CleanSpan, resource: Resource) -> ReadableSpan:
    """The SDK's form of a redacted span."""
    span = clean.span
    return ReadableSpan(
        name=writable_text(clean.name),
        context=_clean_context(span.context),
        parent=span.parent,
        resource=resource,
        attributes=_counted(clean.attributes, span.dropped_attributes),
        events=_counted_list(
            (
                SpanEvent(writable_text(name), _counted(attributes, dropped), time_ns)
                for name, time_ns, attributes, dropped in clean.events
            ),
            span.dropped_events,
        ),
        links=_counted_list(
            (Link(context, _counted(attributes, dropped)) for context, attributes, dropped in clean.links),
            span.dropped_links,
        ),
        kind=span.kind,
        status=Status(span.status.status_code, writable_text(clean.status_text) or None),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _clean_context(context: SpanContext | None) -> SpanContext | None:
    if context is None or not context.trace_state:
        return context
    ot = own_trace_state(context)
    state = TraceState([("ot", ot)]) if ot else TraceState()
    return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags, state)


def writable_text(text: str) -> str:
    """A text that has UTF-8: upstream's encoder raises where ours writes a question mark."""
    return wire.utf8(text).decode()


def writable_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes that upstream's encoder can write, to what ours writes of the originals."""
    return {writable_text(key): _writable(item) for key, item in attributes.items() if item is not None}


def _writable(value: Any) -> Any:
    if isinstance(value, str):
        return writable_text(value)
    if value is None or isinstance(value, (float, bytes)):
        return value
    if isinstance(value, int):
        return value if -(1 << 63) <= value < 1 << 63 else str(value)
    if isinstance(value, Mapping):
        return {writable_text(str(key)): _writable(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [_writable(item) for item in value]
    return writable_text(str(value))


def _counted(attributes: Mapping[str, Any], dropped: int) -> BoundedAttributes:
    """Attributes that know how many were dropped before; as they are, where upstream's would clean them."""
    counted = BoundedAttributes()
    counted._dict, counted.dropped = writable_attributes(attributes), dropped
    return counted


def _counted_list(items: Iterable[Any], dropped: int) -> Sequence[Any]:
    counted = BoundedList.from_seq(None, items)
    counted.dropped = dropped
    return counted
