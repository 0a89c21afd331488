"""Batches of redacted events and spans, and the metrics, as OTLP requests, in bytes (decision P10).

The same messages as upstream's encoder makes of the same records; a differential test holds that.
Resource and scopes are written by upstream, once each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from opentelemetry.exporter.otlp.proto.common._internal import _encode_instrumentation_scope, _encode_resource
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, StatusCode, TraceState

from tradewise_otel.bounded import keep
from tradewise_otel.out import encode_metrics, wire
from tradewise_otel.out.encode_logs import LogParts
from tradewise_otel.out.metrics import Figures
from tradewise_otel.out.projection import own_trace_state
from tradewise_otel.out.scrub import CleanSpan
from tradewise_otel.out.sdk_objects import Scopes
from tradewise_otel.record.build import Event

_HAS_IS_REMOTE = 0x100
_IS_REMOTE = 0x200
_OWNERS = 4096
_NO_SCOPE = InstrumentationScope("")

Packed = tuple[bytes, bytes]
"""A record on its way out: the head of its scope's group, and itself as a member of that group."""


class Encoder:
    """Writes records one by one and batches of them; remembers the bytes of resource and scopes."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes
        self._logs = LogParts()
        self._known: dict[int, tuple[object, bytes]] = {}
        self._of_loggers: dict[str, bytes] = {}

    def log(self, event: Event) -> Packed:
        """A redacted event as a `LogRecord`."""
        name = event.logger_name
        head = self._of_loggers.get(name)
        if head is None:
            head = keep(self._of_loggers, name, self._head(self._scopes.of(name)))
        return head, wire.nested(2, self._logs.record(event))

    def span(self, clean: CleanSpan) -> Packed:
        """A redacted span as a `Span`."""
        return self.packed(clean.span.instrumentation_scope, span(clean))

    def packed(self, scope: InstrumentationScope | None, record: bytes) -> Packed:
        """A record that is written already, in the group of its scope."""
        return self._head(scope or _NO_SCOPE), wire.nested(2, record)

    def metrics(self, figures: Figures, resource: Resource, scope: InstrumentationScope) -> bytes:
        """An `ExportMetricsServiceRequest`."""
        return self.request(
            [self.packed(scope, metric) for metric in encode_metrics.metrics(figures)], resource
        )

    def request(self, batch: Iterable[Packed], resource: Resource) -> bytes:
        """An `ExportLogsServiceRequest` or `ExportTraceServiceRequest`, which are written alike."""
        by_scope: dict[bytes, list[bytes]] = {}
        for head, record in batch:
            by_scope.setdefault(head, []).append(record)
        groups = [wire.nested(2, head + b"".join(parts)) for head, parts in by_scope.items()]
        return wire.nested(1, self._head(resource) + b"".join(groups))

    def _head(self, of: Resource | InstrumentationScope) -> bytes:
        """What all records of a group share. Kept with its owner, whose id it is found by."""
        known = self._known.get(id(of))
        if known is None:
            encode = _encode_resource if isinstance(of, Resource) else _encode_instrumentation_scope
            message = encode(of)  # type: ignore[arg-type]
            head = wire.nested(1, message.SerializeToString()) + wire.text(3, of.schema_url)
            known = keep(self._known, id(of), (of, head), _OWNERS)
        return known[1]


_START, _END = wire.tag(7, 1), wire.tag(8, 1)
_TRACE_ID, _SPAN_ID, _PARENT_ID = wire.tag(1, 2) + b"\x10", wire.tag(2, 2) + b"\x08", wire.tag(4, 2) + b"\x08"


@lru_cache(maxsize=64)
def _flags_field(field: int, flags: int) -> bytes:
    return wire.fixed32(field, flags)


def span(clean: CleanSpan) -> bytes:
    """A `Span`."""
    original = clean.span
    context = original.context
    if context is None:
        raise ValueError("a span without a context")
    trace_id, span_id, *_ = context
    parent = original.parent
    parts = [
        _TRACE_ID,
        trace_id.to_bytes(16, "big"),
        _SPAN_ID,
        span_id.to_bytes(8, "big"),
        wire.text(5, clean.name),
        _kinds[id(original.kind)],
        _START,
        wire.FIXED64(original.start_time or 0),
        _END,
        wire.FIXED64(original.end_time or 0),
        wire.attributes(9, clean.attributes),
        _flags_field(16, _flags(parent)),
    ]
    if parent is not None:
        parts += (_PARENT_ID, parent.span_id.to_bytes(8, "big"))
    parts.append(_state(context))
    if clean.events or clean.links:
        parts += (wire.nested(11, _event(*event)) for event in clean.events)
        parts += (wire.nested(13, _link(*link)) for link in clean.links)
    if original.dropped_attributes or original.dropped_events or original.dropped_links:
        parts += _left_out(original)
    parts.append(_status(clean.status_text, original.status.status_code))
    return b"".join(parts)


def _state(context: SpanContext) -> bytes:
    """The tracestate, which all spans of a process mostly share."""
    global _last_state
    known, written = _last_state
    if context[4] is not known:
        text = own_trace_state(context)
        written = wire.text(3, f"ot={text}") if text else b""
        _last_state = (context[4], written)
    return written


_last_state: tuple[TraceState | None, bytes] = (None, b"")


def _left_out(original: ReadableSpan) -> Iterator[bytes]:
    yield wire.number(10, original.dropped_attributes)
    yield wire.number(12, original.dropped_events)
    yield wire.number(14, original.dropped_links)


# OTLP counts kinds from one, since zero is unspecified.
# By identity, since hashing a member of an enumeration is a call of its own.
_kinds = {id(kind): wire.number(6, kind.value + 1) for kind in SpanKind}


def _status(text: str, code: StatusCode) -> bytes:
    if code is StatusCode.UNSET and not text:
        return _NO_STATUS
    return wire.nested(15, wire.text(2, text) + wire.number(3, code.value))


_NO_STATUS = wire.nested(15, b"")


def _event(name: str, time_ns: int, attributes: dict[str, object], dropped: int) -> bytes:
    head = wire.fixed64(1, time_ns) + wire.text(2, name)
    return head + wire.attributes(3, attributes) + wire.number(4, dropped)


def _link(context: SpanContext, attributes: dict[str, object], dropped: int) -> bytes:
    ids = wire.raw(1, context.trace_id.to_bytes(16, "big")) + wire.raw(2, context.span_id.to_bytes(8, "big"))
    rest = wire.attributes(4, attributes) + wire.number(5, dropped)
    return ids + rest + wire.fixed32(6, _flags(context))


def _flags(context: SpanContext | None) -> int:
    return _HAS_IS_REMOTE | (_IS_REMOTE if context is not None and context.is_remote else 0)
