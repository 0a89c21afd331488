"""Our steps in contrib's ASGI instrumentation: the same attributes and labels as contrib's own."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.instrumentation import asgi as contrib
from opentelemetry.instrumentation._semconv import _StabilityMode
from opentelemetry.sdk.trace import TracerProvider

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


@pytest.mark.parametrize("changed", CHANGES, ids=str)
def test_a_request_is_described_as_contrib_describes_it(changed: dict[str, Any]) -> None:
    """Names, values and their order at a span's start are what contrib makes of the same scope."""
    scope = {name: value for name, value in {**FULL, **changed}.items() if value is not None}
    theirs = contrib.collect_request_attributes(scope, _StabilityMode.HTTP)
    assert list(asgi_spans.of_request(scope).items()) == list(theirs.items())


def test_a_query_without_utf8_is_no_fault() -> None:
    """Bytes that are no text, on which contrib raises, are shown as far as they can be."""
    assert asgi_spans.of_request({**FULL, "query_string": b"q=\xff"})["url.query"] == "q=�"


@pytest.mark.parametrize("status", [100, 200, 304, 404, 499, 500, 503, "200", "odd", -1])
def test_an_answer_is_described_as_contrib_describes_it(status: Any) -> None:
    """Attributes, status and labels of an answer are what contrib makes of them."""
    seen = []
    for step in (asgi_spans.of_answer, contrib.set_status_code):
        span: Any = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("s")
        labels: dict[str, Any] = {}
        step(span, status, labels, _StabilityMode.HTTP)
        seen.append((dict(span.attributes), span.status.status_code, labels))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("names", ["", "http/dup", "http/dup,http", "database"])
def test_contribs_way_stays_where_old_names_are_wanted(names: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the new names alone are asked for, contrib's own steps stay in place."""
    before = contrib.collect_request_attributes, contrib.set_status_code
    asgi_spans.install(Ledger(), {"OTEL_SEMCONV_STABILITY_OPT_IN": names})
    assert (contrib.collect_request_attributes, contrib.set_status_code) == before
