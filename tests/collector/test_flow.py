"""The whole road, OTLP in to files out, with the real binary."""

from __future__ import annotations

import json
import stat
import urllib.request
from typing import Any

from otlp_wire import OURS, SPAN_ID, START, TRACE_ID, Start, log, post, raw, records, span

from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses

VERDICT = {"sampling.reason": "slow", "sampling.weight": 1.0}


def test_a_record_of_ours_arrives_whole(collector: CollectorProcess) -> None:
    """A documented event of our distro is in the file as it was sent, with its retention class added."""
    fields = {
        "event_type": "api_response",
        "path": "/api/v1/bots",
        "status_code": 200,
        "response_time_ms": 12.5,
        "request_id": "req-789",
        "event_id": "c0ffee0123456789",
        "bot_info": {"state": "running", "trades_count": 15, "tags": ["a", "b"]},
        **VERDICT,
    }
    own = {"severityNumber": 9, "severityText": "INFO", "traceId": TRACE_ID, "spanId": SPAN_ID}
    post(
        collector.http,
        "logs",
        [log("GET /api/v1/bots 200", attributes=fields, eventName="api_response", **own)],
        {**OURS, "service.name": "tradewise-backend", "process.pid": 7},
    )
    (record,) = records(collector.data, "logs", 1)
    assert record == {
        "timeUnixNano": str(START),
        "body": {"stringValue": "GET /api/v1/bots 200"},
        "attributes": {**fields, "retention_class": "api_logs"},
        "eventName": "api_response",
        "resource": {**OURS, "service.name": "tradewise-backend", "process.pid": 7},
        "scope": {"name": "a.scope", "version": "1"},
        **own,
    }


def test_a_span_of_ours_arrives_whole(collector: CollectorProcess) -> None:
    """A span of our distro keeps every part: events, links, status, tracestate, attributes."""
    parts: dict[str, Any] = {
        "parentSpanId": "aaaaaaaaaaaaaaaa",
        "traceState": "ot=th:0",
        "flags": 257,
        "status": {"message": "ValueError", "code": 2},
        "events": [{"timeUnixNano": str(START), "name": "exception"}],
        "links": [{"traceId": TRACE_ID, "spanId": "bbbbbbbbbbbbbbbb"}],
    }
    fields = {"event_type": "api_response", "http.route": "/api/v1/bots", **VERDICT}
    sent = span(attributes=fields, **parts)
    post(collector.http, "traces", [sent], OURS)
    (record,) = records(collector.data, "traces", 1)
    resource, scope = record.pop("resource"), record.pop("scope")
    assert record == {**sent, "attributes": fields}
    assert (resource, scope) == (OURS, {"name": "a.scope", "version": "1"})


def test_a_metric_arrives_whole(collector: CollectorProcess) -> None:
    """A metric keeps its name, words, points and exemplars."""
    point = {
        "attributes": [{"key": "endpoint", "value": {"stringValue": "/api/v1/bots"}}],
        "timeUnixNano": str(START),
        "asInt": "3",
        "exemplars": [{"timeUnixNano": str(START), "asInt": "1", "traceId": TRACE_ID, "spanId": SPAN_ID}],
    }
    total = {"dataPoints": [point], "aggregationTemporality": 1, "isMonotonic": True}
    sent = {"name": "api.requests.count", "description": "Requests.", "unit": "1", "sum": total}
    post(collector.http, "metrics", [sent], OURS)
    (record,) = records(collector.data, "metrics", 1)
    assert {key: record[key] for key in sent} == sent


def test_each_request_is_one_line(collector: CollectorProcess) -> None:
    """Readers follow the files as they grow, so a request is one complete line of JSON at once."""
    for number in range(3):
        post(collector.http, "logs", [log(f"line {number}"), log("x")])
    assert len(records(collector.data, "logs", 6)) == 6
    lines = raw(collector.data, "logs").splitlines()
    assert [len(json.loads(line)["resourceLogs"]) for line in lines] == [1, 1, 1]


def test_nothing_is_lost_over_a_restart(start: Start) -> None:
    """A second Collector on the same folder goes on where the first stopped."""
    first = start()
    post(first.http, "logs", [log("before")])
    records(first.data, "logs", 1)
    assert first.stop() == 0
    second = start(TRADEWISE_DATA_DIR=str(first.data))
    post(second.http, "logs", [log("after")])
    assert [r["body"]["stringValue"] for r in records(second.data, "logs", 2)] == ["before", "after"]


def test_files_are_for_their_owner(collector: CollectorProcess) -> None:
    """The folder is closed to others: the files hold what users did."""
    assert stat.S_IMODE(collector.data.stat().st_mode) == 0o700


def test_two_collectors_share_a_machine(start: Start) -> None:
    """Nothing but its addresses is bound, so a second Collector needs no further setting."""
    for collector in (start(), start()):
        post(collector.http, "logs", [log()])
        records(collector.data, "logs", 1)


def test_own_metrics_on_request(start: Start) -> None:
    """The Collector counts what passed through it where somebody asks for that."""
    port = free_addresses()["TRADEWISE_HEALTH"].rpartition(":")[2]
    collector = start("prometheus", TRADEWISE_PROMETHEUS_PORT=port)
    post(collector.http, "logs", [log()])
    records(collector.data, "logs", 1)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert "otelcol_exporter_sent_log_records" in answer.read().decode()
