"""What contrib notes of an httpx call on its span, said in one step instead of twenty.

contrib parses the URL three times, takes all headers apart in case some are to be captured, and fills
labels of metrics that go nowhere here. The attributes are the same, a test compares them. Where headers
are captured or the old names are asked for, contrib's own way stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.instrumentation import httpx as contrib
from opentelemetry.instrumentation.utils import http_status_to_status_code
from opentelemetry.semconv.attributes import (
    error_attributes,
    http_attributes,
    network_attributes,
    server_attributes,
    url_attributes,
)
from opentelemetry.trace import StatusCode
from opentelemetry.util.http import (
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE,
    redact_url,
    sanitize_method,
)

from tradewise_otel.pipeline.ledger import Ledger

_CAPTURES = (
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE,
)


def install(ledger: Ledger, environ: Mapping[str, str]) -> None:
    """Puts our steps in the place of contrib's, which are asked again where ours fail."""
    names = environ.get("OTEL_SEMCONV_STABILITY_OPT_IN", "").replace(" ", "").split(",")
    if "http" not in names or "http/dup" in names or any(environ.get(name) for name in _CAPTURES):
        return
    for name, ours in STEPS.items():
        upstream = getattr(contrib, name)
        setattr(contrib, name, ledger.guarded("httpx span", ours, upstream, "traces"))


def parameters(args: tuple[Any, ...], kwargs: dict[str, Any], module: Any) -> tuple[Any, ...]:
    """Method, URL, headers, stream and extensions of a call; a URL is immutable and needs no copy."""
    (request,) = args
    return request.method.encode(), request.url, request.headers, request.stream, request.extensions


def of_request(
    attributes: dict[str, Any], labels: dict[str, Any], url: Any, method: str, *_: Any, **__: Any
) -> None:
    """Fills the attributes of a call that is about to be made; the labels stay empty."""
    known = sanitize_method(method) or ""
    if known != method.strip():
        attributes[http_attributes.HTTP_REQUEST_METHOD_ORIGINAL] = method.strip()
    text = str(url)
    attributes[http_attributes.HTTP_REQUEST_METHOD] = known
    attributes[url_attributes.URL_FULL] = redact_url(text) if "@" in text or "?" in text else text
    host, port = url.host, url.port
    if host:
        attributes[server_attributes.SERVER_ADDRESS] = host
        attributes[network_attributes.NETWORK_PEER_ADDRESS] = host
    if port:
        attributes[server_attributes.SERVER_PORT] = port
        attributes[network_attributes.NETWORK_PEER_PORT] = port


def of_response_labels(*_: Any, **__: Any) -> None:
    """Nothing: labels go nowhere, and the span is told by `of_response`."""


def of_response(span: Any, status_code: int, http_version: str, *_: Any, **__: Any) -> None:
    """Tells an open span what the answer was."""
    attributes: dict[str, Any] = {http_attributes.HTTP_RESPONSE_STATUS_CODE: status_code}
    if http_status_to_status_code(status_code) is StatusCode.ERROR:
        span.set_status(StatusCode.ERROR)
        attributes[error_attributes.ERROR_TYPE] = str(status_code)
    if http_version:
        attributes[network_attributes.NETWORK_PROTOCOL_VERSION] = http_version.replace("HTTP/", "")
    span.set_attributes(attributes)


STEPS: dict[str, Callable[..., Any]] = {
    "_extract_parameters": parameters,
    "_apply_request_client_attributes_to_span": of_request,
    "_apply_response_client_attributes_to_metrics": of_response_labels,
    "_apply_response_client_attributes_to_span": of_response,
}
"""contrib's names, and what does their work here."""
