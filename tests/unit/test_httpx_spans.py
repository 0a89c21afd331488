"""Our client spans against contrib's: one call made twice, and the same spans and headers in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpcore
import httpx
import pytest
from harness import told_spans
from opentelemetry import propagate
from opentelemetry.context import _SUPPRESS_HTTP_INSTRUMENTATION_KEY, attach, detach, get_current, set_value
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tradewise_otel.instrument import httpx_spans
from tradewise_otel.pipeline.ledger import Ledger

URLS = [
    "http://127.0.0.1:8080/api/v1/status",
    "https://bot.example/a%20b?token=x&sig=abc",
    "https://user:pw@bot.example:8443/",
    "http://bücher.example/ü",
    "http://[::1]:9/x#y",
]


@pytest.fixture(autouse=True)
def as_under_our_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    """The current names alone, and the propagator of the default."""
    told_spans.use_new_names(monkeypatch)
    monkeypatch.setattr(propagate, "_HTTP_TEXT_FORMAT", TraceContextTextMapPropagator())


class Pool:
    """In the place of httpx's connections: answers, or raises, and keeps what it was asked."""

    def __init__(self, answer: Any, version: bytes) -> None:
        self.answer, self.version, self.headers = answer, version, list[Any]()

    def handle_request(self, request: Any) -> httpcore.Response:
        """As httpcore's pool."""
        self.headers.append(sorted(request.headers))
        if isinstance(self.answer, BaseException):
            raise self.answer
        extensions = {"http_version": self.version}
        return httpcore.Response(self.answer, content=_body(), extensions=extensions)

    async def handle_async_request(self, request: Any) -> httpcore.Response:
        """As httpcore's pool."""
        return self.handle_request(request)


class _body:
    def __iter__(self) -> Iterator[bytes]:
        yield b"{}"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{}"


def by_client(pool: Pool, method: str, url: str) -> str:
    """One call of a plain client: its answer."""
    transport: Any = httpx.HTTPTransport()
    transport._pool = pool
    try:
        return str(httpx.Client(transport=transport).request(method, url, headers={"a": "b"}).status_code)
    except BaseException as error:
        return repr(error)


def by_async_client(pool: Pool, method: str, url: str) -> str:
    """The same by an async client."""

    async def call() -> str:
        transport: Any = httpx.AsyncHTTPTransport()
        transport._pool = pool
        client = httpx.AsyncClient(transport=transport)
        try:
            return str((await client.request(method, url, headers={"a": "b"})).status_code)
        except BaseException as error:
            return repr(error)

    return asyncio.run(call())


CLIENTS = pytest.mark.parametrize("client", [by_client, by_async_client])
Story = tuple[list[Any], list[Any], str]


def called(ours: bool, client: Callable[..., str], answer: Any, **words: Any) -> Story:
    """Spans, headers and outcome of one call."""
    pool = Pool(answer, words.get("version", b"HTTP/1.1"))
    made, ended = told_spans.provider()
    instrumentor = HTTPXClientInstrumentor()
    theirs = {name: HTTPXClientInstrumentor.__dict__.get(name) for name in httpx_spans.WRAPPERS}
    if ours:
        httpx_spans.install(Ledger())
    around = get_current()
    try:
        instrumentor.instrument(
            meter_provider=NoOpMeterProvider(), tracer_provider=made, **words.get("setup", {})
        )
        outcome = client(pool, words.get("method", "GET"), words.get("url", URLS[0]))
    finally:
        instrumentor.uninstrument()
        for name, wrapper in theirs.items():
            if wrapper is None and name in HTTPXClientInstrumentor.__dict__:
                delattr(HTTPXClientInstrumentor, name)
    assert get_current() == around
    return told_spans.told(ended), pool.headers, outcome


def both(client: Callable[..., str], answer: Any = 200, **words: Any) -> tuple[Story, Story]:
    """What ours and contrib's make of a call."""
    return called(True, client, answer, **words), called(False, client, answer, **words)


@CLIENTS
@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("method", ["GET", "get", "BREW", "QUERY"])
def test_a_call_is_described_as_contrib_describes_it(client: Any, url: str, method: str) -> None:
    """Name, method, URL, host and port of a call, and what the called host is told, are contrib's."""
    ours, theirs = both(client, url=url, method=method)
    assert len(ours[0]) == 1
    assert any(name == b"traceparent" for name, _ in ours[1][0])
    assert ours == theirs


@CLIENTS
@pytest.mark.parametrize("status", [200, 301, 404, 500, 599])
@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/2"])
def test_an_answer_is_described_as_contrib_describes_it(client: Any, status: int, version: bytes) -> None:
    """Attributes and status of an ended call are what contrib makes of them."""
    ours, theirs = both(client, status, version=version)
    assert len(ours[0]) == 1
    assert ours == theirs


@CLIENTS
@pytest.mark.parametrize(
    "error", [httpcore.ConnectError("no"), httpcore.ReadTimeout("late"), ValueError("odd")]
)
def test_a_failure_is_described_as_contrib_describes_it(client: Any, error: Exception) -> None:
    """Type, exception and status of a call that has no answer are contrib's, and the app has its error."""
    ours, theirs = both(client, error)
    assert ours[0][0]["attributes"]["error.type"]
    assert ours == theirs


@CLIENTS
def test_a_call_that_is_given_up_is_no_error(client: Any) -> None:
    """A cancelled call ends its span without a status."""
    ours, theirs = both(client, asyncio.CancelledError())
    assert len(ours[0]) == 1
    assert ours == theirs


def told(span: Any, *_: Any) -> None:
    """A hook of the user's."""
    span.set_attribute("hooked", True)


async def told_async(span: Any, *_: Any) -> None:
    """The same for async clients."""
    told(span)


@CLIENTS
def test_hooks_are_contribs_business(client: Any) -> None:
    """A hook of the user's is called as if we were not there."""
    setup = {"request_hook": told, "async_request_hook": told_async}
    ours, theirs = both(client, setup=setup)
    assert ours[0][0]["attributes"]["hooked"]
    assert ours == theirs


@pytest.mark.parametrize(
    "environ",
    [
        {"OTEL_PYTHON_HTTPX_EXCLUDED_URLS": "status"},
        {"OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST": "a"},
    ],
    ids=str,
)
def test_what_variables_ask_for_is_contribs_business(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Excluded URLs have no span; captured headers are on it."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    ours, theirs = both(by_client)
    assert ours == theirs
    assert [span["attributes"].get("http.request.header.a") for span in ours[0]] in ([], [("b",)])


def test_where_instrumentation_is_off_a_call_is_just_made() -> None:
    """No span, no header."""
    token = attach(set_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY, True))
    try:
        ours, theirs = both(by_client)
    finally:
        detach(token)
    assert ours == theirs
    assert ours[0] == []


def test_a_fault_of_ours_leaves_the_call_to_contrib(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where our span cannot begin, contrib's does."""
    monkeypatch.setattr(httpx_spans, "of_target", None)
    ours, theirs = both(by_client)
    assert ours == theirs


def test_odd_calls_are_left_to_contrib() -> None:
    """A transport that is called with keywords, as old clients did, is contrib's business."""
    setup = SimpleNamespace(get=lambda name: None)
    assert httpx_spans.ClientSpans(Ledger()).begin((), {"method": b"GET"}, setup, None) is None
