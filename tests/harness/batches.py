"""Batches of events, spans and figures, drawn at random, for the encoders to write."""

from __future__ import annotations

import random

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from harness.measuring import count, record
from harness.odd_values import mapping, text
from tradewise_otel.catalogue.metrics import METRICS
from tradewise_otel.context import Request
from tradewise_otel.out.metrics import Figures
from tradewise_otel.out.scrub import CleanSpan
from tradewise_otel.pipeline.aggregate import OVERFLOW, Aggregate, Labels
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.record.build import Event, ExceptionInfo

RESOURCES = [
    Resource({"service.name": "tradewise-backend", "process.pid": 7, "empty": "", "list": ["a", "b"]}),
    Resource({}, schema_url="http://schema/resource"),
]
_SCOPES = [InstrumentationScope("a", "1", "http://schema", {"k": 1}), InstrumentationScope("b"), None]
_STATES = [
    None,
    TraceState(),
    TraceState([("ot", "th:8")]),
    TraceState([("vendor", "s3cr3t"), ("ot", "rv:0123456789abcd;th:0"), ("dd", "s:1")]),
    TraceState([("vendor", "x")]),
]
_COUNTS = [row.name for row in METRICS if row.kind == "count"]
_DISTRIBUTIONS = [row.name for row in METRICS if row.kind == "distribution"]
_ODD_DURATIONS = [0.0, -1.5, 5e-324, 1e-9, 1.0, 2.0, 1024.0, 1.7976931348623157e308]
_LEDGER_KINDS = ("emitted", "delivered", "sampled_out", "dropped", "redacted", "invalid")


def _time(draw: random.Random) -> int:
    return draw.choice([0, 1, draw.getrandbits(62), draw.getrandbits(62), 2**64 - 1])


def _dropped(draw: random.Random) -> int:
    return draw.choice([0, 0, 0, 1, 200, 2**32 - 1])


def _exception(draw: random.Random) -> ExceptionInfo | None:
    frames = [f'  File "/app/{n}.py", line {n}, in f\n' for n in range(draw.choice([0, 1, 400]))]
    return draw.choice([None, ExceptionInfo("ValueError", text(draw), ["Traceback\n", *frames, text(draw)])])


def event(draw: random.Random) -> Event:
    """An event, with everything or with little."""
    request = Request(draw.choice([None, "req-1"]))
    request.learn(user_id=draw.choice(["", "u-1"]), tenant_id="t")
    request.session_pseudonym = draw.choice([None, "0123456789abcdef"])
    made = Event(
        timestamp_ns=_time(draw),
        level=draw.choice(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]),
        message=text(draw),
        logger_name=draw.choice(["app", "app.bots", "uvicorn.error", "", "\ud800"]),
        event_type=draw.choice([None, "", "api_response", "business_x", "odd\udfff"]),
        fields=mapping(draw),
        trace_id=draw.choice([0, 1, draw.getrandbits(128)]),
        span_id=draw.choice([0, 1, draw.getrandbits(64)]),
        trace_flags=draw.choice([0, 1, 2, 3]),
        request=draw.choice([None, request]),
        source=draw.choice([None, ("/app/x.py", 92, "f"), ("", 0, "")]),
        exception=_exception(draw),
        reason=draw.choice(["none", "ratio"]),
        weight=draw.choice([1.0, 10.0]),
        event_id=f"{draw.getrandbits(64):016x}",
    )
    made.identity = request.identity() if made.request else {}
    return made


def context(draw: random.Random) -> SpanContext:
    """A valid span context, of here or from afar, with a tracestate or none."""
    flags = TraceFlags(draw.choice([0, 1, 2, 3]))
    trace_id, span_id = draw.getrandbits(128) | 1, draw.getrandbits(64) | 1
    return SpanContext(trace_id, span_id, draw.random() < 0.5, flags, draw.choice(_STATES))


def _status(draw: random.Random) -> Status:
    failed = Status(StatusCode.ERROR, draw.choice([None, "", "E: no", "\ud800", "s" * 1000]))
    return draw.choice([Status(), Status(StatusCode.OK), failed])


def span(draw: random.Random) -> CleanSpan:
    """A redacted span, with events, links, a parent and a status, or without."""
    attributes, events, links = BoundedAttributes(), BoundedList(None), BoundedList(None)
    attributes.dropped, events.dropped, links.dropped = _dropped(draw), _dropped(draw), _dropped(draw)
    status = _status(draw)
    original = ReadableSpan(
        name="original",
        context=context(draw),
        parent=draw.choice([None, context(draw)]),
        attributes=attributes,
        events=events,
        links=links,
        kind=draw.choice(list(SpanKind)),
        status=status,
        start_time=draw.choice([None, _time(draw)]),
        end_time=draw.choice([None, _time(draw)]),
        instrumentation_scope=draw.choice(_SCOPES),
        resource=RESOURCES[0],
    )
    return CleanSpan(
        original,
        draw.choice(["GET /x", text(draw)]),
        status.description or "",
        mapping(draw),
        [_span_event(draw) for _ in range(draw.randrange(3))],
        [(context(draw), mapping(draw), _dropped(draw)) for _ in range(draw.randrange(3))],
    )


def _span_event(draw: random.Random) -> tuple[str, int, dict[str, object], int]:
    attributes = mapping(draw)
    if (error := _exception(draw)) is not None:
        attributes |= {"exception.type": error.type, "exception.stacktrace": "".join(error.traceback)}
    return draw.choice(["exception", text(draw)]), _time(draw), attributes, _dropped(draw)


def figures(draw: random.Random) -> Figures:
    """What an aggregate and a ledger hold after some measurements, with times as they never are too."""
    aggregate = Aggregate(Ledger())
    for _ in range(draw.randrange(4)):
        count(aggregate, draw.choice(_COUNTS), _labels(draw), draw.choice([0, 1, 7, 2**60]))
    for _ in range(draw.randrange(4)):
        name, labels = draw.choice(_DISTRIBUTIONS), _labels(draw)
        for duration in _durations(draw):
            record(aggregate, name, labels, duration)
    series = aggregate.collect()
    series.since_ns, series.until_ns = _time(draw), _time(draw)
    news = {
        (
            draw.choice(_LEDGER_KINDS),
            draw.choice(["logs", "traces"]),
            draw.choice(["", "limit", text(draw)]),
        ): n
        for n in draw.sample([1, 2, 300, 2**63 - 1], draw.randrange(4))
    }
    if not (series.counts or series.histograms):
        # With nothing to say nothing is sent.
        news = news or {("emitted", "logs", ""): 1}
    return Figures(series, news, _time(draw))


def _labels(draw: random.Random) -> Labels:
    some: list[Labels] = [
        (("endpoint", "/x/{id}"), ("method", "GET"), ("status_code", draw.choice([0, 200, 503]))),
        (("endpoint", text(draw)),),
        OVERFLOW,
        (),
    ]
    return draw.choice(some)


def _durations(draw: random.Random) -> list[float]:
    """Buckets of every scale: one value, many, far apart, none above zero, none that is a number."""
    spread = draw.choice([0.1, 1.5, 8.0, 60.0])
    usual: list[float] = [draw.lognormvariate(0, spread) for _ in range(draw.choice([0, 1, 5, 40]))]
    odd = draw.sample(_ODD_DURATIONS, draw.choice([0, 0, 1, 4]))
    return usual + odd + draw.choice([[], [float("nan")], [7]])
