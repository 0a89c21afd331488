"""Our tracers and spans against the SDK's: one story told twice, and the same spans in the end."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Any

import pytest
from harness import told_spans
from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    TraceState,
)

from tradewise_otel.pipeline.spans import LightSpan, LightTracer, Tracers

ELSEWHERE = SpanContext(
    7 << 54, 9, True, TraceFlags(3), TraceState([("ot", "th:8;rv:f0000000000000"), ("x", "y")])
)


def both(story: Callable[[Any], object], **options: Any) -> tuple[list[Any], list[Any]]:
    """What a story leaves behind, by our tracer and by the SDK's."""
    seen = []
    for kind in (Tracers, sdk.TracerProvider):
        made, spans = told_spans.provider(kind, **options)
        story(made.get_tracer("scope", "1", attributes={"a": 1}))
        seen.append(told_spans.told(spans))
    ours, theirs = seen
    return ours, theirs


KEYS: list[Any] = ["", "a", "b", "ü", 1]
VALUES: list[Any] = [
    *("text", "", 7, -1, 2**70, 1.5, True, None, b"raw", StatusCode.OK),
    *([1, "two", None], ("a",), {"k": 1, "": 2}, [[1], {"n": []}]),
]
STORIES = 2000


def attributes(chance: random.Random) -> dict[Any, Any]:
    """A few attributes, some of which nobody should set."""
    return {chance.choice(KEYS): chance.choice(VALUES) for _ in range(chance.randrange(4))}


def step(chance: random.Random) -> tuple[str, tuple[Any, ...]]:
    """Something that is done to a span, and with what."""
    status = chance.choice([*StatusCode, trace.Status(StatusCode.ERROR, "why")])
    steps: dict[str, tuple[Any, ...]] = {
        "set_attribute": (chance.choice(KEYS), chance.choice(VALUES)),
        "set_attributes": (attributes(chance),),
        "add_event": ("event", attributes(chance)),
        "add_link": (ELSEWHERE, attributes(chance)),
        "record_exception": (ValueError("no"),),
        "set_status": (status,),
        "update_name": (f"name {chance.random()}",),
        "end": (),
    }
    return chance.choice(list(steps.items()))


def test_whatever_is_done_to_a_span_leaves_what_the_sdk_leaves() -> None:
    """Attributes of any kind, events, links, exceptions, statuses and names, before and after the end."""
    chance = random.Random(20261126)
    stories = [
        ({str(key): value for key, value in attributes(chance).items()}, [step(chance) for _ in range(8)])
        for _ in range(STORIES)
    ]

    def story(tracer: trace.Tracer) -> None:
        for first, steps in stories:
            span: Any = tracer.start_span("begin", kind=SpanKind.CLIENT, attributes=first)
            for name, words in steps:
                getattr(span, name)(*words)
            span.end()

    ours, theirs = both(story)
    assert len(ours) == STORIES
    assert ours == theirs


def test_more_attributes_than_there_is_room_for_drop_the_oldest() -> None:
    """The limit of the standard variable holds, and what is dropped is counted, as by the SDK."""

    def story(tracer: trace.Tracer) -> None:
        span = tracer.start_span("s", attributes={str(n): n for n in range(3)})
        span.set_attributes({"x": 1, "y": 2})
        span.set_attribute("z", 3)
        span.end()

    ours, theirs = both(story, span_limits=sdk.SpanLimits(max_span_attributes=4))
    assert ours == theirs
    assert ours[0]["dropped"][0] == 2


@pytest.mark.parametrize("room", [0, 1])
def test_events_and_links_without_room_are_counted(room: int) -> None:
    """The limits on events and links hold, none at all included."""

    def story(tracer: trace.Tracer) -> None:
        span = tracer.start_span("s")
        for _ in range(3):
            span.add_event("e")
            span.add_link(ELSEWHERE)
        span.end()

    ours, theirs = both(story, span_limits=sdk.SpanLimits(max_events=room, max_links=room))
    assert ours == theirs
    assert ours[0]["dropped"] == (0, 3 - room, 3 - room)


@pytest.mark.parametrize("rate", [0.0, 0.5, 1.0])
def test_roots_children_and_callers_spans_are_sampled_as_by_the_sdk(rate: float) -> None:
    """Ids, flags, tracestate and parents are the SDK's, under roots of ours and under callers elsewhere."""

    def story(tracer: trace.Tracer) -> None:
        for around in (Context(), trace.set_span_in_context(NonRecordingSpan(ELSEWHERE), Context())):
            for _ in range(4):
                parent = tracer.start_span("parent", around)
                tracer.start_span("child", trace.set_span_in_context(parent), attributes={"a": 1}).end()
                parent.end()
        tracer.start_span("none", trace.set_span_in_context(trace.INVALID_SPAN, Context())).end()

    ours, theirs = both(story, rate=rate)
    assert ours == theirs


@pytest.mark.parametrize(
    "options", [{}, {"record_exception": False}, {"set_status_on_exception": False}, {"end_on_exit": False}]
)
@pytest.mark.parametrize("error", [None, ValueError("no"), asyncio.CancelledError()])
def test_a_current_span_ends_as_the_sdks_does(options: dict[str, Any], error: BaseException | None) -> None:
    """Exceptions are noted by the same rules, the context is left, and the span inside is the current one."""

    def story(tracer: Any) -> None:
        before = get_current()
        with (
            contextlib.suppress(ValueError, asyncio.CancelledError),
            tracer.start_as_current_span("s", **options) as span,
        ):
            assert trace.get_current_span() is span
            tracer.start_span("child").end()
            if error is not None:
                raise error
        assert get_current() == before
        span.end()

    ours, theirs = both(story)
    assert ours == theirs


def test_a_current_span_decorates_plain_and_async_functions() -> None:
    """Each call has a span of its own, and a coroutine function stays one."""

    def story(tracer: Any) -> None:
        @tracer.start_as_current_span("plain")
        def plain() -> int:
            return 1

        @tracer.start_as_current_span("async")
        async def waits() -> int:
            return 2

        assert plain() + plain() == 2
        assert asyncio.run(waits()) == 2

    ours, theirs = both(story)
    assert ours == theirs
    assert len(ours) == 3


def test_a_span_ends_itself_at_the_end_of_a_block() -> None:
    """`with tracer.start_span()` notes what was raised, or not, as its start was told."""

    def story(tracer: trace.Tracer) -> None:
        for records in (True, False):
            with (
                contextlib.suppress(ValueError),
                tracer.start_span("s", record_exception=records, set_status_on_exception=records),
            ):
                raise ValueError("no")

    ours, theirs = both(story)
    assert ours == theirs


@pytest.mark.parametrize(
    "options",
    [
        {"sampler": ALWAYS_ON},
        {"sampler": ALWAYS_OFF},
        {"span_limits": sdk.SpanLimits(max_span_attribute_length=2)},
        {"span_limits": sdk.SpanLimits(max_span_attributes=0)},
    ],
)
def test_what_is_unusual_is_left_to_the_sdk(options: dict[str, Any]) -> None:
    """Another sampler, a limit on lengths, no attributes at all, and links at the start."""

    def story(tracer: trace.Tracer) -> None:
        span = tracer.start_span("s", attributes={"long": "text"}, links=[Link(ELSEWHERE)])
        assert not isinstance(span, LightSpan)
        span.end()
        tracer.start_span("t", attributes={"long": "text"}).end()

    ours, theirs = both(story, **options)
    assert ours == theirs


def test_usual_tracers_are_light() -> None:
    """The provider hands out our tracer, the same one for the same scope."""
    made, _ = told_spans.provider(Tracers)
    tracer = made.get_tracer("scope")
    assert isinstance(tracer, LightTracer)
    assert made.get_tracer("scope") is tracer
    assert isinstance(tracer.start_span("s"), LightSpan)
