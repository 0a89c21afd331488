"""Redacted projections: an event as an OTLP log record, a span as a copy that may leave.

In this step upstream's encoder writes the bytes; what it gets are these copies, never the originals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event as SpanEvent
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, Status, TraceFlags, TraceState

from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.pipeline.processors import SpanItem
from tradewise_otel.record.build import Event
from tradewise_otel.redact import gate
from tradewise_otel.redact.walk import Redactor

_SQL_ATTRIBUTES = ("db.query.text", "db.statement")
_STACK_LIMIT = 16 * 1024
_SQL_LIMIT = 4 * 1024
_MILLISECOND = 1_000_000


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
    # Cut to milliseconds so that both roads into Datadog show the same time.
    timestamp = event.timestamp_ns // _MILLISECOND * _MILLISECOND
    record = LogRecord(
        timestamp=timestamp,
        observed_timestamp=timestamp,
        severity_number=SeverityNumber(event.severity),
        severity_text=event.level,
        body=event.message,
        attributes=_log_attributes(event),
        event_name=event.event_type or "",
    )
    # Set afterwards: the constructor would take them from whatever span is current in this thread.
    record.trace_id, record.span_id = event.trace_id, event.span_id
    record.trace_flags = TraceFlags(event.trace_flags)
    return ReadableLogRecord(record, resource, scopes.of(event.logger_name))


def _log_attributes(event: Event) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "event_id": event.event_id,
        "logger.name": event.logger_name,
        "thread.id": event.thread_id,
        "sampling.reason": event.reason,
        "sampling.weight": event.weight,
    }
    if event.event_type is not None:
        attributes["event_type"] = event.event_type
    _add_identity(attributes, event)
    if event.source is not None:
        attributes["code.file.path"], attributes["code.line.number"] = event.source[:2]
        attributes["code.function.name"] = event.source[2]
    if event.exception is not None:
        attributes["exception.type"] = event.exception.type
        attributes["exception.message"] = event.exception.message
        attributes["exception.stacktrace"] = "".join(event.exception.traceback)
    attributes.update(event.fields)
    return attributes


def _add_identity(attributes: dict[str, Any], event: Event) -> None:
    request = event.request
    if request is None:
        return
    for name in ("request_id", "user_id", "tenant_id"):
        if (value := getattr(request, name)) is not None:
            attributes[name] = value
    if request.session_pseudonym is not None:
        attributes["session_id"] = request.session_pseudonym


class SpanScrubber:
    """Makes the copies of spans that may leave: attributes, events, links, name and status redacted."""

    def __init__(self, redactor: Redactor, ledger: Ledger) -> None:
        self._redactor = redactor
        self._ledger = ledger

    def copy(self, item: SpanItem, resource: Resource) -> ReadableSpan:
        """A redacted copy of a span with its added attributes."""
        span = item.span
        events, links = span.events or (), span.links or ()
        return ReadableSpan(
            name=self._text(span.name),
            context=_clean_context(span.context),
            parent=span.parent,
            resource=resource,
            attributes=self._attributes({**(span.attributes or {}), **item.added}),
            events=[
                SpanEvent(self._text(e.name), self._attributes(e.attributes or {}), e.timestamp)
                for e in events
            ],
            links=[Link(link.context, self._attributes(link.attributes or {})) for link in links],
            kind=span.kind,
            status=Status(span.status.status_code, self._text(span.status.description))
            if span.status.description
            else span.status,
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    def _attributes(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        plain = dict(attributes)
        self._clean_sql(plain)
        if self._redactor.is_plain(plain) and not gate.hit(_bytes(plain)):
            return plain
        value, counts = self._redactor.mapping(plain)
        self._count(counts)
        return value

    def _clean_sql(self, attributes: dict[str, Any]) -> None:
        for name in _SQL_ATTRIBUTES:
            statement = attributes.get(name)
            if isinstance(statement, str) and ("'" in statement or '"' in statement or len(statement) > 1024):
                attributes[name], counts = self._redactor.sql(statement, _SQL_LIMIT)
                self._count(counts)

    def _text(self, text: str | None) -> str:
        if not text or (len(text) <= 1024 and not gate.hit(text.encode(errors="replace"))):
            return text or ""
        clean, counts = self._redactor.text(text)
        self._count(counts)
        return clean

    def _count(self, counts: Mapping[str, int]) -> None:
        for rule, count in counts.items():
            self._ledger.add("redacted", "traces", count, rule)


def _bytes(attributes: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(attributes, default=str)
    except (TypeError, ValueError):
        return repr(attributes).encode(errors="replace")


def _clean_context(context: SpanContext | None) -> SpanContext | None:
    """The span's context with nothing but OpenTelemetry's own entry in its tracestate.

    Other vendors' entries arrive from callers and may hold anything.
    """
    if context is None or not context.trace_state:
        return context
    ot = context.trace_state.get("ot")
    state = TraceState([("ot", ot)]) if ot else TraceState()
    return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags, state)
