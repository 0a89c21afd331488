"""At the edge to Datadog log attributes get names that it gives no meaning of its own; by table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from harness.holds import holds
from harness.sink import Sink, attributes, value
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from otlp_wire import OURS, TRACE_ID, log, post

from tradewise_otel.catalogue.common import DATADOG_IDS, DATADOG_RESERVED
from tradewise_otel.tools.collector.process import CollectorProcess

ADDED = {"sampling.reason", "sampling.weight", "retention_class"}
"""What every record is given on its way."""


@dataclass(frozen=True)
class Row:
    """One log record: its attributes as sent, and as they arrive at Datadog's intake."""

    id: str
    sent: dict[str, Any]
    arrives: dict[str, Any]
    fields: dict[str, Any] = field(default_factory=dict)


def _spellings(name: str) -> list[str]:
    # As in the catalogue, and as loggers of other languages write it.
    return list(dict.fromkeys((name, name.upper(), name.title())))


def _reserved() -> Iterator[Row]:
    """Each reserved name; `error` is only read by its exact name, and has rows of its own."""
    for name in sorted(DATADOG_RESERVED - {"error"}):
        for spelling in _spellings(name):
            also = {"peer.service": "x"} if spelling == "service" else {}
            yield Row(f"reserved {spelling}", {spelling: "x"}, {f"event.{spelling}": "x", **also})


def _ids() -> Iterator[Row]:
    """Each name from which Datadog would read the trace, of a record inside of one and of one outside."""
    for name in sorted(DATADOG_IDS):
        for spelling in _spellings(name):
            yield Row(f"traced {spelling}", {spelling: "12", "a": 1}, {"a": 1}, {"traceId": TRACE_ID})
            yield Row(f"untraced {spelling}", {spelling: "12"}, {spelling: "12"})


OWN_TARGETS = [
    Row("status", {"status": "up"}, {"event.status": "up"}),
    Row(
        "status of a bot",
        {"event_type": "bot_health_check", "status": "healthy"},
        {"event_type": "bot_health_check", "event.status": "healthy", "bot.status": "healthy"},
    ),
    Row(
        "status of a test",
        {"event_type": "bot_connection_test_success", "status": "success"},
        {"event_type": "bot_connection_test_success", "event.status": "success"},
    ),
    Row(
        "service of a call",
        {"event_type": "external_api_call", "service": "trading_bot"},
        {"event_type": "external_api_call", "peer.service": "trading_bot", "event.service": "trading_bot"},
    ),
    Row("error text", {"error": "refused"}, {"event.error": "refused"}),
    Row("error map", {"error": {"kind": "E", "stack": "s"}}, {"error": {"kind": "E", "stack": "s"}}),
    Row("a list", {"tags": ["a", "b"]}, {"event.tags": ["a", "b"]}),
    Row("a map", {"source": {"file": "a.py", "line": 7}}, {"event.source": {"file": "a.py", "line": 7}}),
    Row("number and bool", {"level": 3, "version": True}, {"event.level": 3, "event.version": True}),
    Row("parts of names", *[{"status_text": "a", "my.status": "b", "hosts": "c", "levels": "d"}] * 2),
]
COPIES = {
    "client_ip": ("network.client.ip", "192.0.2.7"),
    "ip_address": ("network.client.ip", "192.0.2.7"),
    "user_agent": ("http.useragent", "curl/8"),
    "method": ("http.method", "GET"),
    "status_code": ("http.status_code", 503),
    "exception.type": ("error.kind", "ValueError"),
    "exception.message": ("error.message", "no"),
    "exception.stacktrace": ("error.stack", "Traceback"),
}
"""Documented name to Datadog's standard attribute beside it."""
COPIED = [
    *(Row(f"copy {name}", {name: x}, {name: x, to: x}) for name, (to, x) in COPIES.items()),
    *(Row(f"no copy {name}", *[{name: x, to: "own"}] * 2) for name, (to, x) in COPIES.items()),
]
DURATIONS = [
    *(
        Row(f"{name} {ms}", {name: ms}, {name: ms, "duration": ns})
        for name in ("duration_ms", "response_time_ms")
        for ms, ns in (
            (12.5, 12_500_000),
            (12, 12_000_000),
            (0.0015, 1_500),
            (0.0, 0),
            (1250.5, 1_250_500_000),
        )
    ),
    Row("text in its place", {"duration": "2h"}, {"event.duration": "2h"}),
    Row(
        "text and number",
        {"duration": "2h", "duration_ms": 1},
        {"event.duration": "2h", "duration_ms": 1, "duration": 1_000_000},
    ),
]
ROWS = [*_reserved(), *_ids(), *OWN_TARGETS, *COPIED, *DURATIONS]


@pytest.fixture(scope="module")
def arrived(gateway: CollectorProcess, intake: Sink) -> dict[str, dict[str, Any]]:
    """Every row, sent by our distro, as the intake has it: id to its attributes."""
    now = str(time.time_ns())
    sent = [log(row.id, attributes=row.sent, timeUnixNano=now, **row.fields) for row in ROWS]
    # A language would add to each what is no matter here.
    post(gateway.http, "logs", sent, OURS)
    intake.wait(lambda door: len(door.logs) >= len(ROWS))
    # Not door.logs: there a record's own ids would hide attributes of that name.
    requests = [ExportLogsServiceRequest.FromString(body) for body in intake.raw]
    records = [r for q in requests for g in q.resource_logs for s in g.scope_logs for r in s.log_records]
    return {value(record.body): attributes(record.attributes) for record in records}


@holds("2.M2")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_name_arrives_as_one_without_a_meaning(row: Row, arrived: dict[str, dict[str, Any]]) -> None:
    """Each attribute arrives once, whole and typed, under the name that the contract says, and no other."""
    assert {name: x for name, x in arrived[row.id].items() if name not in ADDED} == row.arrives


@holds("2.M2")
def test_nothing_arrives_under_a_reserved_name(arrived: dict[str, dict[str, Any]]) -> None:
    """Whatever the record, Datadog finds no attribute that it would take for its own, in any case."""
    # `duration` is ours then, in the unit that Datadog means; `error` is a map, which it reads by parts.
    reserved = {name.lower() for name in DATADOG_RESERVED - {"duration", "error"}}
    assert not [name for record in arrived.values() for name in record if name.lower() in reserved]
    assert {type(record["duration"]) for record in arrived.values() if "duration" in record} == {int}
    assert {type(record["error"]) for record in arrived.values() if "error" in record} == {dict}


@holds("2.M2")
def test_a_record_in_a_trace_has_its_ids_once(arrived: dict[str, dict[str, Any]]) -> None:
    """With a trace of its own, a record carries no second one for Datadog to choose from."""
    known = {name.lower() for name in DATADOG_IDS}
    traced = [arrived[row.id] for row in ROWS if "traceId" in row.fields]
    assert len(traced) >= 2 * len(DATADOG_IDS)
    assert not [name for record in traced for name in record if name.lower() in known]
