"""What waits in the queues: bytes, or upstream's way round where its exporter takes nothing else.

Bytes are written at once, by whoever recorded. A queue of objects is half a second's work for the garbage
collector, which looks through all of it again and again; and the exporter thread, which had to write them,
held the interpreter while requests waited. A queue of bytes is nothing to either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from tradewise_otel.catalogue.lookup import max_length
from tradewise_otel.out import sdk_objects
from tradewise_otel.out.encode import Encoder, Packed
from tradewise_otel.out.exporter import Exporters
from tradewise_otel.out.scrub import CleanSpan, SpanScrubber
from tradewise_otel.pipeline.identity import Identity
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.pipeline.processors import SPAN_BYTES, SpanItem
from tradewise_otel.record.build import Event

_STACK_BYTES = max_length("exception.stacktrace")


class Form(Protocol):
    """What a record becomes on its way out."""

    def log(self, event: Event) -> Any:
        """What to queue of a redacted event; None where nothing can be made of it, which is counted."""

    def span(self, item: SpanItem) -> Any:
        """What to queue of an ended span, redacted; None as for `log`."""

    def size(self, queued: Any) -> int:
        """About how many bytes that will take."""

    def send(self, signal: str, batch: Sequence[Any]) -> bool:
        """Sends what was queued; False when it is lost."""


class InBytes:
    """The usual form. What our encoder cannot write, upstream's does, and the fault is counted."""

    def __init__(
        self,
        encoder: Encoder,
        scopes: sdk_objects.Scopes,
        scrubber: SpanScrubber,
        exporters: Exporters,
        identity: Identity,
        ledger: Ledger,
    ) -> None:
        self._scopes, self._encoder, self._exporters, self._identity = scopes, encoder, exporters, identity
        self.log = _written(ledger, "logs", encoder.log, self._log_by_upstream)
        span = _written(ledger, "traces", encoder.span, self._span_by_upstream)
        self.span = ledger.shielded("redact span", lambda item: span(scrubber.clean(item)), None, "traces")

    def size(self, queued: Packed) -> int:
        """Its bytes."""
        return len(queued[1])

    def send(self, signal: str, batch: Sequence[Packed]) -> bool:
        """As a request of our own."""
        return self._exporters.send_bytes(signal, self._encoder.request(batch, self._identity.resource))

    def _log_by_upstream(self, event: Event) -> Packed:
        record = sdk_objects.log_record(event, self._identity.resource, self._scopes)
        scoped = encode_logs([record]).resource_logs[0].scope_logs[0]
        return self._encoder.packed(record.instrumentation_scope, scoped.log_records[0].SerializeToString())

    def _span_by_upstream(self, clean: CleanSpan) -> Packed:
        span = sdk_objects.readable_span(clean, self._identity.resource)
        scoped = encode_spans([span]).resource_spans[0].scope_spans[0]
        return self._encoder.packed(span.instrumentation_scope, scoped.spans[0].SerializeToString())


def _written(
    ledger: Ledger, signal: str, ours: Callable[[Any], Packed], theirs: Callable[[Any], Packed]
) -> Callable[[Any], Packed | None]:
    """`ours`, else `theirs`, else None; in one step, since every record passes here."""

    def written(record: Any) -> Packed | None:
        try:
            return ours(record)
        except Exception as error:
            ledger.internal_error(f"encode {signal}", error, signal)
        try:
            return theirs(record)
        except Exception as error:
            ledger.internal_error(f"encode {signal} by upstream", error, signal)
        return None

    return written


class InObjects:
    """For gRPC, whose exporter of upstream's takes objects only, and for `TRADEWISE_ENCODER=upstream`."""

    def __init__(
        self,
        scopes: sdk_objects.Scopes,
        scrubber: SpanScrubber,
        exporters: Exporters,
        identity: Identity,
        ledger: Ledger,
    ) -> None:
        self._scopes, self._exporters, self._identity = scopes, exporters, identity
        self.span = ledger.shielded("redact span", scrubber.clean, None, "traces")

    def log(self, event: Event) -> Event:
        """The event itself."""
        return event

    def size(self, queued: Event | CleanSpan) -> int:
        """What its line takes; an event of a span may hold a stack trace."""
        if isinstance(queued, Event):
            return queued.size
        return SPAN_BYTES + len(queued.events) * _STACK_BYTES

    def send(self, signal: str, batch: Sequence[Any]) -> bool:
        """By upstream's exporter and encoder."""
        resource = self._identity.resource
        if signal == "traces":
            objects: list[Any] = [sdk_objects.readable_span(clean, resource) for clean in batch]
        else:
            objects = [sdk_objects.log_record(event, resource, self._scopes) for event in batch]
        return self._exporters.send(signal, objects)
