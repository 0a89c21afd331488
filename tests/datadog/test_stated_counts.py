"""What was stated is what Datadog counts, to the unit, whatever the sampling and whoever stated it (4.M2)."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway import Gateway, gateway
from harness.app import App
from harness.holds import holds
from harness.stub import stub
from harness.traffic import eventually

from tradewise_otel.assets import datadog_dir
from tradewise_otel.state.kpis import date_of
from tradewise_otel.state.store import DAY_NS
from tradewise_otel.tools.datadog import checking, folder, known, placeholders

APPS = Path(__file__).parents[1] / "harness" / "apps"
SERVER = ("uvicorn", "{target}", "--port", "{port}", "--workers", "4")
REQUESTS, ON_THE_FIRST_DAY = 400, 300
LAST = "api.requests.count"
BY_THE_STATE = "tradewise_otel"


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """400 requests to four workers on two days, and all that came of them; the ratio keeps 1 %."""
    folder = tmp_path_factory.mktemp("stated")
    shutil.copy(APPS / "stating.py", folder / "stating.py")
    with gateway(folder, TRADEWISE_SELF_EVERY_MS="1000") as running, stub() as bot:
        environ = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": running.http,
            "TRADEWISE_SAMPLE_RATE": "0.01",
            "BOT_URL": f"http://127.0.0.1:{bot}",
            "TRADEWISE_BOT_HOSTS": "127.0.0.1",
            "TRADEWISE_STATE_URL": f"sqlite://{folder / 'state.db'}",
            "DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'stated.db'}",
        }
        with App(folder, "stating:app", environ, SERVER) as app:
            _ask(app.url, range(ON_THE_FIRST_DAY))
        _let_a_day_pass(folder / "state.db")
        with App(folder, "stating:app", environ, SERVER) as app:
            _ask(app.url, range(ON_THE_FIRST_DAY, REQUESTS))
            # Not before a minute after midnight, and a worker looks every half minute.
            eventually(lambda: any(map(_is_of_the_state, app.events("metric_bot_usage"))), 120)
        running.wait(lambda datadog: _total(running, LAST) >= REQUESTS)
        # Logs take a road of their own, which may be the longer one.
        running.wait(lambda datadog: len(_records(running, "metric_bot_usage")) >= REQUESTS)
        _lose_one(running)
        yield running


def _lose_one(running: Gateway) -> None:
    """One record that Datadog calls wrong, and that the gateway gives up, so that something is dropped."""
    running.standin.script("/v1/logs", 400, times=1)
    record = {"severityNumber": 17, "body": {"stringValue": "wrong"}}
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    httpx.post(f"{running.http}/v1/logs", json=logs, timeout=30).raise_for_status()


def _ask(url: str, numbers: Sequence[int]) -> None:
    def ask(number: int) -> None:
        # A connection each, so that every worker gets some.
        httpx.get(f"{url}/stated/{number}", headers={"connection": "close"}, timeout=60).raise_for_status()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, numbers))


def _let_a_day_pass(state: Path) -> None:
    """What the state knows is of yesterday, and nobody has told it yet."""
    with sqlite3.connect(state) as connection:
        for table in ("daily_user", "daily_bot", "known_user", "bot_health"):
            connection.execute(f"UPDATE OR IGNORE {table} SET day = ?", (time.time_ns() // DAY_NS - 1,))
        connection.execute("DELETE FROM lease")
    connection.close()


def _is_of_the_state(line: dict[str, Any]) -> bool:
    return bool(line["logger_name"] == BY_THE_STATE)


def _total(running: Gateway, metric: str, *tags: str) -> float:
    """Sum over the points of a metric that have all of some tags; of a distribution its values."""
    return sum(
        point.count if point.kind == "distribution" else point.value
        for point in running.datadog.metrics
        if point.name == metric and set(tags) <= set(point.tags)
    )


def _records(running: Gateway, event_type: str, by_the_state: bool = False) -> list[dict[str, Any]]:
    """The attributes of the logs of a type that the app has stated, or the state."""
    return [
        log.attributes
        for log in running.datadog.logs
        if log.attributes.get("event_type") == event_type
        and (log.attributes["logger.name"] == BY_THE_STATE) == by_the_state
    ]


EXPECTED = [
    (LAST, ("endpoint:/stated/{number}", "status_class:2xx"), REQUESTS),
    ("api.requests.duration", (), REQUESTS),
    # Two connections of `business_bot_connected` and one of the helper each.
    ("bot.connections.count", ("status:success",), 2 * REQUESTS + REQUESTS * 9 / 10),
    ("bot.connections.count", ("status:failure",), REQUESTS / 10),
    ("bot.connections.duration", (), 3 * REQUESTS),
    ("user.activity.count", ("action:business_order_filled",), REQUESTS),
    ("user.activity.count", ("action:business_note_written",), REQUESTS),
    ("user.activity.count", ("action:business_bot_connected", "tenant_id:tenant-1"), 2 * 133),
    *(("user.activity.count", (f"action:step-{step}",), REQUESTS / 4) for step in range(4)),
    *(("user.activity.count", (f"action:typed-{step}",), REQUESTS / 4) for step in range(4)),
    ("user.activity.count", ("action:api_call", "tenant_id:tenant-0"), 134),
    ("user.activity.count", (), 7 * REQUESTS),
    ("db.operations.duration", ("operation:SELECT",), REQUESTS),
    ("db.connection.errors", (), REQUESTS / 10),
    (
        "external.calls.duration",
        ("peer.service:trading_bot", "endpoint:/api/v1/bots/{id}"),
        REQUESTS,
    ),
    ("external.calls.duration", ("peer.service:exchange", "endpoint:/orders"), REQUESTS),
    ("security.events.count", ("event_type:security_probe", "activity_type:scan"), REQUESTS / 10),
    ("security.events.count", ("event_type:security_login_failed",), REQUESTS / 10),
    # One alarm for the account and one for the address, though the workers began anew within the window.
    ("security.events.count", ("event_type:security_suspicious_activity", "activity_type:brute_force"), 2),
    ("security.events.count", (), REQUESTS / 5 + 2),
]


@holds("4.M2")
@pytest.mark.parametrize(("metric", "tags", "expected"), EXPECTED, ids=lambda part: str(part))
def test_a_metric_is_what_was_stated(
    counted: Gateway, metric: str, tags: tuple[str, ...], expected: float
) -> None:
    """At a rate of 1 %, over four workers, each metric of the contract has every event, once."""
    assert _total(counted, metric, *tags) == expected


@holds("4.M2")
def test_the_workers_do_not_write_over_each_other(counted: Gateway) -> None:
    """Several workers have counted, and no two points are of one series and moment."""
    points = [point for point in counted.datadog.metrics if point.name == LAST]
    assert len({tag for point in points for tag in point.tags if tag.startswith("service.instance.id:")}) > 1
    assert len({(point.tags, point.timestamp) for point in points}) == len(points)


@holds("4.M2")
def test_figures_of_the_business_arrive_each_once(counted: Gateway) -> None:
    """Each `metric_*` record is there once with the figures that were stated, whatever the ratio says."""
    for event_type, field in (
        ("metric_bot_usage", "total_bots"),
        ("metric_daily_active_users", "active_users"),
    ):
        told = _records(counted, event_type)
        assert sorted(attributes[field] for attributes in told) == list(range(REQUESTS))


@holds("4.M2")
def test_a_day_that_is_over_is_told_once_and_exactly(counted: Gateway) -> None:
    """Of all workers of the next day one tells it: every user of the day before, and every bot, once."""
    (users,) = _records(counted, "metric_daily_active_users", by_the_state=True)
    figures = (users["active_users"], users["new_users"], users["returning_users"])
    assert figures == (ON_THE_FIRST_DAY, ON_THE_FIRST_DAY, 0)
    assert users["event.date"] in [date_of(time.time_ns() // DAY_NS - days) for days in (1, 2)]
    (bots,) = _records(counted, "metric_bot_usage", by_the_state=True)
    # `bot` is everybody's, and of the forty others each user has one.
    assert (bots["total_bots"], bots["active_bots"], bots["shared_bots"]) == (41, 41, 41)
    assert (bots["external_bots"], bots["avg_bots_per_user"]) == (0, 2)


@holds("4.M2")
def test_failures_of_a_bot_are_all_there_and_numbered(counted: Gateway) -> None:
    """Each check that found a bot unwell arrives, of requests that do not, with its number in the row."""
    failed = [log for log in _records(counted, "bot_health_check") if log["bot.status"] == "unhealthy"]
    assert Counter(log["bot_id"] for log in failed) == {f"bot-{number}": 10 for number in (5, 15, 25, 35)}
    assert Counter(log["consecutive_failures"] for log in failed) == dict.fromkeys(range(1, 11), 4)


@holds("4.M2")
def test_what_must_be_provable_is_all_there(counted: Gateway) -> None:
    """Each business event and each audit event is a record, once, whatever the ratio says."""
    for event_type, field in (("business_note_written", "number"), ("audit_note_read", "target")):
        assert Counter(int(log[field]) for log in _records(counted, event_type)) == dict.fromkeys(
            range(REQUESTS), 1
        )


def test_most_requests_are_left_out(counted: Gateway) -> None:
    """The test would show nothing if all were kept: of the steps of most requests Datadog knows nothing."""
    kept = _records(counted, "user_journey_step")
    assert 2 * REQUESTS / 10 <= len(kept) < 2 * REQUESTS / 5


@holds("6.M1")
def test_every_query_names_what_is_really_sent(counted: Gateway) -> None:
    """Each metric, tag and attribute in any monitor, tile, SLO, index, archive or filter has come."""
    resources = [one.filled(placeholders.settings({}), {}) for one in folder.read(datadog_dir())]
    counted.wait(lambda datadog: not checking.check(resources, known.from_recording(datadog)))
    assert len(resources) > 40


def test_the_exporting_thread_tells_what_it_costs(counted: Gateway) -> None:
    """Each worker tells its own processor time, more than nothing and less than the run has taken."""
    assert 0 < _total(counted, "tradewise.telemetry.cpu.time", "tier:app") < 60_000
