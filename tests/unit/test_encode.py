"""Our encoder against upstream's: the same messages of the same records."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event as SpanEvent
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from tradewise_otel.context import Request
from tradewise_otel.out.encode import Encoder
from tradewise_otel.out.scrub import CleanSpan
from tradewise_otel.out.sdk_objects import Scopes, log_record, readable_span
from tradewise_otel.record.build import Event, ExceptionInfo

RESOURCE = Resource({"service.name": "tradewise-backend", "process.pid": 7, "empty": ""})
WORDS = ["", "a", "grün", "東京 🚀", "x" * 300, "line\nbreak", "\x00"]


def scalar(draw: random.Random) -> Any:
    """Some value that an attribute may have."""
    whole = draw.choice([0, 1, -1, 127, 128, 300, 2**31, -(2**40), 2**63 - 1, -(2**63)])
    return draw.choice([draw.choice(WORDS), whole, draw.uniform(-1e9, 1e9), 0.0, True, False, b"\x00\xff"])


def value(draw: random.Random, depth: int = 0) -> Any:
    """A scalar, or a list or map of values."""
    kind = draw.random()
    if depth > 2 or kind < 0.7:
        return scalar(draw)
    if kind < 0.85:
        return [value(draw, depth + 1) for _ in range(draw.randrange(4))]
    return mapping(draw, depth + 1)


def mapping(draw: random.Random, depth: int = 0) -> dict[str, Any]:
    """Attributes."""
    names = ("".join(draw.choices(string.ascii_lowercase + "._é", k=draw.randrange(1, 20))) for _ in range(5))
    return {name: value(draw, depth) for name in names}


def event(draw: random.Random) -> Event:
    """An event, with everything or with little."""
    request = Request(draw.choice([None, "req-1"]))
    request.learn(user_id=draw.choice(["", "u-1"]), tenant_id="t")
    request.session_pseudonym = draw.choice([None, "0123456789abcdef"])
    return Event(
        timestamp_ns=draw.getrandbits(62),
        level=draw.choice(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]),
        message=draw.choice(WORDS),
        logger_name=draw.choice(["app", "app.bots", "uvicorn.error"]),
        event_type=draw.choice([None, "api_response", "business_x"]),
        fields=mapping(draw),
        trace_id=draw.choice([0, draw.getrandbits(128)]),
        span_id=draw.choice([0, draw.getrandbits(64)]),
        trace_flags=draw.choice([0, 1]),
        request=draw.choice([None, request]),
        source=draw.choice([None, ("/app/x.py", 92, "f")]),
        exception=draw.choice([None, ExceptionInfo("ValueError", "no", ["Traceback\n", "ValueError: no\n"])]),
        reason=draw.choice(["none", "ratio"]),
        weight=draw.choice([1.0, 10.0]),
    )


def context(draw: random.Random, remote: bool = False) -> SpanContext:
    """A valid span context, with a tracestate or none."""
    state = draw.choice([None, TraceState([("ot", "th:8")])])
    return SpanContext(
        draw.getrandbits(128) | 1, draw.getrandbits(64) | 1, remote, TraceFlags(draw.choice([0, 1])), state
    )


def span(draw: random.Random) -> CleanSpan:
    """A redacted span, with events, links, a parent and a status, or without."""
    status = draw.choice([Status(), Status(StatusCode.OK), Status(StatusCode.ERROR, "E: no")])
    original = ReadableSpan(
        name="original",
        context=context(draw),
        parent=draw.choice([None, context(draw), context(draw, remote=True)]),
        resource=RESOURCE,
        kind=draw.choice(list(SpanKind)),
        status=status,
        start_time=draw.getrandbits(62),
        end_time=draw.getrandbits(62),
        instrumentation_scope=SCOPES[draw.randrange(2)],
    )
    events = [("e", draw.getrandbits(60), mapping(draw), 0) for _ in range(draw.randrange(3))]
    links = [(context(draw, draw.random() < 0.5), mapping(draw), 0) for _ in range(draw.randrange(3))]
    text = status.description or ""
    return CleanSpan(original, draw.choice(["GET /x", "ü"]), text, mapping(draw), events, links)


SCOPES = [InstrumentationScope("a", "1", "http://schema"), InstrumentationScope("b")]


def upstream_span(clean: CleanSpan) -> ReadableSpan:
    """What upstream is given for the same span; links and events checked with it."""
    made = readable_span(clean, RESOURCE)
    assert all(isinstance(item, SpanEvent) for item in made.events)
    assert all(isinstance(item, Link) for item in made.links)
    return made


@pytest.fixture
def draw(request: pytest.FixtureRequest) -> random.Random:
    """A generator whose seed a failing test prints."""
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    return random.Random(seed)


def test_log_batches_are_upstreams_messages(draw: random.Random) -> None:
    """A batch of any events, decoded with opentelemetry-proto, equals what upstream makes of it."""
    scopes = Scopes("1.0")
    encoder = Encoder(scopes)
    for _ in range(150):
        batch = [event(draw) for _ in range(draw.randrange(1, 8))]
        ours = ExportLogsServiceRequest.FromString(encoder.logs(batch, RESOURCE))
        assert ours == encode_logs([log_record(item, RESOURCE, scopes) for item in batch])


def test_span_batches_are_upstreams_messages(draw: random.Random) -> None:
    """A batch of any spans, decoded with opentelemetry-proto, equals what upstream makes of it."""
    encoder = Encoder(Scopes("1.0"))
    for _ in range(150):
        batch = [span(draw) for _ in range(draw.randrange(1, 8))]
        ours = ExportTraceServiceRequest.FromString(encoder.spans(batch, RESOURCE))
        assert ours == encode_spans([upstream_span(item) for item in batch])


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        (2**70, lambda v: v.string_value == str(2**70)),
        ("\ud800", lambda v: v.string_value == "?"),
        (object, lambda v: v.string_value.startswith("<class")),
        (None, lambda v: v.WhichOneof("value") is None),
    ],
)
def test_values_without_a_form_of_their_own_go_as_text(odd: Any, expected: Callable[[Any], bool]) -> None:
    """A value that OTLP has no form for never costs the batch: it goes as text, or not at all."""
    item = Event(1, "INFO", "m", "app", fields={"odd": [odd]})
    request = ExportLogsServiceRequest.FromString(Encoder(Scopes("1")).logs([item], RESOURCE))
    record = request.resource_logs[0].scope_logs[0].log_records[0]
    (found,) = (pair.value.array_value.values[0] for pair in record.attributes if pair.key == "odd")
    assert expected(found)
