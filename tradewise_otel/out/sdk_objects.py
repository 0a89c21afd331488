"""Redacted events and spans as the SDK's own objects, for upstream's encoders.

The way round our own encoder: for gRPC, whose exporter takes nothing else, and for a batch that ours cannot
write. What is built here are copies; the originals never leave.
"""

from __future__ import annotations

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event as SpanEvent
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, Status, TraceFlags, TraceState

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
            scope = self._scopes[logger_name] = InstrumentationScope(logger_name, self._version)
        return scope


def log_record(event: Event, resource: Resource, scopes: Scopes) -> ReadableLogRecord:
    """The OTLP form of a redacted event (contract 1)."""
    timestamp = whole_milliseconds(event.timestamp_ns)
    record = LogRecord(
        timestamp=timestamp,
        observed_timestamp=timestamp,
        severity_number=SeverityNumber(event.severity),
        severity_text=event.level,
        body=event.message,
        attributes=log_attributes(event),
        event_name=event.event_type or "",
    )
    # Set afterwards: the constructor would take them from whatever span is current in this thread.
    record.trace_id, record.span_id = event.trace_id, event.span_id
    record.trace_flags = TraceFlags(event.trace_flags)
    return ReadableLogRecord(record, resource, scopes.of(event.logger_name))


def readable_span(clean: CleanSpan, resource: Resource) -> ReadableSpan:
    """The SDK's form of a redacted span."""
    span = clean.span
    return ReadableSpan(
        name=clean.name,
        context=_clean_context(span.context),
        parent=span.parent,
        resource=resource,
        attributes=clean.attributes,
        events=[SpanEvent(name, attributes, time_ns) for name, time_ns, attributes, _ in clean.events],
        links=[Link(context, attributes) for context, attributes, _ in clean.links],
        kind=span.kind,
        status=Status(span.status.status_code, clean.status_text or None),
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
