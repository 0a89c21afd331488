"""The span processor: an ended span becomes a documented event, its fields, and an item for export.

Which instrumentation's spans become which event is not known here: `instrument/` hands in one translator
a scope name.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from tradewise_otel.context import Request
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.pipeline.sampling import weight_of
from tradewise_otel.record.build import living_request

Attributes = dict[str, Any]

REASON, WEIGHT = "sampling.reason", "sampling.weight"

KEEP = "tw"
"""Our entry in tracestate: the reason why a caller of ours will keep its request (contract 6)."""

SPAN_BYTES = 1024
"""What a waiting span counts for, in the bytes that a request may have waiting."""


@dataclass(slots=True)
class SpanItem:
    """An ended span on its way out, with the attributes that are added to it."""

    span: ReadableSpan
    added: Attributes


Translator = Callable[[ReadableSpan], "Attributes | None"]
"""Emits the event of an ended span and returns its fields for the span; None drops the span by design."""


_EARLY = ("severity", "event")


class EventSpanProcessor(SpanProcessor):
    """Ends spans: translate, stamp the verdict, hand over.

    Args:
        translators: by instrumentation scope name.
        send: takes the items that leave.
        exports_unsampled: False when `OTEL_TRACES_SAMPLER` decides what is sent.
        know: completes the identity of a request.
    """

    def __init__(
        self,
        translators: Mapping[str, Translator],
        send: Callable[[SpanItem], None],
        ledger: Ledger,
        exports_unsampled: bool,
        know: Callable[[Request], None],
    ) -> None:
        self._translators = translators
        self._send = ledger.shielded("queue span", send, None, "traces")
        self._ledger = ledger
        self._exports_unsampled = exports_unsampled
        nothing: tuple[Attributes, Request | None] = {}, None
        self._stamp = ledger.shielded("stamp span", lambda: _stamp(know), nothing, "traces")

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing to do: what an event needs is known at the end."""

    def on_end(self, span: ReadableSpan) -> None:
        """Never raises: it runs inside the app's request."""
        self._ledger.add("emitted", "traces")
        try:
            added = self._translate(span)
            if added is None:
                self._ledger.add("dropped", "traces", reason="pooled_connect")
                return
        except Exception as error:
            # The span itself is whole: it goes on without our fields.
            self._ledger.internal_error("translate", error)
            added = {}
        self._hand_over(span, added)

    def _translate(self, span: ReadableSpan) -> Attributes | None:
        scope = span.instrumentation_scope
        translator = self._translators.get(scope.name) if scope is not None else None
        return {} if translator is None else translator(span)

    def _hand_over(self, span: ReadableSpan, added: Attributes) -> None:
        context = span.context
        if context is None or not (self._exports_unsampled or context.trace_flags.sampled):
            self._ledger.add("sampled_out", "traces")
            return
        stamp, request = self._stamp()
        item = SpanItem(span, {**stamp, **added})
        if REASON not in item.added and request is not None and request.is_open:
            request.until_verdict(functools.partial(self._judged, item), SPAN_BYTES)
        else:
            self._send_with_reason(item)

    def _judged(self, item: SpanItem, reason: str, weight: float) -> None:
        item.added[REASON], item.added[WEIGHT] = reason, weight
        self._send(item)

    def _send_with_reason(self, item: SpanItem) -> None:
        if REASON not in item.added:
            item.added.update(ratio_stamp(item.span))
        self._send(item)


def _stamp(know: Callable[[Request], None]) -> tuple[Attributes, Request | None]:
    """Identity and verdict as far as they are known when a span ends, and the request that they are of."""
    request = living_request()
    if request is None:
        return {}, None
    know(request)
    stamp: Attributes = dict(request.identity())
    if request.reason is not None:
        stamp[REASON], stamp[WEIGHT] = request.reason, request.weight
    return stamp, request


def ratio_stamp(span: ReadableSpan) -> Attributes:
    """The ratio's answer for a span that no request speaks for."""
    if span.context is None or not span.context.trace_flags.sampled:
        return {REASON: "none", WEIGHT: 1.0}
    return {REASON: "ratio", WEIGHT: weight_of(span.context)}


def attributes_of(span: ReadableSpan) -> Attributes:
    """A span's attributes as a dict of the caller's own, copied in one step: the SDK's mapping is slow."""
    attributes: Any = span.attributes
    return attributes.copy() if attributes else {}


def duration_ms(span: ReadableSpan) -> float:
    """How long an ended span took, in milliseconds with three decimals."""
    return round(((span.end_time or 0) - (span.start_time or 0)) / 1e6, 3)


def describe(request: Request, span: ReadableSpan) -> None:
    """Tells a fresh holder of its root span, what the ratio said of that, and what its caller has decided."""
    request.span = span
    if span.parent is not None and (keep := span.parent.trace_state.get(KEEP)) in _EARLY:
        request.keep = keep
    if span.context is not None:
        request.sampled = span.context.trace_flags.sampled
        request.ratio_weight = weight_of(span.context) if request.sampled else 1.0
