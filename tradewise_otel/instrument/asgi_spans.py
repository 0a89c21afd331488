"""What contrib notes of a request on its server span, said in one step instead of thirty.

contrib asks for each attribute whether the old name, the new one or both are wanted, and for each header it
goes through all of them. The attributes and labels are the same, a test compares them. Where the old names
are asked for, contrib's own way stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from opentelemetry.instrumentation import asgi as contrib
from opentelemetry.semconv.attributes import (
    client_attributes,
    http_attributes,
    network_attributes,
    server_attributes,
    url_attributes,
    user_agent_attributes,
)
from opentelemetry.util.http import detect_synthetic_user_agent, sanitize_method

from tradewise_otel.pipeline.ledger import Ledger

_SYNTHETIC = "user_agent.synthetic.type"


def install(ledger: Ledger, environ: Mapping[str, str]) -> None:
    """Puts our steps in the place of contrib's, which are asked again where ours fail."""
    names = environ.get("OTEL_SEMCONV_STABILITY_OPT_IN", "").replace(" ", "").split(",")
    if "http" not in names or "http/dup" in names:
        return
    for name, ours in STEPS.items():
        upstream = getattr(contrib, name)
        setattr(contrib, name, ledger.guarded("server span", ours, upstream, "traces"))


def of_request(scope: Mapping[str, Any], *_: Any) -> dict[str, Any]:
    """The attributes of a server span at its start."""
    found: dict[str, Any] = {}
    if scheme := scope.get("scheme"):
        found[url_attributes.URL_SCHEME] = scheme
    _add_server(found, scope.get("server") or ("0.0.0.0", 80))
    if version := scope.get("http_version"):
        found[network_attributes.NETWORK_PROTOCOL_VERSION] = version
    if path := scope.get("path"):
        found[url_attributes.URL_PATH] = path
        if query := scope.get("query_string"):
            # Servers pass on what they were sent, which need not be UTF-8.
            text = query.decode(errors="replace") if isinstance(query, bytes) else query
            found[url_attributes.URL_QUERY] = text
    if method := scope.get("method"):
        _add_method(found, method)
    _add_user_agent(found, scope.get("headers") or ())
    if client := scope.get("client"):
        _add(found, client_attributes.CLIENT_ADDRESS, client[0])
        _add(found, client_attributes.CLIENT_PORT, client[1])
    return found


def _add_server(found: dict[str, Any], server: Any) -> None:
    host, port = server
    found[server_attributes.SERVER_ADDRESS] = host if str(port) == "80" else f"{host}:{port}"
    _add(found, server_attributes.SERVER_PORT, port)


def _add_method(found: dict[str, Any], method: str) -> None:
    known = sanitize_method(method) or ""
    original = method.strip()
    if original != known:
        found[http_attributes.HTTP_REQUEST_METHOD_ORIGINAL] = original
    _add(found, http_attributes.HTTP_REQUEST_METHOD, known)


def _add_user_agent(found: dict[str, Any], headers: Any) -> None:
    for name, value in headers:
        if name == b"user-agent":
            agent = _decoded(value)
            _add(found, user_agent_attributes.USER_AGENT_ORIGINAL, agent)
            _add(found, _SYNTHETIC, detect_synthetic_user_agent(agent))
            return


def _add(found: dict[str, Any], name: str, value: Any) -> None:
    if value:
        found[name] = value


def of_answer(
    span: Any, status_code: Any, labels: MutableMapping[str, Any] | None = None, *rest: Any
) -> None:
    """Tells an open span, and contrib's metrics, what the answer is."""
    if type(status_code) is not int or not 100 <= status_code < 500:
        _upstream_status(span, status_code, labels, *rest)
        return
    if labels is not None:
        labels[http_attributes.HTTP_RESPONSE_STATUS_CODE] = status_code
    span.set_attribute(http_attributes.HTTP_RESPONSE_STATUS_CODE, status_code)


_upstream_status: Callable[..., None] = contrib.set_status_code
_decoded: Callable[[bytes], str] = contrib._decode_header_item

STEPS: dict[str, Callable[..., Any]] = {
    "collect_request_attributes": of_request,
    "set_status_code": of_answer,
}
"""contrib's names, and what does their work here."""
