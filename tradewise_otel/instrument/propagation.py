"""Correlation headers on outgoing calls: which hosts see `traceparent` and `X-Request-ID` (contract 5)."""

from __future__ import annotations

import functools
from collections.abc import MutableMapping
from urllib.parse import urlsplit

from opentelemetry import baggage, propagate, trace
from opentelemetry.context import Context
from opentelemetry.propagators import textmap
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind

from tradewise_otel.context import current
from tradewise_otel.instrument.hosts import HostList
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.pipeline.processors import KEEP

_READ_BY = {
    "tracecontext": (b"traceparent", b"tracestate"),
    "baggage": (b"baggage",),
    "none": (),
}
"""Headers that upstream's propagators read, by the name in `OTEL_PROPAGATORS`."""


class OutgoingHeaders(textmap.TextMapPropagator):
    """Upstream's propagator, but a call to a foreign host carries none of our headers (P4).

    The carrier does not say where it goes; the client span that is current then does.

    Args:
        inner: what the standard variable `OTEL_PROPAGATORS` names.
        allowed: hosts that get `traceparent` and `X-Request-ID`.
        names: what `OTEL_PROPAGATORS` says. Baggage, which may hold anything of the app's, goes only where
            the user asked for it.
    """

    def __init__(
        self,
        inner: textmap.TextMapPropagator,
        allowed: HostList,
        ledger: Ledger,
        names: str = "tracecontext",
    ) -> None:
        self._inner = inner
        self._allowed = allowed
        self._with_baggage = "baggage" in names
        self.reads = _headers_read(names)
        # Both run inside the app's calls. Where we cannot tell the host nothing is sent to it.
        self.extract = ledger.guarded("extract", self.extract, inner.extract, "traces")  # type: ignore[method-assign]
        self.inject = ledger.shielded("inject", self.inject, None, "traces")  # type: ignore[method-assign]

    def extract(
        self,
        carrier: textmap.CarrierT,
        context: Context | None = None,
        getter: textmap.Getter[textmap.CarrierT] = textmap.default_getter,
    ) -> Context:
        """As upstream."""
        return self._inner.extract(carrier, context, getter)

    def inject(
        self,
        carrier: textmap.CarrierT,
        context: Context | None = None,
        setter: textmap.Setter[textmap.CarrierT] = textmap.default_setter,
    ) -> None:
        """Injects where the current client span's host is allowed, or where no client span is."""
        span = trace.get_current_span(context)
        if not self._may_go(span):
            self._take_back(carrier, span)
            return
        request = current()
        if request is not None and request.request_id and not request.expired:
            setter.set(carrier, "x-request-id", request.request_id)
        if not self._with_baggage and baggage.get_all(context):
            context = baggage.clear(context)
        if request is not None and request.keep:
            context = _with_early_verdict(span, request.keep, context)
        self._inner.inject(carrier, context, setter)

    def _may_go(self, span: trace.Span) -> bool:
        if not isinstance(span, ReadableSpan) or span.kind is not SpanKind.CLIENT:
            # A queue's producer, or the app's own use: not a call to a third party that we know of.
            return True
        attributes = span.attributes or {}
        url = attributes.get("url.full") or attributes.get("http.url")
        return self._allowed.holds(_host_of(str(url)) if url else str(attributes.get("server.address") or ""))

    def _take_back(self, carrier: object, span: trace.Span) -> None:
        """Removes our headers from a request that a redirect made from one to an allowed host."""
        if not isinstance(carrier, MutableMapping):
            return
        trace_id = trace.format_trace_id(span.get_span_context().trace_id)
        if any(trace_id in str(carrier.get(name, "")) for name in self._inner.fields):
            for name in self.fields:
                carrier.pop(name, None)

    @property
    def fields(self) -> set[str]:
        """Header names that may be set."""
        return self._inner.fields | {"x-request-id"}


@functools.lru_cache(maxsize=1024)
def _host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


def callers_headers() -> frozenset[bytes] | None:
    """Headers without which a request has no caller that the propagator in use knows of; None: it may."""
    return getattr(propagate.get_global_textmap(), "reads", None)


def _headers_read(names: str) -> frozenset[bytes] | None:
    read: set[bytes] = set()
    for name in names.replace(" ", "").split(","):
        if name not in _READ_BY:
            return None
        read.update(_READ_BY[name])
    return frozenset(read)


def _with_early_verdict(span: trace.Span, keep: str, context: Context | None) -> Context:
    """Tells the callee, in tracestate, that this request will be kept, so that it keeps its part too."""
    said = span.get_span_context()
    state = said.trace_state.delete(KEEP).add(KEEP, keep)
    told = SpanContext(said.trace_id, said.span_id, said.is_remote, said.trace_flags, state)
    return trace.set_span_in_context(NonRecordingSpan(told), context)
