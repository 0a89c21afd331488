"""What was stated is what Datadog counts, to the unit, whatever the sampling and whoever stated it (4.M2)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway import Gateway, gateway
from harness.app import App
from harness.holds import holds
from harness.stub import stub

APPS = Path(__file__).parents[1] / "harness" / "apps"
REQUESTS = 400
LAST = "api.requests.count"


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """400 requests to four workers and all that came of them; the ratio keeps one in a hundred."""
    folder = tmp_path_factory.mktemp("stated")
    shutil.copy(APPS / "stating.py", folder / "stating.py")
    with gateway(folder) as running, stub() as bot:
        environ = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": running.http,
            "TRADEWISE_SAMPLE_RATE": "0.01",
            "BOT_URL": f"http://127.0.0.1:{bot}",
            "TRADEWISE_BOT_HOSTS": "127.0.0.1",
            "DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'stated.db'}",
        }
        server = ("uvicorn", "{target}", "--port", "{port}", "--workers", "4")
        with App(folder, "stating:app", environ, server) as app:
            _ask(app.url)
        running.wait(lambda datadog: _total(running, LAST) >= REQUESTS)
        # Logs take a road of their own, which may be the longer one.
        running.wait(lambda datadog: len(_usage(running)) >= REQUESTS)
        yield running


def _ask(url: str) -> None:
    def ask(number: int) -> None:
        # A connection each, so that every worker gets some.
        httpx.get(f"{url}/stated/{number}", headers={"connection": "close"}, timeout=60).raise_for_status()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(REQUESTS)))


def _total(running: Gateway, metric: str, *tags: str) -> float:
    """Sum over the points of a metric that have all of some tags; of a distribution its values."""
    return sum(
        point.count if point.kind == "distribution" else point.value
        for point in running.datadog.metrics
        if point.name == metric and set(tags) <= set(point.tags)
    )


def _usage(running: Gateway) -> list[dict[str, Any]]:
    """The attributes of the records that state a figure."""
    kept = [log.attributes for log in running.datadog.logs]
    return [attributes for attributes in kept if attributes.get("event_type") == "metric_bot_usage"]


EXPECTED = [
    (LAST, ("endpoint:/stated/{number}", "status_class:2xx"), REQUESTS),
    ("api.requests.duration", (), REQUESTS),
    # A connection of `business_bot_connected` and one of the helper each.
    ("bot.connections.count", ("status:success",), REQUESTS + REQUESTS * 9 / 10),
    ("bot.connections.count", ("status:failure",), REQUESTS / 10),
    ("bot.connections.duration", (), 2 * REQUESTS),
    ("user.activity.count", ("action:business_order_filled",), REQUESTS),
    ("user.activity.count", ("action:business_bot_connected", "tenant_id:tenant-1"), 133),
    *(("user.activity.count", (f"action:step-{step}",), REQUESTS / 4) for step in range(4)),
    ("user.activity.count", ("action:api_call", "tenant_id:tenant-0"), 134),
    ("user.activity.count", (), 4 * REQUESTS),
    ("db.operations.duration", ("operation:SELECT",), REQUESTS),
    ("db.connection.errors", (), REQUESTS / 10),
    (
        "external.calls.duration",
        ("peer.service:trading_bot", "endpoint:/api/v1/bots/{id}"),
        REQUESTS,
    ),
    ("security.events.count", ("event_type:security_probe", "activity_type:scan"), REQUESTS / 10),
    ("security.events.count", ("event_type:security_login_failed",), REQUESTS / 10),
    ("security.events.count", (), REQUESTS / 5),
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
    told = _usage(counted)
    assert sorted(attributes["total_bots"] for attributes in told) == list(range(REQUESTS))


def test_most_requests_are_left_out(counted: Gateway) -> None:
    """The test would show nothing if all were kept: of the steps of most requests Datadog knows nothing."""
    kept = [log for log in counted.datadog.logs if log.attributes.get("event_type") == "user_journey_step"]
    assert REQUESTS / 10 <= len(kept) < REQUESTS / 5
