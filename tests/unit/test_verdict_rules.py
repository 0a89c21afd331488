"""The verdict's rules: the ratio on the vectors that the Collector passes too, reasons, and the sampler."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState, set_span_in_context

from tradewise_otel.context import WAITING_BYTES, WAITING_RECORDS, Request
from tradewise_otel.pipeline import sampling
from tradewise_otel.record.build import Event
from tradewise_otel.record.verdict import KEPT_A_SECOND, Verdicts, judge, keeps_by_ratio, threshold

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "sampling.json").read_text())
OFF = {"OTEL_TRACES_SAMPLER": "always_off"}


def test_the_ratio_is_the_one_of_the_shared_vectors() -> None:
    """keeps_by_ratio answers each shared vector as written there, so that both tiers agree."""
    wrong = [v for v in VECTORS if keeps_by_ratio(int(v["trace_id"], 16), v["rate"]) is not v["keep"]]
    assert (len(VECTORS) > 50, wrong) == (True, [])


def test_the_sampler_answers_the_shared_vectors_alike() -> None:
    """The SDK's sampler sets the flag of a root span as the ratio says, but for a rounding of 2^-56."""
    wrong = []
    for vector in VECTORS:
        if abs(int(vector["trace_id"][-14:], 16) - threshold(vector["rate"])) <= 1:
            continue
        sampler, exports_unsampled = sampling.build(vector["rate"], {})
        result = sampler.should_sample(Context(), int(vector["trace_id"], 16), "root")
        if result.decision.is_sampled() is not vector["keep"] or not result.decision.is_recording():
            wrong.append(vector)
        assert exports_unsampled
    assert wrong == []


@pytest.mark.parametrize(("rate", "environ"), [(0.0, {}), (1.0, {}), (0.5, OFF)])
def test_spans_keep_their_first_attributes(rate: float, environ: dict[str, str], monkeypatch: Any) -> None:
    """A span has the attributes that it was started with, whether it is sampled or not, under any sampler."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    sampler, _ = sampling.build(rate, environ)
    span: Any = TracerProvider(sampler=sampler).get_tracer("t").start_span("x", attributes={"url.full": "u"})
    assert span.attributes == {"url.full": "u"}


@pytest.mark.parametrize(("rate", "weight"), [(1.0, 1.0), (0.5, 2.0), (0.25, 4.0)])
def test_children_weigh_what_their_root_weighs(rate: float, weight: float) -> None:
    """A sampled child has its root's threshold, so that both stand for 1/rate requests."""
    tracer = TracerProvider(sampler=sampling.build(rate, {})[0]).get_tracer("t")
    for _ in range(60):
        root = tracer.start_span("root", Context())
        child = tracer.start_span("child", set_span_in_context(root, Context()))
        flags = {span.get_span_context().trace_flags.sampled for span in (root, child)}
        weights = {sampling.weight_of(span.get_span_context()) for span in (root, child)}
        assert (len(flags), weights) == (1, {weight} if flags == {True} else {1.0})


@pytest.mark.parametrize("state", ["th:8", "th:80000000000000", "rv:1;th:8"])
def test_a_remote_threshold_gives_the_weight(state: str) -> None:
    """The threshold in a caller's tracestate gives the weight; without one, or with nonsense, it is 1."""
    assert sampling.weight_of(_context(state)) == 2.0
    assert [
        sampling.weight_of(_context(bad)) for bad in ("", "th:", "th:zz", "th:-1", "th:fffffffffffffff")
    ] == [1.0] * 5


def _context(ot: str) -> SpanContext:
    state = TraceState([("ot", ot)]) if ot else TraceState()
    return SpanContext(1, 2, True, TraceFlags(1), state)


def test_other_vendors_tracestate_is_passed_on() -> None:
    """A caller's tracestate entries survive into our spans, for whoever is called next."""
    tracer = TracerProvider(sampler=sampling.build(1.0, {})[0]).get_tracer("t")
    parent = SpanContext(1, 2, True, TraceFlags(1), TraceState([("vendor", "x")]))
    span = tracer.start_span("x", set_span_in_context(NonRecordingSpan(parent), Context()))
    assert span.get_span_context().trace_state.get("vendor") == "x"


def _event(
    level: Any = "INFO", kind: str | None = None, request: Request | None = None, **more: Any
) -> Event:
    return Event(0, level, "", "t", event_type=kind, request=request, **more)


def _request(sampled: bool | None = False, **known: Any) -> Request:
    request = Request("rid")
    request.sampled, request.ratio_weight = sampled, 10.0 if sampled else 1.0
    for name, value in known.items():
        setattr(request, name, value)
    return request


def _judged(event: Event, rate: float = 0.0) -> tuple[str, float]:
    judge(event, rate)
    return event.reason, event.weight


@pytest.mark.parametrize(
    ("level", "kind", "reason", "keep"),
    [
        ("INFO", None, "none", None),
        ("WARNING", None, "severity", None),
        ("ERROR", None, "severity", "severity"),
        ("CRITICAL", None, "severity", "severity"),
        ("INFO", "api_request", "none", None),
        ("WARNING", "api_response", "severity", None),
        ("INFO", "database_operation", "none", None),
        ("ERROR", "database_operation", "severity", "event"),
        ("ERROR", "external_api_call", "severity", None),
        ("INFO", "security_login_failed", "event", "event"),
        ("WARNING", "security_of_our_own", "event", "event"),
        ("INFO", "business_of_our_own", "event", None),
        ("INFO", "audit_of_our_own", "event", None),
        ("INFO", "bot_connection_test_success", "none", None),
        ("ERROR", "bot_connection_test_failed", "event", "event"),
        ("INFO", "of_nobody", "none", None),
    ],
)
def test_a_record_speaks_for_itself_and_asks_for_its_request(
    level: str, kind: str | None, reason: str, keep: str | None
) -> None:
    """Severity and kind decide over a record that the ratio does not keep, and over what it asks of its
    request.
    """
    request = _request()
    assert _judged(_event(level, kind, request)) == (reason, 1.0)
    assert request.keep == keep


@pytest.mark.parametrize("whole", ["error", "slow", "severity", "event", "ratio", "none"])
def test_records_after_the_verdict_follow_it(whole: str) -> None:
    """A plain record after the verdict has its reason; a WARNING keeps its own unless the request's is
    stronger.
    """
    weight = 10.0 if whole == "ratio" else 1.0
    request = _request(reason=whole, weight=weight)
    assert _judged(_event(request=request)) == (whole, weight)
    own = whole if whole in ("error", "slow") else "severity"
    assert _judged(_event("WARNING", request=request)) == (own, 1.0)


def _verdict(request: Request, **found: bool) -> tuple[str | None, float]:
    Verdicts(lambda: None).decide(request, **found)
    return request.reason, request.weight


def test_a_request_follows_its_strongest_reason() -> None:
    """Errors come before slowness, that before what records asked for, the ratio last, with its weight."""
    assert _verdict(_request(True, keep="event"), failed=True, slow=True) == ("error", 1.0)
    assert _verdict(_request(True, keep="event"), slow=True) == ("slow", 1.0)
    assert _verdict(_request(True, keep="event")) == ("event", 1.0)
    assert _verdict(_request(True)) == ("ratio", 10.0)
    assert _verdict(_request(False)) == ("none", 1.0)


def test_the_first_verdict_stays() -> None:
    """A request that was judged early, such as a stream, is not judged again at its end."""
    request = _request(False)
    assert _verdict(request) == ("none", 1.0)
    assert _verdict(request, failed=True) == ("none", 1.0)


def test_so_many_a_second_are_kept_beside_the_ratio() -> None:
    """Beyond 50 a second the ratio alone decides, counted; those that it keeps anyway use up nothing."""
    now, left = [100.2], []
    verdicts = Verdicts(lambda: left.append(1), clock=lambda: now[0])

    def reasons(sampled: bool, count: int) -> list[str | None]:
        requests = [_request(sampled) for _ in range(count)]
        for request in requests:
            verdicts.decide(request, failed=True)
        return [request.reason for request in requests]

    assert reasons(True, 500) == ["error"] * 500
    assert reasons(False, 60) == ["error"] * KEPT_A_SECOND + ["none"] * 10
    assert len(left) == 10
    now[0] += 1
    assert reasons(False, 1) == ["error"]


def test_what_waits_goes_once_with_the_verdict() -> None:
    """Records wait for the verdict of an open request in order, and go at once after it."""
    request, gone = _request(span=object()), []
    for number in range(3):
        request.until_verdict(lambda reason, weight, n=number: gone.append((n, reason, weight)), 10)
    assert gone == []
    request.decide("error", 1.0)
    request.until_verdict(lambda reason, weight: gone.append((3, reason, weight)), 10)
    assert gone == [(number, "error", 1.0) for number in range(4)]


@pytest.mark.parametrize(("records", "size"), [(WAITING_RECORDS + 1, 1), (3, WAITING_BYTES // 2)])
def test_past_the_bounds_a_request_is_slow(records: int, size: int) -> None:
    """Too many records, or too many bytes, and nothing waits any more: the request is kept as slow."""
    request, gone = _request(span=object()), []
    for _ in range(records):
        request.until_verdict(lambda reason, _weight: gone.append(reason), size)
    assert gone == ["slow"] * records
    assert not request.is_open


def test_nothing_waits_beyond_the_end() -> None:
    """If nobody has judged when the root span has ended, the ratio does, so that nothing waits for ever."""
    request, gone = _request(True, span=object()), []
    request.until_verdict(lambda reason, weight: gone.append((reason, weight)), 10)
    request.end()
    assert gone == [("ratio", 10.0)]


def test_an_open_request_keeps_plain_records_waiting() -> None:
    """While there is no verdict, what speaks for itself is decided, and what does not waits."""
    request = _request(True, span=object())
    assert judge(_event("WARNING", request=request), 0.1)
    assert judge(_event("INFO", "business_order", request), 0.1)
    assert not judge(_event("INFO", "database_operation", request), 0.1)
    request.decide("ratio", 10.0)
    assert judge(_event("INFO", "database_operation", request), 0.1)


def test_records_without_a_verdict_are_judged_alone() -> None:
    """Outside of requests, and for stragglers, the trace id decides, else the event id; the weight is
    1/rate.
    """
    low, high = int("0" * 32, 16) + 1, int("f" * 32, 16)
    for request in (None, _request(None)):
        assert _judged(_event(request=request, trace_id=low), 0.1) == ("none", 1.0)
        assert _judged(_event(request=request, trace_id=high), 0.1) == ("ratio", 10.0)
        assert _judged(_event(request=request, event_id="f" * 16), 0.1) == ("ratio", 10.0)
        assert _judged(_event(request=request, event_id="0" * 16), 0.1) == ("none", 1.0)
        assert _judged(_event(request=request, trace_id=high), 0.0) == ("none", 1.0)
