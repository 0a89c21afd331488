"""What the propagator writes into an outgoing call, by the host that the client span names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tradewise_otel import context
from tradewise_otel.instrument.hosts import HostList
from tradewise_otel.instrument.propagation import OutgoingHeaders
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.pipeline.processors import describe

TRACER = TracerProvider().get_tracer("test")
INNER = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])


@pytest.fixture(autouse=True)
def request_id() -> Iterator[str]:
    """A request is current."""
    token = context.enter(context.Request("rid-1"))
    yield "rid-1"
    context.leave(token)


def _sent(url: str, with_baggage: bool = False, carrier: dict[str, str] | None = None) -> dict[str, str]:
    carrier = {} if carrier is None else carrier
    names = "tracecontext,baggage" if with_baggage else "tracecontext"
    headers = OutgoingHeaders(INNER, HostList(("bots.example",), private=True), Ledger(), names)
    span = TRACER.start_span("GET", Context(), SpanKind.CLIENT, {"url.full": url})
    headers.inject(carrier, trace.set_span_in_context(span, baggage.set_baggage("owner", "bob", Context())))
    return carrier


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:80/", "https://bots.example/x?y", "http://[::1]:9/", "http://user:pw@bots.example"],
)
def test_allowed_hosts_get_trace_and_request_id(url: str) -> None:
    """A call to an allowed host carries traceparent and x-request-id, and no baggage."""
    carrier = _sent(url)
    assert set(carrier) == {"traceparent", "x-request-id"}
    assert carrier["x-request-id"] == "rid-1"


@pytest.mark.parametrize(
    "url",
    [
        "https://stranger.example/",
        "https://stranger.example/127.0.0.1",
        "https://bots.example@stranger.example/",
        "https://stranger.example#@bots.example/",
        "http://[::ffff:8.8.8.8]/",
        "",
        "not a url",
    ],
)
def test_foreign_and_unknown_hosts_get_nothing(url: str) -> None:
    """A call to a foreign host, or to one that cannot be told, carries nothing of ours."""
    assert _sent(url) == {}


def test_headers_that_a_redirect_brought_along_are_taken_back() -> None:
    """Headers of this trace that httpx copied from the redirected call are removed for a foreign host."""
    span = TRACER.start_span("GET", Context(), SpanKind.CLIENT, {"url.full": "http://bots.example/"})
    inside = trace.set_span_in_context(span, Context())
    headers = OutgoingHeaders(INNER, HostList(("bots.example",)), Ledger())
    carrier = {"accept": "*/*"}
    headers.inject(carrier, inside)
    assert len(carrier) == 3
    hop = TRACER.start_span("GET", inside, SpanKind.CLIENT, {"url.full": "http://stranger.example/"})
    headers.inject(carrier, trace.set_span_in_context(hop, inside))
    assert carrier == {"accept": "*/*"}


def test_the_apps_own_headers_are_left_alone() -> None:
    """Trace headers of another trace, and a request id that the app set, stay as they are for a foreign
    host.
    """
    own = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01", "x-request-id": "own"}
    assert _sent("https://stranger.example/", carrier=dict(own)) == own


def test_baggage_goes_only_where_the_user_asked_for_it() -> None:
    """With OTEL_PROPAGATORS naming baggage it is sent, to allowed hosts alone."""
    assert _sent("http://bots.example/", with_baggage=True)["baggage"] == "owner=bob"
    assert _sent("http://stranger.example/", with_baggage=True) == {}


def test_a_callee_is_told_that_the_request_is_kept() -> None:
    """Once a record has asked for its request, tracestate says so to allowed hosts, beside what is there."""
    request = context.current()
    assert request is not None
    request.keep = "event"
    assert _sent("http://127.0.0.1/")["tracestate"] == "tw=event"
    assert _sent("https://stranger.example/") == {}


@pytest.mark.parametrize(
    ("said", "keep"), [("event", "event"), ("severity", "severity"), ("error; drop", None)]
)
def test_a_caller_that_keeps_its_request_has_ours_kept(said: str, keep: str | None) -> None:
    """A root span whose caller says in tracestate that it keeps the request is kept too; other words mean
    nothing.
    """
    carrier = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01", "tracestate": f"vendor=x,tw={said}"}
    span = TRACER.start_span("GET", INNER.extract(carrier), SpanKind.SERVER)
    request = context.Request("rid-2")
    describe(request, span)  # type: ignore[arg-type]
    assert request.keep == keep


@pytest.mark.parametrize(
    ("names", "reads"),
    [
        ("tracecontext", {b"traceparent", b"tracestate"}),
        ("tracecontext, baggage", {b"traceparent", b"tracestate", b"baggage"}),
        ("none", set()),
        ("tracecontext,b3", None),
        ("", None),
    ],
)
def test_only_headers_of_known_propagators_are_known(names: str, reads: set[bytes] | None) -> None:
    """What an incoming request must not lack; a propagator of the user's may look at any header."""
    assert OutgoingHeaders(INNER, HostList(()), Ledger(), names).reads == reads
