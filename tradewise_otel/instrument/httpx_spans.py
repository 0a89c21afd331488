"""The client span of a usual httpx call: what contrib's wrapper does for it, in a third of the steps.

contrib parses the URL three times, copies all headers, takes them apart in case some are to be captured, and
fills labels of metrics that go nowhere. `ClientSpans` takes the place of its two wrappers and has them do
whatever is not usual: hooks, captured headers, excluded URLs, old names, metrics of the user's. Spans and
headers are the same; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from opentelemetry import context as otel_context
from opentelemetry import propagate
from opentelemetry.instrumentation import httpx as contrib
from opentelemetry.instrumentation._semconv import _StabilityMode
from opentelemetry.instrumentation.utils import http_status_to_status_code
from opentelemetry.metrics import NoOpHistogram
from opentelemetry.semconv.attributes import (
    error_attributes,
    http_attributes,
    network_attributes,
    server_attributes,
    url_attributes,
)
from opentelemetry.trace import Span, SpanKind, set_span_in_context
from opentelemetry.trace.status import StatusCode
from opentelemetry.util.http import redact_url

from tradewise_otel.bounded import keep
from tradewise_otel.instrument import http_method
from tradewise_otel.instrument.switched_off import is_switched_off
from tradewise_otel.pipeline import shield
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.pipeline.spans import note_failure

WRAPPERS = {"_handle_request_wrapper": shield.call, "_handle_async_request_wrapper": shield.async_call}
"""contrib's names of what stands around a transport's calls, and what stands there here."""

_MORE = (
    *("request_hook", "response_hook", "async_request_hook", "async_response_hook"),
    *("captured_request_headers", "captured_response_headers", "duration_histogram_old"),
)


def install(ledger: Ledger) -> None:
    """Puts our wrappers in the place of contrib's, for clients that are instrumented from now on."""
    calls: Any = contrib.HTTPXClientInstrumentor
    spans = ClientSpans(ledger)
    for name, around in WRAPPERS.items():
        setattr(calls, name, staticmethod(around(spans.begin, getattr(calls, name))))


class ClientSpans:
    """Makes the spans of calls; a fault of ours costs the span, never the call."""

    def __init__(self, ledger: Ledger) -> None:
        self.begin = ledger.shielded("client span", self._begin, None, "traces")
        self._answered = ledger.shielded("answer of a client span", _answered, None, "traces")
        self._failed = ledger.shielded("failure of a client span", _failed, None, "traces")
        self._targets: dict[str, dict[str, Any]] = {}

    def _begin(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], setup: dict[str, Any], transport: Any
    ) -> shield.Attempted | None:
        """A call within its span, which is current from here on; None where contrib shall make it."""
        around = otel_context.get_current()
        if kwargs or not _is_usual(setup) or is_switched_off(http=True):
            return None
        (request,) = args
        attributes = {**http_method.attributes_of(request.method), **self._target(request.url)}
        span = setup["tracer"].start_span(_span_name(request.method), around, SpanKind.CLIENT, attributes)
        inside = set_span_in_context(span, around)
        propagate.inject(request.headers, inside)
        token = otel_context.attach(inside)
        return shield.Attempted((span, token), self._answered, self._failed)

    def _target(self, url: httpx.URL) -> dict[str, Any]:
        text = str(url)
        return self._targets.get(text) or keep(self._targets, text, of_target(url, text))


def _is_usual(setup: dict[str, Any]) -> bool:
    excluded = setup["excluded_urls"]
    return (
        setup["sem_conv_opt_in_mode"] is _StabilityMode.HTTP
        and type(setup["duration_histogram_new"]) is NoOpHistogram
        and not getattr(excluded, "_excluded_urls", excluded)
        and not any(map(setup.get, _MORE))
    )


_span_name: Callable[[str], str] = contrib._get_default_span_name


def of_target(url: httpx.URL, text: str) -> dict[str, Any]:
    """What the attributes of a span say of where its call goes."""
    found: dict[str, Any] = {
        url_attributes.URL_FULL: redact_url(text) if "@" in text or "?" in text else text
    }
    host, port = url.host, url.port
    if host:
        found[server_attributes.SERVER_ADDRESS] = host
        found[network_attributes.NETWORK_PEER_ADDRESS] = host
    if port:
        found[server_attributes.SERVER_PORT] = port
        found[network_attributes.NETWORK_PEER_PORT] = port
    return found


def _answered(state: tuple[Span, Any], response: Any) -> None:
    span, token = state
    otel_context.detach(token)
    if isinstance(response, httpx.Response):
        of_response(span, response)
    span.end()


def of_response(span: Span, response: httpx.Response) -> None:
    """Tells an open span what the answer was."""
    status, version = response.status_code, response.http_version
    attributes: dict[str, Any] = {http_attributes.HTTP_RESPONSE_STATUS_CODE: status}
    if http_status_to_status_code(status) is StatusCode.ERROR:
        span.set_status(StatusCode.ERROR)
        attributes[error_attributes.ERROR_TYPE] = str(status)
    if version:
        attributes[network_attributes.NETWORK_PROTOCOL_VERSION] = version.replace("HTTP/", "")
    span.set_attributes(attributes)


def _failed(state: tuple[Span, Any], error: BaseException) -> None:
    """Who has only given up waiting is no error to contrib either."""
    span, token = state
    otel_context.detach(token)
    if isinstance(error, Exception):
        if isinstance(response := getattr(error, "response", None), httpx.Response):
            of_response(span, response)
        span.set_attribute(error_attributes.ERROR_TYPE, type(error).__qualname__)
        note_failure(span, error)
    span.end()
