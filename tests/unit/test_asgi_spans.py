"""Our server spans against contrib's: one request served twice, and the same spans in the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any

import pytest
from harness import told_spans
from opentelemetry import trace
from opentelemetry.context import _SUPPRESS_HTTP_INSTRUMENTATION_KEY, attach, detach, get_current, set_value
from opentelemetry.instrumentation import asgi as contrib
from opentelemetry.instrumentation.propagators import (
    TraceResponsePropagator,
    get_global_response_propagator,
    set_global_response_propagator,
)
from opentelemetry.metrics import NoOpMeter

from tradewise_otel.instrument import asgi_spans
from tradewise_otel.pipeline.ledger import Ledger

FULL: dict[str, Any] = {
    "type": "http",
    "scheme": "http",
    "server": ("127.0.0.1", 8000),
    "client": ("10.0.0.7", 50123),
    "http_version": "1.1",
    "method": "GET",
    "path": "/bots/7",
    "query_string": b"a=1&b=%20",
    "headers": [(b"host", b"bots.example"), (b"user-agent", b"curl/8"), (b"user-agent", b"second")],
}
CHANGES: list[dict[str, Any]] = [
    {},
    {"server": ("127.0.0.1", 80)},
    {"server": ("/run/app.sock", None)},
    {"server": None},
    {"client": None},
    {"client": ("", 0)},
    {"method": "BREW"},
    {"method": "get"},
    {"method": None},
    {"type": "websocket", "scheme": "ws", "method": None},
    {"query_string": b""},
    {"query_string": "text"},
    {"path": ""},
    {"headers": []},
    {"headers": [(b"user-agent", b"Mozilla (compatible; Googlebot/2.1)")]},
    {"headers": [(b"user-agent", "Bücher".encode())]},
    {"headers": [(b"user-agent", b"")]},
    {"http_version": "", "scheme": ""},
]


START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
BODY = {"type": "http.response.body", "body": b"ok"}


def answers(
    *messages: dict[str, Any], error: BaseException | None = None, tail: BaseException | None = None
) -> Any:
    """An app that sends these messages and may fail before or after."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if error is not None:
            raise error
        for message in messages:
            await send(dict(message))
        trace.get_current_span().set_attribute("after", True)
        if tail is not None:
            raise tail

    return app


APPS: dict[str, Any] = {
    "ok": answers(START, BODY),
    "stream": answers(START, {**BODY, "more_body": True}, {**BODY, "more_body": True}, BODY),
    "missing": answers({**START, "status": 404}, BODY),
    "broken": answers({**START, "status": 503}, BODY),
    "odd": answers({**START, "status": "200"}, BODY),
    "silent": answers(),
    "raises": answers(error=ValueError("no")),
    "raises in the middle": answers(START, tail=ValueError("no")),
    "raises at the end": answers(START, BODY, tail=ValueError("no")),
    "cancelled": answers(START, tail=asyncio.CancelledError()),
}


@pytest.fixture(autouse=True)
def new_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """contrib uses the current names alone, as under our launcher."""
    told_spans.use_new_names(monkeypatch)


def served(scope: dict[str, Any], app: Any, ours: bool, **setup: Any) -> tuple[Any, list[Any], str]:
    """The spans of a request, the messages that the server has, and what was raised."""
    made, ended = told_spans.provider()
    setup.setdefault("meter", NoOpMeter("t"))
    middleware: Any = contrib.OpenTelemetryMiddleware(
        app,
        tracer=made.get_tracer("t"),
        default_span_details=lambda scope: (str(scope.get("method", "WEBSOCKET")), {}),
        exclude_spans=["receive", "send"],
        **setup,
    )
    assert asgi_spans.does_nothing_more(middleware)
    sent: list[Any] = []

    async def run() -> str:
        async def send(message: Any) -> None:
            sent.append(message)

        around = get_current()
        run_by = asgi_spans.middleware(middleware, lambda *_: None, app, Ledger()) if ours else middleware
        try:
            await run_by(dict(scope), None, send)
        except BaseException as error:
            return repr(error)
        finally:
            assert get_current() == around
        return ""

    raised = copy_context().run(asyncio.run, run())
    return told_spans.told(ended), sent, raised


def both(scope: dict[str, Any], app: Any, **setup: Any) -> tuple[Any, Any]:
    """What ours and contrib's make of a request."""
    return served(scope, app, True, **setup), served(scope, app, False, **setup)


@pytest.mark.parametrize("changed", CHANGES, ids=str)
def test_a_request_is_described_as_contrib_describes_it(changed: dict[str, Any]) -> None:
    """Names, values and kind of a span are what contrib makes of the same scope."""
    scope = {name: value for name, value in {**FULL, **changed}.items() if value is not None}
    ours, theirs = both(scope, APPS["ok"])
    assert len(ours[0]) == 1
    assert ours == theirs


@pytest.mark.parametrize("app", APPS.values(), ids=list(APPS))
def test_an_answer_ends_its_span_as_contrib_ends_it(app: Any) -> None:
    """Status, exceptions, the moment of the end, the messages and what is raised are contrib's."""
    ours, theirs = both(FULL, app)
    assert len(ours[0]) == 1
    assert ours == theirs


@pytest.mark.parametrize(
    "headers",
    [
        [(b"traceparent", b"00-000000000000000000c0000000000001-0000000000000005-03")],
        [
            (b"traceparent", b"00-000000000000000000c0000000000001-0000000000000005-01"),
            (b"tracestate", b"ot=th:8"),
        ],
        [(b"traceparent", b"nonsense")],
        [(b"tracestate", b"ot=th:8")],
        [(b"baggage", b"a=b")],
    ],
    ids=str,
)
def test_a_caller_is_the_parent(headers: list[Any]) -> None:
    """What a caller sends makes the same parent, flags and tracestate."""
    ours, theirs = both({**FULL, "headers": headers}, APPS["ok"])
    assert ours == theirs


@contextlib.contextmanager
def responses_told() -> Iterator[None]:
    """Callers are told of the span, by upstream's propagator."""
    before = get_global_response_propagator()
    set_global_response_propagator(TraceResponsePropagator())
    yield
    set_global_response_propagator(before)


def test_a_response_propagator_is_asked_for_every_message() -> None:
    """Whoever has set one finds its headers where contrib puts them."""
    with responses_told():
        ours, theirs = both(FULL, APPS["stream"])
    assert ours == theirs
    assert b"traceresponse" in dict(ours[1][0]["headers"])


@pytest.mark.parametrize("around", ["suppressed", "mounted"])
def test_within_a_span_or_without_instrumentation_contrib_decides(around: str) -> None:
    """A request inside of another span is an inner one, and one that nobody shall see is none."""
    outside, _ = told_spans.provider()
    inside = trace.set_span_in_context(outside.get_tracer("t").start_span("outer"))
    token = attach(set_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY, True) if around == "suppressed" else inside)
    try:
        ours, theirs = both(FULL, APPS["ok"])
    finally:
        detach(token)
    assert ours == theirs
    assert [span["kind"] for span in ours[0]] == ([] if around == "suppressed" else [trace.SpanKind.INTERNAL])


def test_excluded_urls_have_no_span() -> None:
    """What the standard variable excludes stays without a span; the rest has one."""
    for path, spans in (("/health", 0), ("/bots", 1)):
        ours, theirs = both({**FULL, "path": path}, APPS["ok"], excluded_urls="health,live")
        assert ours == theirs
        assert len(ours[0]) == spans


def hook(span: Any, scope: Any) -> None:
    """A hook of the user's."""
    span.set_attribute("hooked", True)


MORE: dict[str, Callable[[], dict[str, Any]]] = {
    "hook": lambda: {"server_request_hook": hook},
    "headers": lambda: {"http_capture_headers_server_request": ["user-agent"]},
    "metrics": lambda: {"meter": None},
}


@pytest.mark.parametrize("setup", MORE.values(), ids=list(MORE))
def test_contrib_does_what_is_more_than_usual(setup: Callable[[], dict[str, Any]]) -> None:
    """Hooks, captured headers and metrics of the user's are contrib's business."""
    middleware: Any = contrib.OpenTelemetryMiddleware(
        APPS["ok"], **{"meter": NoOpMeter("t"), "exclude_spans": ["receive", "send"], **setup()}
    )
    assert not asgi_spans.does_nothing_more(middleware)


def test_a_query_without_utf8_is_no_fault() -> None:
    """Bytes that are no text, on which contrib raises, are shown as far as they can be."""
    assert asgi_spans.of_request({**FULL, "query_string": b"q=\xff"})["url.query"] == "q=\ufffd"


def test_a_fault_of_ours_leaves_the_request_to_contrib(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where our span cannot begin, contrib's does."""
    monkeypatch.setattr(asgi_spans, "of_request", None)
    ours, theirs = both(FULL, APPS["ok"])
    assert ours == theirs
