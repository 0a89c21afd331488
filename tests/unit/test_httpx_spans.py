"""Our steps in contrib's httpx instrumentation: the same attributes as contrib's own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from opentelemetry.instrumentation import httpx as contrib
from opentelemetry.instrumentation._semconv import _StabilityMode
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.trace import TracerProvider

from tradewise_otel.instrument import httpx_spans
from tradewise_otel.pipeline.ledger import Ledger

URLS = [
    "http://127.0.0.1:8080/api/v1/status",
    "https://bot.example/a%20b?token=x&sig=abc",
    "https://user:pw@bot.example:8443/",
    "http://bücher.example/ü",
    "http://[::1]:9/x#y",
    "/relative",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("method", ["GET", "get", " PATCH ", "BREW", "QUERY"])
def test_a_call_is_described_as_contrib_describes_it(url: str, method: str) -> None:
    """Name, method, URL, host and port of a call are what contrib makes of it."""
    ours: dict[str, Any] = {}
    theirs: dict[str, Any] = {}
    arguments = (httpx.URL(url), method, _StabilityMode.HTTP, httpx, httpx.Headers({"a": "b"}), [], [])
    httpx_spans.of_request(ours, {}, *arguments)
    contrib._apply_request_client_attributes_to_span(theirs, {}, *arguments)
    assert ours == theirs


@pytest.mark.parametrize("status", [100, 200, 301, 404, 500, 599, -1, 700])
@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2", ""])
def test_an_answer_is_described_as_contrib_describes_it(status: int, version: str) -> None:
    """Attributes and status of an ended call are what contrib makes of them."""
    seen = []
    for labels, step in (
        (httpx_spans.of_response_labels, httpx_spans.of_response),
        (
            contrib._apply_response_client_attributes_to_metrics,
            contrib._apply_response_client_attributes_to_span,
        ),
    ):
        span: Any = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("s")
        labels(span, {}, status, version, _StabilityMode.HTTP)
        step(span, status, version, _StabilityMode.HTTP, httpx, httpx.Headers(), [], [])
        seen.append((dict(span.attributes), span.status.status_code))
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    "environ",
    [
        {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
        {"OTEL_SEMCONV_STABILITY_OPT_IN": "database"},
        {},
        {
            "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
            "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE": "x-.*",
        },
    ],
)
def test_contribs_way_stays_where_more_is_asked_for(environ: dict[str, str]) -> None:
    """Old names and captured headers are contrib's business."""
    before = {name: getattr(contrib, name) for name in httpx_spans.STEPS}
    httpx_spans.install(Ledger(), environ)
    assert before == {name: getattr(contrib, name) for name in httpx_spans.STEPS}


def test_contrib_takes_its_steps_from_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """contrib's wrappers look each step up in their module, call by call."""
    asked: list[str] = []
    for name, step in httpx_spans.STEPS.items():

        def noted(*args: Any, _name: str = name, _step: Any = step, **kwargs: Any) -> Any:
            asked.append(_name)
            return _step(*args, **kwargs)

        monkeypatch.setattr(contrib, name, noted)
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument(meter_provider=NoOpMeterProvider(), tracer_provider=TracerProvider())
    try:
        transport = httpx.HTTPTransport()
        transport._pool = SimpleNamespace(handle_request=_answer)  # type: ignore[assignment]
        assert httpx.Client(transport=transport).get("http://bot.example/").status_code == 200
    finally:
        instrumentor.uninstrument()
    assert asked == list(httpx_spans.STEPS)


def _answer(request: Any) -> Any:
    import httpcore

    return httpcore.Response(200, content=[])
