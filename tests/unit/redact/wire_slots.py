"""Every slot of an event and of a span that a text can stand in, and all the bytes that leave of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event as SpanEvent
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from redact_cases import redactor

from tradewise_otel.context import Request
from tradewise_otel.out.encode import Encoder
from tradewise_otel.out.scrub import SpanScrubber
from tradewise_otel.out.sdk_objects import Scopes, readable_span
from tradewise_otel.out.sink import Sink
from tradewise_otel.out.stdout import Lines
from tradewise_otel.pipeline.aggregate import Aggregate
from tradewise_otel.pipeline.feed import Feed
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.pipeline.processors import SpanItem, attributes_of
from tradewise_otel.record.build import Event, ExceptionInfo, automatic

RESOURCE = Resource({"service.name": "tradewise-backend"})
ENCODER = Encoder(Scopes("1"))
CONTEXT = SpanContext(1, 2, False)


class Kept:
    """A writer that keeps its lines."""

    reason = "test"

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, line: bytes) -> None:
        self.lines.append(line)


def event(**changes: Any) -> Event:
    """A clean event, with some parts as they are given."""
    made = automatic("bot_ping", "INFO", "clean", {"n": 1}, None, None)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def asked_by(**identity: Any) -> Event:
    """An event of somebody's request, which has ended."""
    request = Request("req-1")
    request.learn(**identity)
    return event(request=request, level="ERROR")


def raised(kind: str = "ValueError", message: str = "no", last: str = "no") -> Event:
    """An event with an exception."""
    return event(exception=ExceptionInfo(kind, message, ["Traceback\n", f"ValueError: {last}\n"]))


class Order:
    """An object that shows what it holds."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Order({self.text})"


EVENT_SLOTS: dict[str, Callable[[str], Event]] = {
    "message": lambda text: event(message=text),
    "logger name": lambda text: event(logger_name=text),
    "event type": lambda text: event(event_type=text),
    "field key": lambda text: event(fields={text: 1}),
    "field value": lambda text: event(fields={"note": text}),
    "nested value": lambda text: event(fields={"a": {"b": [{"c": text}]}}),
    "nested key": lambda text: event(fields={"a": {text: 1}}),
    "list item": lambda text: event(fields={"a": ["x", text]}),
    "tuple item": lambda text: event(fields={"a": ("x", text)}),
    "bytes": lambda text: event(fields={"a": text.encode()}),
    "object": lambda text: event(fields={"a": Order(text)}),
    "beside a lone surrogate": lambda text: event(message="\ud800", fields={"note": "é" + text}),
    "before a lone surrogate": lambda text: event(fields={"note": text + "\ud800"}),
    "beside a huge integer": lambda text: event(fields={"n": 1 << 80, "note": "🚀" + text}),
    "exception message": lambda text: raised(message=text),
    "exception type": lambda text: raised(kind=text),
    "traceback": lambda text: raised(last=text),
    "user": lambda text: asked_by(user_id=text),
    "tenant": lambda text: asked_by(tenant_id=text),
    "session": lambda text: asked_by(session_id=text),
    "request id": lambda text: event(request=Request(text), level="ERROR"),
    "source file": lambda text: event(source=(text, 1, "f")),
    "source function": lambda text: event(source=("x.py", 1, text)),
}


def log_bytes(made: Event, console: bool = False) -> bytes:
    """All that leaves of an event: its line and its request."""
    writer, queued = Kept(), list[Event]()
    lines = Lines("tradewise-backend", "1", "test", console)
    sink = Sink(
        lines,
        [writer],
        redactor(),
        Ledger(),
        1.0,
        lambda value: "0123456789abcdef",
        queued.append,
        Feed(Aggregate(Ledger())),
    )
    sink.emit(made)
    if made.request is not None:
        made.request.decide("ratio", 1.0)
    assert len(writer.lines) == len(queued) == 1
    return writer.lines[0] + ENCODER.request(map(ENCODER.log, queued), RESOURCE)


def span(**changes: Any) -> ReadableSpan:
    """A clean ended span, with some parts as they are given."""
    parts: dict[str, Any] = {
        "name": "clean",
        "context": CONTEXT,
        "kind": SpanKind.CLIENT,
        "attributes": {"n": 1},
        "start_time": 1,
        "end_time": 2,
        "instrumentation_scope": InstrumentationScope("tests"),
        "status": Status(StatusCode.OK),
    }
    return ReadableSpan(**{**parts, **changes})


def item(of: ReadableSpan, **added: object) -> SpanItem:
    """A span on its way out."""
    return SpanItem(of, {**attributes_of(of), **added})


SPAN_SLOTS: dict[str, Callable[[str], SpanItem]] = {
    "name": lambda text: item(span(name=text)),
    "status": lambda text: item(span(status=Status(StatusCode.ERROR, text))),
    "attribute": lambda text: item(span(attributes={"note": text})),
    "attribute key": lambda text: item(span(attributes={text: 1})),
    "attribute list": lambda text: item(span(attributes={"a": ("x", text)})),
    "added attribute": lambda text: item(span(), note={"deep": [text]}),
    "statement": lambda text: item(span(attributes={"db.query.text": f"SELECT 1 -- {text}"})),
    "beside a lone surrogate": lambda text: item(span(attributes={"a": "\ud800", "b": "é" + text})),
    "event name": lambda text: item(span(events=[SpanEvent(text, {}, 1)])),
    "event attribute": lambda text: item(span(events=[SpanEvent("e", {"note": text}, 1)])),
    "link attribute": lambda text: item(span(links=[Link(CONTEXT, {"note": text})])),
}


def span_bytes(item: SpanItem) -> bytes:
    """All that leaves of a span, by our encoder and by upstream's."""
    clean = SpanScrubber(redactor(), Ledger()).clean(item)
    upstream = encode_spans([readable_span(clean, RESOURCE)])
    return ENCODER.request([ENCODER.span(clean)], RESOURCE) + upstream.SerializeToString()
