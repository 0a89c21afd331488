"""Batches of redacted events and spans, and the metrics, as OTLP requests, in bytes (decision P10).

The same messages as upstream's encoder makes of the same records; a differential test holds that.
Resource and scopes are written by upstream, once each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opentelemetry.exporter.otlp.proto.common._internal import _encode_instrumentation_scope, _encode_resource
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext

from tradewise_otel.out import encode_metrics, wire
from tradewise_otel.out.metrics import Figures
from tradewise_otel.out.projection import log_attributes, own_trace_state, whole_milliseconds
from tradewise_otel.out.scrub import CleanSpan
from tradewise_otel.out.sdk_objects import Scopes
from tradewise_otel.record.build import Event

_HAS_IS_REMOTE = 0x100
_IS_REMOTE = 0x200

Scoped = tuple[InstrumentationScope, bytes]


class Encoder:
    """Writes batches; remembers the bytes of the resource and the scopes that it has seen."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes
        self._known: dict[int, tuple[object, bytes]] = {}

    def logs(self, batch: Sequence[Event], resource: Resource) -> bytes:
        """An `ExportLogsServiceRequest`."""
        return self._request(resource, ((self._scopes.of(e.logger_name), log_record(e)) for e in batch))

    def spans(self, batch: Sequence[CleanSpan], resource: Resource) -> bytes:
        """An `ExportTraceServiceRequest`."""
        return self._request(resource, ((_scope_of(clean), span(clean)) for clean in batch))

    def metrics(self, figures: Figures, resource: Resource, scope: InstrumentationScope) -> bytes:
        """An `ExportMetricsServiceRequest`."""
        return self._request(resource, ((scope, metric) for metric in encode_metrics.metrics(figures)))

    def _request(self, resource: Resource, records: Iterable[Scoped]) -> bytes:
        by_scope: dict[int, tuple[InstrumentationScope, list[bytes]]] = {}
        for scope, record in records:
            by_scope.setdefault(id(scope), (scope, []))[1].append(wire.nested(2, record))
        scoped = [
            wire.nested(2, self._head(scope) + b"".join(parts) + wire.text(3, scope.schema_url))
            for scope, parts in by_scope.values()
        ]
        content = self._head(resource) + b"".join(scoped) + wire.text(3, resource.schema_url)
        return wire.nested(1, content)

    def _head(self, of: Resource | InstrumentationScope) -> bytes:
        """Field 1 of a group: what all of its records share. Kept with its owner, whose id it is found by."""
        known = self._known.get(id(of))
        if known is None:
            if len(self._known) > 4096:
                self._known.clear()
            encode = _encode_resource if isinstance(of, Resource) else _encode_instrumentation_scope
            message = encode(of)  # type: ignore[arg-type]
            known = self._known[id(of)] = (of, wire.nested(1, message.SerializeToString()))
        return known[1]


def log_record(event: Event) -> bytes:
    """A `LogRecord`."""
    timestamp = whole_milliseconds(event.timestamp_ns)
    return b"".join(
        (
            wire.fixed64(1, timestamp),
            wire.number(2, event.severity),
            wire.text(3, event.level),
            wire.nested(5, wire.any_value(event.message)),
            wire.attributes(6, log_attributes(event)),
            wire.fixed32(8, event.trace_flags),
            wire.raw(9, event.trace_id.to_bytes(16, "big") if event.trace_id else b""),
            wire.raw(10, event.span_id.to_bytes(8, "big") if event.span_id else b""),
            wire.fixed64(11, timestamp),
            wire.text(12, event.event_type),
        )
    )


def span(clean: CleanSpan) -> bytes:
    """A `Span`."""
    original = clean.span
    context = original.context
    if context is None:
        raise ValueError("a span without a context")
    status = wire.text(2, clean.status_text) + wire.number(3, original.status.status_code.value)
    state = own_trace_state(context)
    return b"".join(
        (
            wire.raw(1, context.trace_id.to_bytes(16, "big")),
            wire.raw(2, context.span_id.to_bytes(8, "big")),
            wire.text(3, f"ot={state}" if state else ""),
            wire.raw(4, original.parent.span_id.to_bytes(8, "big") if original.parent else b""),
            wire.text(5, clean.name),
            # OTLP counts kinds from one, since zero is unspecified.
            wire.number(6, original.kind.value + 1),
            wire.fixed64(7, original.start_time),
            wire.fixed64(8, original.end_time),
            wire.attributes(9, clean.attributes),
            wire.number(10, original.dropped_attributes),
            *(wire.nested(11, _event(*event)) for event in clean.events),
            wire.number(12, original.dropped_events),
            *(wire.nested(13, _link(*link)) for link in clean.links),
            wire.number(14, original.dropped_links),
            wire.nested(15, status),
            wire.fixed32(16, _flags(original.parent)),
        )
    )


def _event(name: str, time_ns: int, attributes: dict[str, object], dropped: int) -> bytes:
    head = wire.fixed64(1, time_ns) + wire.text(2, name)
    return head + wire.attributes(3, attributes) + wire.number(4, dropped)


def _link(context: SpanContext, attributes: dict[str, object], dropped: int) -> bytes:
    ids = wire.raw(1, context.trace_id.to_bytes(16, "big")) + wire.raw(2, context.span_id.to_bytes(8, "big"))
    rest = wire.attributes(4, attributes) + wire.number(5, dropped)
    return ids + rest + wire.fixed32(6, _flags(context))


def _flags(context: SpanContext | None) -> int:
    return _HAS_IS_REMOTE | (_IS_REMOTE if context is not None and context.is_remote else 0)


_NO_SCOPE = InstrumentationScope("")


def _scope_of(clean: CleanSpan) -> InstrumentationScope:
    return clean.span.instrumentation_scope or _NO_SCOPE
