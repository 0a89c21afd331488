"""What Datadog has of a hundred requests over four workers, at a rate of 0.1: exact, correlated, right."""

from __future__ import annotations

import pytest
from harness.holds import holds
from hundred import FAILING, Hundred, requests_of_logs, requests_of_spans

SERVER = "http.server.request"


@holds("2.M1")
def test_the_statistics_are_exact(hundred: Hundred) -> None:
    """APM statistics count all 100 requests, statements and calls, and the 5 errors, whatever is kept."""
    rows = hundred.gateway.datadog.stats
    hits = {name: sum(row.hits for row in rows if row.name == name) for name in {row.name for row in rows}}
    assert hits == {SERVER: 100, "sqlite.query": 100, "http.client.request": 100}
    assert sum(row.errors for row in rows if row.name == SERVER) == 5
    assert sum(row.hits for row in rows if row.name == SERVER and row.http_status == 500) == 5
    assert {row.resource for row in rows if row.name == SERVER} == {"GET /orders/{number}"}


@holds("2.M1")
def test_every_kept_span_is_in_the_statistics(hundred: Hundred) -> None:
    """The (service, operation, resource) of every kept span is a row of the statistics."""
    datadog = hundred.gateway.datadog
    counted = {(row.service, row.name, row.resource) for row in datadog.stats}
    kept = {(span.service, span.name, span.resource) for span in datadog.spans}
    assert len(kept) == 3
    assert kept <= counted


@holds("2.M1")
def test_kept_logs_and_kept_spans_are_of_the_same_requests(hundred: Hundred) -> None:
    """A request is kept whole or not at all; the five that failed are, most of the others are not."""
    kept = requests_of_spans(hundred.gateway.datadog)
    assert requests_of_logs(hundred.gateway.datadog) == kept
    assert {hundred.ids[number] for number in FAILING} <= kept
    assert len(kept) < 60


@holds("2.M1")
def test_a_request_kept_by_ratio_is_whole(hundred: Hundred) -> None:
    """Of a request that the ratio keeps, all three spans are there and every line that was printed."""
    request_id = _kept_by_ratio(hundred)
    spans = [span for span in hundred.gateway.datadog.spans if span.meta["request_id"] == request_id]
    assert sorted(span.name for span in spans) == ["http.client.request", SERVER, "sqlite.query"]
    assert [span.metrics["sampling.weight"] for span in spans] == pytest.approx([10, 10, 10])
    _same_lines(hundred, request_id)


@holds("2.M1")
def test_metrics_count_every_request_over_the_workers(hundred: Hundred) -> None:
    """api.requests.count says 100, 5 of them 5xx, from several workers, each a series of its own."""
    points = [point for point in hundred.gateway.datadog.metrics if point.name == "api.requests.count"]
    assert sum(point.value for point in points) == 100
    assert sum(point.value for point in points if "status_class:5xx" in point.tags) == 5
    workers = {tag for point in points for tag in point.tags if tag.startswith("service.instance.id:")}
    assert len(workers) > 1
    assert len({(point.tags, point.timestamp) for point in points}) == len(points)


def test_the_durations_are_distributions_of_every_request(hundred: Hundred) -> None:
    """api.requests.duration has 100 values; its twin in semantic conventions is not billed again."""
    points = [point for point in hundred.gateway.datadog.metrics if point.name == "api.requests.duration"]
    assert sum(point.count for point in points) == 100
    assert {point.kind for point in points} == {"distribution"}
    names = {point.name for point in hundred.gateway.datadog.metrics}
    assert not {name for name in names if name.startswith(("http.", "db.client"))}


@holds("2.M1")
def test_a_failed_request_is_one_story(hundred: Hundred) -> None:
    """Log, span, statistics and metric of one failed request agree in ids, names, status and time."""
    datadog, request_id = hundred.gateway.datadog, hundred.ids[20]
    (log,) = [
        log
        for log in datadog.logs
        if log.attributes.get("request_id") == request_id
        and log.attributes.get("event_type") == "api_response"
    ]
    (span,) = [s for s in datadog.spans if s.meta["request_id"] == request_id and s.name == SERVER]
    assert (log.service, log.env, log.version, log.status) == ("trading", "production", "1.2.3", "error")
    assert (span.service, span.env, span.meta["version"]) == ("trading", "production", "1.2.3")
    assert (log.trace_id, int(log.span_id, 16)) == (span.trace_id_hex, span.span_id)
    assert (span.error, span.resource, span.type) == (1, "GET /orders/{number}", "web")
    assert (span.metrics["http.status_code"], log.attributes["status_code"]) == (500, 500)
    assert (log.attributes["user_id"], span.meta["user_id"]) == ("user-20", "user-20")
    assert abs(log.timestamp_ms - (span.start_ns + span.duration_ns) / 1e6) < 1000
    assert abs(log.attributes["duration"] - span.duration_ns) < 50e6
    assert log.attributes["sampling.reason"] == span.meta["sampling.reason"] == "error"
    (row,) = {
        (r.service, r.env, r.version) for r in datadog.stats if r.http_status == 500 and r.name == SERVER
    }
    assert row == ("trading", "production", "1.2.3")


def test_no_value_of_a_statement_leaves(hundred: Hundred) -> None:
    """The literal of a statement is in no byte that Datadog got."""
    requests = list(hundred.gateway.standin.recording.requests())
    assert len(requests) > 5
    assert not [request for request in requests if b"'secret'" in request.body()]


def _kept_by_ratio(hundred: Hundred) -> str:
    spans = hundred.gateway.datadog.spans
    return next(
        s.meta["request_id"] for s in spans if s.meta["sampling.reason"] == "ratio" and s.name == SERVER
    )


def _same_lines(hundred: Hundred, request_id: str) -> None:
    printed = {line["event_id"]: line for line in hundred.app.lines if line.get("request_id") == request_id}
    logs = [log for log in hundred.gateway.datadog.logs if log.attributes.get("request_id") == request_id]
    arrived = {log.attributes["event_id"]: log for log in logs}
    assert len(arrived) == len(logs)
    assert arrived.keys() == printed.keys()
    for event_id, line in printed.items():
        log = arrived[event_id]
        assert (log.attributes.get("event_type"), log.message) == (line.get("event_type"), line["message"])
        assert log.status_text == line["level"]
    assert {"api_request", "database_operation", "external_api_call", "api_response"} <= {
        line.get("event_type") for line in printed.values()
    }
