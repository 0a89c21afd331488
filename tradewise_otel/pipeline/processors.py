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
from tradewise_otel.pipeline.spans import LightSpan
from tradewise_otel.record.build import living_request

Attributes = dict[str, Any]

REASON, WEIGHT = "sampling.reason", "sampling.weight"

KEEP = "tw"
"""Our entry in tracestate: the reason why a caller of ours will keep its request (contract 6)."""

SPAN_BYTES = 1024
"""What a waiting span counts for, in the bytes that a request may have waiting."""


@dataclass(slots=True)
class SpanItem:
    """An ended span on its way out, with its attributes and what was added to them."""

    span: ReadableSpan
    attributes: Attributes


Translator = Callable[[ReadableSpan, Attributes], bool]
"""Emits the event of an ended span and adds its fields to the span's attributes; False drops the span."""


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
        self._know = ledger.shielded("stamp span", know, None, "traces")

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing to do: what an event needs is known at the end."""

    def on_end(self, span: ReadableSpan) -> None:
        """Never raises: it runs inside the app's request."""
        self._ledger.add("emitted", "traces")
        try:
            item = SpanItem(span, attributes_of(span))
            # What comes from elsewhere under our name says nothing.
            item.attributes.pop(REASON, None)
            if self._translate(item):
                self._hand_over(item)
            else:
                self._ledger.add("sampled_out", "traces", reason="pooled_connect")
        except Exception as error:
            self._ledger.internal_error("end of a span", error, "traces")

    def _translate(self, item: SpanItem) -> bool:
        scope = item.span.instrumentation_scope
        translator = self._translators.get(scope.name) if scope is not None else None
        try:
            return translator is None or translator(item.span, item.attributes)
        except Exception as error:
            # The span itself is whole: it goes on without our fields.
            self._ledger.internal_error("translate", error)
            return True

    def _hand_over(self, item: SpanItem) -> None:
        context = item.span.context
        if context is None or not (self._exports_unsampled or context.trace_flags.sampled):
            self._ledger.add("sampled_out", "traces")
        elif REASON in item.attributes:
            self._send(item)
        else:
            self._stamp(item, living_request())

    def _stamp(self, item: SpanItem, request: Request | None) -> None:
        """Adds who was asking, and the verdict as soon as there is one."""
        if request is None:
            self._judged(item, *by_ratio(item.span))
            return
        self._know(request)
        item.attributes.update(request.identity())
        if request.is_open:
            request.until_verdict(functools.partial(self._judged, item), SPAN_BYTES)
        else:
            reason = request.reason
            self._judged(item, *(by_ratio(item.span) if reason is None else (reason, request.weight)))

    def _judged(self, item: SpanItem, reason: str, weight: float) -> None:
        item.attributes[REASON], item.attributes[WEIGHT] = reason, weight
        self._send(item)


def by_ratio(span: ReadableSpan) -> tuple[str, float]:
    """The ratio's answer for a span that no request speaks for: reason and weight."""
    if span.context is None or not span.context.trace_flags.sampled:
        return "none", 1.0
    return "ratio", weight_of(span.context)


def attributes_of(span: ReadableSpan) -> Attributes:
    """A span's attributes as a dict of the caller's own, copied in one step: the SDK's mapping is slow."""
    attributes: Any = span._attributes if isinstance(span, LightSpan) else span.attributes
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
