"""Which events feed which metrics: every row of the catalogue, odd values, and the bounds of labels."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from harness.holds import holds

from tradewise_otel.catalogue.events import EVENTS
from tradewise_otel.catalogue.metrics import MAX_LABEL_SETS, METRICS
from tradewise_otel.context import Request
from tradewise_otel.pipeline import feed as module
from tradewise_otel.pipeline.aggregate import OVERFLOW, Aggregate, Series
from tradewise_otel.pipeline.feed import Feed, templated
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.record.build import Event, automatic

EXAMPLES = json.loads(
    (Path(__file__).parents[1] / "catalogue" / "documented_examples.json").read_text(encoding="utf-8")
)
DOCUMENTED = {
    row["example"]["event_type"]: row["example"] for row in EXAMPLES if "event_type" in row["example"]
}
CALL = {"service": "trading_bot", "endpoint": "/api/v1/bots/7", "method": "GET", "duration_ms": 8.0}
API = {"method": "GET", "route": "/x/{id}", "status_code": 200, "response_time_ms": 3.0}


def event(event_type: str | None, fields: dict[str, Any], **identity: str) -> Event:
    """An event as the sink hands it over."""
    made = automatic(event_type, "INFO", "words", fields, None, None)
    made.identity = identity
    return made


def fed(*events: Event) -> Series:
    """What some events have added."""
    aggregate = Aggregate(Ledger())
    feed = Feed(aggregate)
    for item in events:
        feed(item)
    return aggregate.collect()


def labels(series: Series, metric: str) -> dict[str, Any]:
    """The labels of the one series of a metric."""
    ((only, _),) = [*series.counts.get(metric, {}).items(), *series.histograms.get(metric, {}).items()]
    return dict(only)


@pytest.mark.parametrize("row", [row for row in EVENTS if row.name in DOCUMENTED], ids=lambda row: row.name)
def test_a_documented_event_feeds_what_the_catalogue_says(row: Any) -> None:
    """Each example of the document adds exactly one to each metric of its row, and to no other."""
    example = {**DOCUMENTED[row.name], "user_id": "user-123"}
    series = fed(event(row.name, {key: value for key, value in example.items() if key != "event_type"}))
    assert sorted([*series.counts, *series.histograms]) == sorted(row.metrics)
    assert all(sum(counts.values()) == 1 for counts in series.counts.values())
    assert all(h.count == 1 for found in series.histograms.values() for h in found.values())


@pytest.mark.parametrize("metric", [row for row in METRICS if row.fed_by], ids=lambda row: row.name)
def test_every_tag_of_a_metric_comes_from_somewhere(metric: Any) -> None:
    """Events with all of their fields give a metric every tag that the catalogue lists, and no other."""
    everything = {
        **API,
        **CALL,
        "api_url": "http://10.0.0.7:8080",
        "operation": "SELECT",
        "table": "bots",
        "database": "main",
        "activity_type": "brute_force",
        "tenant_id": "t",
        "total_duration_ms": 5.0,
        "step": "login",
        "connection_duration_ms": 5,
    }
    for pattern in metric.fed_by:
        series = fed(event(pattern.replace("*", "failed"), dict(everything)))
        assert labels(series, metric.name).keys() == set(metric.tags)


@pytest.mark.parametrize(
    ("event_type", "status", "duration"),
    [
        ("bot_connection_test_success", "success", {"total_duration_ms": 5}),
        ("bot_connection_test_failed", "failure", {"total_duration_ms": 5}),
        ("business_bot_connected", "success", {"connection_duration_ms": 5}),
    ],
)
def test_attempts_to_connect_are_counted_by_their_outcome(
    event_type: str, status: str, duration: dict[str, Any]
) -> None:
    """A test that failed is a failure; a test that did not, and a bot that was connected, a success."""
    series = fed(event(event_type, duration))
    assert series.counts["bot.connections.count"] == {(("status", status),): 1}
    assert series.histograms["bot.connections.duration"][(("status", status),)].sum == 5.0


@pytest.mark.parametrize(
    ("event_type", "fields", "identity", "expected"),
    [
        ("user_journey_step", {"step": "login"}, {"tenant_id": "t1"}, {"action": "login", "tenant_id": "t1"}),
        ("business_order_filled", {}, {}, {"action": "business_order_filled"}),
        ("business_bot_connected", {"tenant_id": "t2"}, {"tenant_id": "t1"}, {"tenant_id": "t2"}),
        ("api_response", API, {"user_id": "u"}, {"action": "api_call"}),
        ("api_response", {**API, "tenant_id": 7}, {}, {"action": "api_call", "tenant_id": "7"}),
    ],
)
def test_activity_has_an_action_and_a_tenant(
    event_type: str, fields: dict[str, Any], identity: dict[str, str], expected: dict[str, str]
) -> None:
    """The action is the step, the kind of business event or `api_call`; the tenant as the line has it."""
    found = labels(fed(event(event_type, fields, **identity)), "user.activity.count")
    assert expected.items() <= found.items()
    assert found.keys() <= {"action", "tenant_id"}


def test_a_call_of_nobody_is_no_activity() -> None:
    """An answer whose request has neither user nor tenant is counted as a request alone."""
    assert set(fed(event("api_response", API)).counts) == {"api.requests.count"}


def test_an_answer_that_the_app_tells_too_counts_once() -> None:
    """An `api_response` of the app's own is counted where no request of ours tells of it."""
    ours, theirs, outside = (event("api_response", API, user_id="u") for _ in range(3))
    ours.request = theirs.request = Request("r-1")
    ours.request.span = object()
    theirs.logger_name = outside.logger_name = "app.middleware"
    assert sum(fed(ours, theirs).counts["api.requests.count"].values()) == 1
    assert sum(fed(theirs).counts.get("user.activity.count", {}).values()) == 0
    assert sum(fed(outside).counts["api.requests.count"].values()) == 1


def test_a_websocket_has_no_duration() -> None:
    """What is marked as untimed is counted, and no distribution has it."""
    socket = event("api_response", API)
    socket.untimed = True
    series = fed(socket)
    assert (set(series.counts), series.histograms) == ({"api.requests.count"}, {})


def test_calls_are_told_apart_by_what_they_call() -> None:
    """Ids in the path are one endpoint; a call without an answer is of the class `error`."""
    url = {"api_url": "http://10.0.0.7:8080"}
    series = fed(
        event("external_api_call", {**CALL, **url}),
        event("external_api_call", {**CALL, "endpoint": "/api/v1/bots/8"}),
    )
    assert labels(series, "external.calls.duration") == {
        "service": "trading_bot",
        "endpoint": "/api/v1/bots/{id}",
        "status_class": "error",
    }
    assert templated("/a/b/c/d/e/f/g") == "/a/b/c/d/e/f"


@pytest.mark.parametrize("event_type", [None, "nothing_we_know", "bot_health_check", "audit_x", "x" * 4000])
def test_other_kinds_feed_nothing(event_type: str | None) -> None:
    """A plain line, an unknown kind and a kind without a metric leave no series."""
    series = fed(*[event(event_type, {**API, **CALL})] * 2)
    assert (series.counts, series.histograms) == ({}, {})


@pytest.mark.parametrize("value", ["soon", None, True, [1], float("nan"), float("inf"), 10**400])
def test_a_duration_that_is_none_is_not_measured(value: object) -> None:
    """A wrong duration leaves the distribution alone; the attempt is counted all the same."""
    series = fed(event("bot_connection_test_success", {"total_duration_ms": value}))
    assert series.counts["bot.connections.count"] == {(("status", "success"),): 1}
    assert not series.histograms


@pytest.mark.parametrize("value", [["a"], {"a": 1}, None, "", 1.5, object()])
def test_a_label_that_is_no_word_is_left_out(value: object) -> None:
    """What cannot be a label is absent, and its event is counted."""
    series = fed(event("security_x", {"activity_type": value}))
    assert labels(series, "security.events.count") == {"event_type": "security_x"}


def test_a_status_in_quotes_makes_no_second_series() -> None:
    """A status that is a string would be one series with the number at Datadog, so it is no label."""
    series = fed(event("api_response", {**API, "status_code": "200"}))
    assert labels(series, "api.requests.count") == {"endpoint": "/x/{id}", "method": "GET"}


@holds("4.M4")
def test_a_hundred_thousand_label_values_are_bounded() -> None:
    """10^5 values of a label, and as many kinds: series and memory stay bounded, the overflow is counted."""
    ledger = Ledger()
    aggregate = Aggregate(ledger)
    feed = Feed(aggregate)
    tracemalloc.start()
    for number in range(100_000):
        feed(event("user_journey_step", {"step": f"step-{number}"}, tenant_id="t"))
        feed(event(f"security_{number}", {}))
    series = aggregate.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    for metric in ("user.activity.count", "security.events.count"):
        assert len(series.counts[metric]) == MAX_LABEL_SETS + 1
        assert sum(series.counts[metric].values()) == 100_000
        assert series.counts[metric][OVERFLOW] == 100_000 - MAX_LABEL_SETS
    assert ledger.count("dropped", "metrics", "label_limit") == 2 * (100_000 - MAX_LABEL_SETS)
    assert held < 4_000_000
    assert len(feed._recipes) <= module._REMEMBERED
