"""Correlation headers on outgoing calls: which hosts see `traceparent` and `X-Request-ID` (contract 5)."""

from __future__ import annotations

from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagators import textmap
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from tradewise_otel.context import current
from tradewise_otel.instrument.hosts import HostList
from tradewise_otel.pipeline.ledger import Ledger


class OutgoingHeaders(textmap.TextMapPropagator):
    """Upstream's propagator, but a call to a foreign host carries none of our headers (P4).

    The carrier does not say where it goes; the client span that is current then does.

    Args:
        inner: what the standard variable `OTEL_PROPAGATORS` names.
        allowed: hosts that get `traceparent` and `X-Request-ID`.
    """

    def __init__(self, inner: textmap.TextMapPropagator, allowed: HostList, ledger: Ledger) -> None:
        self._inner = inner
        self._allowed = allowed
        self._ledger = ledger

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
        try:
            if not self._may_go(trace.get_current_span(context)):
                return
            request = current()
            if request is not None and request.request_id and not request.expired:
                setter.set(carrier, "x-request-id", request.request_id)
        except Exception as error:
            self._ledger.internal_error("inject", error, "traces")
            return
        self._inner.inject(carrier, context, setter)

    def _may_go(self, span: trace.Span) -> bool:
        if not isinstance(span, ReadableSpan) or span.kind is not SpanKind.CLIENT:
            # A queue's producer, or the app's own use: not a call to a third party that we know of.
            return True
        attributes = span.attributes or {}
        url = attributes.get("url.full") or attributes.get("http.url")
        host = (urlsplit(str(url)).hostname if url else attributes.get("server.address")) or ""
        return self._allowed.holds(str(host))

    @property
    def fields(self) -> set[str]:
        """Header names that may be set."""
        return self._inner.fields | {"x-request-id"}
