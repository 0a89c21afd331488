"""Private or patched parts of upstream that this distribution leans on: a red test here says upstream moved.

Each seam is used somewhere in `tradewise_otel/`; the test looks at upstream alone, so that it tells an
upstream change from a fault of ours.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import fastapi
import pytest
import sqlalchemy
import sqlalchemy.ext.asyncio.engine
from opentelemetry.context import get_current
from opentelemetry.instrumentation import asgi as contrib_asgi
from opentelemetry.instrumentation import fastapi as contrib_fastapi
from opentelemetry.instrumentation import sqlalchemy as contrib_sqlalchemy
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk._configuration import _BaseConfigurator
from opentelemetry.sdk.metrics import export as metrics_export
from opentelemetry.sdk.metrics._internal.exponential_histogram.mapping.exponent_mapping import ExponentMapping
from opentelemetry.sdk.metrics._internal.exponential_histogram.mapping.logarithm_mapping import (
    LogarithmMapping,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider, sampling
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, get_current_span, set_span_in_context, use_span
from opentelemetry.trace.propagation import _SPAN_KEY


@pytest.fixture
def spans() -> InMemorySpanExporter:
    """Where spans of a test end up."""
    return InMemorySpanExporter()


@pytest.fixture
def tracers(spans: InMemorySpanExporter) -> TracerProvider:
    """A provider of a test's own."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return provider


@pytest.fixture
def instrumented(tracers: TracerProvider) -> Iterator[None]:
    """SQLAlchemy instrumented by contrib alone, and bare again afterwards."""
    bare = sqlalchemy.ext.asyncio.engine._create_engine  # type: ignore[attr-defined]
    SQLAlchemyInstrumentor().instrument(
        skip_dep_check=True, tracer_provider=tracers, meter_provider=NoOpMeterProvider()
    )
    yield
    SQLAlchemyInstrumentor().uninstrument()
    sqlalchemy.ext.asyncio.engine._create_engine = bare  # type: ignore[attr-defined]


def built_stack(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, dict[str, Any]]:
    """An instrumented app's middleware stack, and what contrib gave its middleware."""
    given: dict[str, Any] = {}

    def build(app: Any, **kwargs: Any) -> OpenTelemetryMiddleware:
        given.update(kwargs)
        return OpenTelemetryMiddleware(app, **kwargs)

    monkeypatch.setattr(contrib_fastapi, "OpenTelemetryMiddleware", build)
    app = fastapi.FastAPI()
    contrib_fastapi.FastAPIInstrumentor.instrument_app(app)
    try:
        return app.build_middleware_stack(), given
    finally:
        contrib_fastapi.FastAPIInstrumentor.uninstrument_app(app)


def test_contribs_middleware_is_looked_up_in_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """contrib builds what `OpenTelemetryMiddleware` names in its module, and hands it its span details."""
    _, given = built_stack(monkeypatch)
    assert callable(given["default_span_details"])
    assert "default_span_details" in inspect.signature(OpenTelemetryMiddleware).parameters


def test_fastapis_own_telemetry_knows_our_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """FastAPI that traces by itself finds contrib's middleware in the stack and stands back."""
    native = pytest.importorskip("fastapi.telemetry._asgi", reason="this FastAPI does not trace by itself")
    stack, _ = built_stack(monkeypatch)
    assert native._legacy_otel(stack)


def test_fastapis_own_telemetry_asks_its_settings_at_every_request() -> None:
    """What an app's `_telemetry` says of the three signals decides, then and there, whether FastAPI's own
    telemetry has a request go through it.
    """
    pytest.importorskip("fastapi.telemetry._asgi", reason="this FastAPI does not trace by itself")
    app: Any = fastapi.FastAPI(telemetry={"tracer_provider": TracerProvider(shutdown_on_exit=False)})
    assert app._native_telemetry.enabled()
    app._telemetry.update(tracing=False, metrics=False, logs=False)
    assert not app._native_telemetry.enabled()


def test_contrib_keeps_its_span_on_the_execution(instrumented: None) -> None:
    """While our listeners run, contrib's span is `_otel_span` of the execution context, and still open."""
    engine = sqlalchemy.create_engine("sqlite://")
    seen: list[bool] = []

    def after(conn: Any, cursor: Any, statement: Any, parameters: Any, execution: Any, many: Any) -> None:
        seen.append(execution._otel_span.is_recording())

    sqlalchemy.event.listen(sqlalchemy.engine.Engine, "after_cursor_execute", after)
    try:
        with engine.connect() as conn:
            conn.execute(sqlalchemy.text("select 1"))
    finally:
        sqlalchemy.event.remove(sqlalchemy.engine.Engine, "after_cursor_execute", after)
    assert seen == [True]


def test_contrib_leaves_a_failure_alone_whose_span_was_taken(
    instrumented: None, spans: InMemorySpanExporter
) -> None:
    """contrib's error listener comes after ours and does nothing once the execution has no span."""
    engine = sqlalchemy.create_engine("sqlite://")

    def take(error: Any) -> None:
        error.execution_context._otel_span = error.execution_context._otel_span.end()

    sqlalchemy.event.listen(sqlalchemy.engine.Engine, "handle_error", take)
    try:
        with engine.connect() as conn, pytest.raises(sqlalchemy.exc.OperationalError):
            conn.execute(sqlalchemy.text("select * from missing"))
    finally:
        sqlalchemy.event.remove(sqlalchemy.engine.Engine, "handle_error", take)
    (failed,) = [span for span in spans.get_finished_spans() if span.name != "connect"]
    assert failed.status.description is None


def test_async_engines_are_wrapped_twice_until_the_outer_one_goes(
    instrumented: None, spans: InMemorySpanExporter
) -> None:
    """`create_async_engine` can be unwrapped, and makes its engine with `_create_engine` of its module."""
    assert hasattr(sqlalchemy.ext.asyncio.create_async_engine, "__wrapped__")
    unwrap(sqlalchemy.ext.asyncio, "create_async_engine")
    sqlalchemy.ext.asyncio.engine._create_engine = sqlalchemy.engine.create_engine  # type: ignore[attr-defined]

    async def select() -> None:
        engine = sqlalchemy.ext.asyncio.create_async_engine("sqlite+aiosqlite://")
        async with engine.connect() as conn:
            await conn.execute(sqlalchemy.text("select 1"))
        await engine.dispose()

    asyncio.run(select())
    assert sorted(span.name.split()[0] for span in spans.get_finished_spans()) == ["connect", "select"]


def test_the_consistent_sampler_writes_its_threshold() -> None:
    """The experimental sampler keeps by the trace id's low 56 bits and writes `ot=th` of its tracestate."""
    experimental = importlib.import_module("opentelemetry.sdk.trace._sampling_experimental")
    ratio = experimental.composable_traceid_ratio_based(0.5)
    sampler = experimental.composite_sampler(experimental.composable_parent_threshold(ratio))
    kept, dropped = (sampler.should_sample(None, bits, "x") for bits in ((1 << 56) - 1, 0))
    assert (kept.decision, dropped.decision) == (sampling.Decision.RECORD_AND_SAMPLE, sampling.Decision.DROP)
    assert kept.trace_state["ot"] == "th:8"


def test_the_samplers_variables_are_read_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    """`_get_from_env_or_default` makes the sampler that `OTEL_TRACES_SAMPLER` names, when it is called."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    sampler = sampling.AlwaysRecordSampler(sampling._get_from_env_or_default())
    assert sampler.should_sample(None, 1, "x").decision is sampling.Decision.RECORD_ONLY


@pytest.mark.parametrize(("scale", "value", "index"), [(3, 2.0, 7), (3, 2.1, 8), (20, 1.5, 613377)])
def test_logarithm_mapping(scale: int, value: float, index: int) -> None:
    """Above scale 0 a value's bucket is the logarithm of base 2^(2^-scale), upper bound inclusive."""
    assert LogarithmMapping(scale).map_to_index(value) == index


@pytest.mark.parametrize(("scale", "value", "index"), [(0, 2.0, 0), (0, 2.1, 1), (-1, 5.0, 1), (-2, 1e6, 4)])
def test_exponent_mapping(scale: int, value: float, index: int) -> None:
    """From scale 0 down a value's bucket is its exponent shifted, upper bound inclusive."""
    assert ExponentMapping(scale).map_to_index(value) == index


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("trace_exporter", "OTLPSpanExporter"),
        ("_log_exporter", "OTLPLogExporter"),
        ("metric_exporter", "OTLPMetricExporter"),
    ],
)
def test_exporters_answer_with_a_named_result(module: str, name: str) -> None:
    """Each exporter's `export` gives a result whose `name` is one of SUCCESS and FAILURE."""
    package = importlib.import_module(f"opentelemetry.exporter.otlp.proto.http.{module}")
    exporter = getattr(package, name)(endpoint="http://127.0.0.1:1")
    exporter.shutdown()
    batch = metrics_export.MetricsData([]) if module == "metric_exporter" else []
    assert exporter.export(batch).name == "FAILURE"


def test_the_metric_exporter_shows_its_preferences() -> None:
    """The metric exporter holds the temporality and aggregation that its reader has to use."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    exporter = OTLPMetricExporter()
    assert exporter._preferred_temporality
    assert isinstance(exporter._preferred_aggregation, dict)


def test_configurators_are_configured_once() -> None:
    """`configure` of a `_BaseConfigurator` calls its `_configure` with the same arguments."""
    calls: list[dict[str, Any]] = []

    class Ours(_BaseConfigurator):
        def _configure(self, **kwargs: Any) -> None:
            calls.append(kwargs)

    Ours().configure(auto_instrumentation_version="1")
    assert calls == [{"auto_instrumentation_version": "1"}]


def test_live_spans_can_be_read(tracers: TracerProvider) -> None:
    """A span of the SDK that is still open is a `ReadableSpan` with kind, attributes and context."""
    span = tracers.get_tracer("x").start_span("y", attributes={"a": 1})
    assert isinstance(span, ReadableSpan)
    assert (span.attributes or {})["a"] == 1
    assert span.context == span.get_span_context()
    span.end()


@pytest.mark.parametrize("protocol", ["h11", "httptools"])
def test_uvicorn_tells_who_left(protocol: str) -> None:
    """uvicorn's `receive` is bound to an object whose `disconnected` says whether the client is gone."""
    pytest.importorskip(protocol)
    module = importlib.import_module(f"uvicorn.protocols.http.{protocol}_impl")
    assert inspect.iscoroutinefunction(module.RequestResponseCycle.receive)
    assert "self.disconnected" in inspect.getsource(module.RequestResponseCycle.__init__)


def test_included_routers_leave_the_whole_template() -> None:
    """After routing, the scope tells the template with its router's prefix, in one of the forms we read."""
    from tradewise_otel.instrument.http_exchange import route_of

    router, app = fastapi.APIRouter(), fastapi.FastAPI()
    scopes: list[Any] = []

    @router.get("/bots/{bot_id}")
    async def bot(request: fastapi.Request) -> None:
        scopes.append(request.scope)

    app.include_router(router, prefix="/api/v1")
    asyncio.run(get(app, "/api/v1/bots/7"))
    assert [route_of(scope) for scope in scopes] == ["/api/v1/bots/{bot_id}"]


async def get(app: Any, path: str) -> None:
    """One GET by ASGI, without a server."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "headers": [],
        "query_string": b"",
        "root_path": "",
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert sent[0]["status"] == 200


def test_contrib_opens_connect_spans_by_the_tracer_it_is_given() -> None:
    """contrib's wrapper of Engine.connect asks a tracer for one context manager and its attributes only."""
    asked: list[Any] = []

    class Attempt:
        def __enter__(self) -> Attempt:
            return self

        def __exit__(self, *error: object) -> None:
            asked.append("ended")

        def is_recording(self) -> bool:
            return True

        def set_attributes(self, attributes: dict[str, Any]) -> None:
            asked.append(sorted(attributes))

    def start(name: str, **options: Any) -> Attempt:
        asked.append((name, options))
        return Attempt()

    wrapped = contrib_sqlalchemy._wrap_connect(SimpleNamespace(start_as_current_span=start))
    assert wrapped(lambda: "connection", sqlalchemy.create_engine("sqlite://"), (), {}) == "connection"
    assert [asked[0][0], asked[-1]] == ["connect", "ended"]
    assert asked[0][1] == {"kind": SpanKind.CLIENT}


def test_contrib_reads_headers_by_its_modules_getter_and_sets_attributes_again(
    tracers: TracerProvider, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The getter is looked up in its module for each request; what a span starts with is what it ends with,
    also when the dict of it is emptied.
    """
    asked: list[str] = []

    class Getter(contrib_asgi.ASGIGetter):
        def get(self, carrier: dict[str, Any], key: str) -> list[str] | None:
            asked.append(key)
            return super().get(carrier, key)

    started: list[dict[str, Any]] = []
    tracer = tracers.get_tracer("t")

    def start(name: str, attributes: Any = None, **options: Any) -> Any:
        started.append(dict(attributes))
        span = tracer.start_span(name, attributes=attributes, **options)
        attributes.clear()
        return span

    monkeypatch.setattr(contrib_asgi, "asgi_getter", Getter())
    opener = SimpleNamespace(start_span=start, start_as_current_span=tracer.start_as_current_span)
    _answer_one(OpenTelemetryMiddleware(_app, tracer=opener, meter_provider=NoOpMeterProvider()))
    assert "user-agent" in asked
    server = spans.get_finished_spans()[-1]
    assert started[0].items() <= dict(server.attributes or {}).items()


async def _app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def _answer_one(app: Any) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        assert message

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"user-agent", b"curl")]}
    more = {"scheme": "http", "query_string": b"", "server": ("127.0.0.1", 80), "http_version": "1.1"}
    asyncio.run(app({**scope, **more}, receive, send))


def test_the_current_span_stands_under_one_key() -> None:
    """A record reads the span from the context itself, under the key that upstream's own reader uses."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")
    span = tracer.start_span("x")
    assert set_span_in_context(span)[_SPAN_KEY] is span
    with use_span(span):
        assert get_current()[_SPAN_KEY] is get_current_span() is span


def test_a_span_context_is_a_tuple_of_its_parts() -> None:
    """A typed call takes the ids and flags out of a span's context at once."""
    where = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("x").get_span_context()
    assert tuple(where)[:4] == (where.trace_id, where.span_id, where.is_remote, where.trace_flags)
