"""The server span of a usual HTTP request: what contrib's middleware does for it, in a third of the steps.

contrib asks for each attribute whether the old name, the new one or both are wanted, sets all of them twice,
goes through the headers seven times, and sorts labels for metrics that go nowhere here. Our middleware stands
in front of it and lets it do whatever is not usual: WebSockets, apps mounted in others, old names, captured
headers, hooks, metrics of the user's. Spans and contexts are the same; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

from opentelemetry import context as otel_context
from opentelemetry.instrumentation import asgi as contrib
from opentelemetry.instrumentation._semconv import _StabilityMode
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.propagators import get_global_response_propagator
from opentelemetry.metrics import NoOpMeter
from opentelemetry.propagate import extract
from opentelemetry.semconv.attributes import (
    client_attributes,
    http_attributes,
    network_attributes,
    server_attributes,
    url_attributes,
    user_agent_attributes,
)
from opentelemetry.trace import Span, SpanKind, set_span_in_context
from opentelemetry.trace.propagation import _SPAN_KEY
from opentelemetry.util.http import detect_synthetic_user_agent

from tradewise_otel import context
from tradewise_otel.instrument import http_method
from tradewise_otel.instrument.propagation import callers_headers
from tradewise_otel.instrument.switched_off import is_switched_off
from tradewise_otel.pipeline import shield
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.pipeline.spans import note_failure

_SYNTHETIC = "user_agent.synthetic.type"

_decoded: Callable[[bytes], str] = contrib._decode_header_item
_set_status: Callable[..., None] = contrib.set_status_code
_url_of: Callable[[Mapping[str, Any]], tuple[Any, Any, str]] = contrib.get_host_port_url_tuple
_response_propagator: Callable[[], Any] = get_global_response_propagator
_extract: Callable[..., otel_context.Context] = extract


class Recording(NamedTuple):
    """What is noted of a request inside of its span, by whoever that is."""

    receive: shield.Receive
    sending: Callable[[MutableMapping[str, Any]], None]
    ended: Callable[[BaseException | None], None]


Opens = Callable[[dict[str, Any], shield.Receive], Recording | None]


def recorded(open_recording: Opens, app: shield.App, ledger: Ledger) -> shield.Asgi:
    """`app`, with what goes on in a request noted; contrib's middleware is made around it."""

    def begin(scope: dict[str, Any], receive: shield.Receive, send: shield.Send) -> shield.Visit | None:
        recording = open_recording(scope, receive)
        if recording is None:
            return None
        return shield.Visit(
            recording.receive, shield.sending(send, ledger, (recording.sending,)), recording.ended
        )

    return shield.Asgi(ledger.shielded("begin request", begin, None), app)


def middleware(
    theirs: OpenTelemetryMiddleware, open_recording: Opens, app: shield.App, ledger: Ledger
) -> shield.Asgi:
    """Middleware that stands for contrib's around the recorded app, where that would do nothing more.

    FastAPI's own telemetry looks for contrib's along `app`, and stays away where it is.
    """
    return shield.Asgi(ServerSpans(theirs, open_recording, ledger).begin, app, theirs)


class ServerSpans:
    """Makes the spans of requests; a fault of ours costs the span, never the request."""

    def __init__(self, theirs: OpenTelemetryMiddleware, open_recording: Opens, ledger: Ledger) -> None:
        self._open, self._ledger = open_recording, ledger
        self._tracer, excluded = theirs.tracer, theirs.excluded_urls
        self._excluded = excluded if getattr(excluded, "_excluded_urls", excluded) else None
        self.begin = ledger.shielded("server span", self._begin, None, "traces")
        self._end = ledger.shielded("end of a server span", _end, None, "traces")

    def _begin(
        self, scope: dict[str, Any], receive: shield.Receive, send: shield.Send
    ) -> shield.Visit | None:
        """A request within its span, which is current from here on; None where contrib shall make it."""
        if scope["type"] != "http":
            return None
        leave_ended(scope)
        around = otel_context.get_current()
        if _SPAN_KEY in around or is_switched_off(http=True):
            return None
        if self._excluded is not None and self._excluded.url_disabled(_url_of(scope)[2]):
            return None
        caller = _context_of_caller(scope)
        span = self._tracer.start_span(str(scope["method"]), caller, SpanKind.SERVER, of_request(scope))
        token = otel_context.attach(set_span_in_context(span, caller))
        recording = self._open(scope, receive) or Recording(receive, _nothing, _nothing)
        before, after = (recording.sending, partial(_tell, span)), (partial(_told, span),)
        sent = shield.sending(send, self._ledger, before, after)
        return shield.Visit(recording.receive, sent, partial(self._end, span, token, recording.ended))


def _nothing(_: object) -> None:
    """What is noted of a request that nobody records."""


def does_nothing_more(theirs: OpenTelemetryMiddleware) -> bool:
    """Whether `ServerSpans` can stand for contrib's middleware as it is set up."""
    more = (
        theirs.server_request_hook,
        theirs.client_request_hook,
        theirs.client_response_hook,
        theirs.http_capture_headers_server_request,
        theirs.http_capture_headers_server_response,
    )
    quiet = theirs.exclude_receive_span and theirs.exclude_send_span
    new_names = theirs._sem_conv_opt_in_mode is _StabilityMode.HTTP
    return new_names and quiet and isinstance(theirs.meter, NoOpMeter) and not any(more)


def leave_ended(scope: Mapping[str, Any]) -> None:
    """Lets go of an earlier request: uvicorn starts a pipelined one in the context of the one before."""
    earlier = context.current()
    if earlier is not None and earlier.ended_at is not None and not is_mounted_in(earlier, scope):
        otel_context.attach(otel_context.Context())


def is_mounted_in(outer: context.Request, scope: Mapping[str, Any]) -> bool:
    """Whether the app of a scope is mounted in that of a request: scopes are copied, headers are not."""
    return outer.scope is not None and outer.scope.get("headers") is scope.get("headers")


def _context_of_caller(scope: Mapping[str, Any]) -> otel_context.Context:
    wanted = callers_headers()
    if wanted is not None and wanted.isdisjoint([name for name, _ in scope["headers"]]):
        return otel_context.Context()
    return _extract(scope, getter=contrib.asgi_getter)


def _tell(span: Span, message: MutableMapping[str, Any]) -> None:
    """Tells an open span what the answer is, and the caller of the span if that is wanted."""
    if message["type"] == "http.response.start":
        of_answer(span, message["status"])
    propagator = _response_propagator()
    if propagator:
        around = set_span_in_context(span, otel_context.Context())
        propagator.inject(message, context=around, setter=contrib.asgi_setter)


def _told(span: Span, message: Mapping[str, Any]) -> None:
    """With the last byte of the answer its span ends; background tasks come later."""
    if message["type"] == "http.response.body" and not message.get("more_body", False):
        span.end()


def _end(
    span: Span,
    token: Any,
    ended: Callable[[BaseException | None], None],
    failure: BaseException | None,
) -> None:
    """Leaves the span; ends it unless the last byte of the answer has."""
    ended(failure)
    otel_context.detach(token)
    if span.is_recording():
        if isinstance(failure, Exception):
            note_failure(span, failure)
        span.end()


def of_request(scope: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a server span at its start."""
    found: dict[str, Any] = {}
    if scheme := scope.get("scheme"):
        found[url_attributes.URL_SCHEME] = scheme
    found.update(_server(*(scope.get("server") or ("0.0.0.0", 80))))
    if version := scope.get("http_version"):
        found[network_attributes.NETWORK_PROTOCOL_VERSION] = version
    if path := scope.get("path"):
        found[url_attributes.URL_PATH] = path
        if query := scope.get("query_string"):
            # Servers pass on what they were sent, which need not be UTF-8.
            text = query.decode(errors="replace") if isinstance(query, bytes) else query
            found[url_attributes.URL_QUERY] = text
    if method := scope.get("method"):
        found.update(http_method.attributes_of(method))
    for name, value in scope.get("headers") or ():
        if name == b"user-agent":
            found.update(_user_agent(value))
            break
    if client := scope.get("client"):
        address, port = client
        if address:
            found[client_attributes.CLIENT_ADDRESS] = address
        if port:
            found[client_attributes.CLIENT_PORT] = port
    return found


@lru_cache(maxsize=64)
def _server(host: Any, port: Any) -> dict[str, Any]:
    """What there is to say of the server: one or two are all that a process has."""
    found = {server_attributes.SERVER_ADDRESS: host if str(port) == "80" else f"{host}:{port}"}
    return {**found, server_attributes.SERVER_PORT: port} if port else found


@lru_cache(maxsize=256)
def _user_agent(header: bytes) -> dict[str, Any]:
    agent = _decoded(header)
    found = {
        user_agent_attributes.USER_AGENT_ORIGINAL: agent,
        _SYNTHETIC: detect_synthetic_user_agent(agent),
    }
    return {name: value for name, value in found.items() if value}


def of_answer(span: Span, status_code: Any) -> None:
    """Tells an open span the status of the answer."""
    if type(status_code) is int and 100 <= status_code < 500:
        span.set_attribute(http_attributes.HTTP_RESPONSE_STATUS_CODE, status_code)
    elif status_code:
        _set_status(span, status_code, None, _StabilityMode.HTTP)
