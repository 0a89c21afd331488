"""Routes have thresholds of their own: in an answer's fields, its level and its verdict (contract 10)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.traffic import Traffic, serving

THRESHOLDS = (
    "GET /api/v1/bots/{number}=20:40, GET /sub/bots/{number}=20:60000,"
    "GET /files/{number:path}=1:2,POST /usual/{number}=20:40"
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traffic]:
    """The app of slow routes, where the ratio keeps nothing."""
    env = {"TRADEWISE_ROUTE_THRESHOLDS": THRESHOLDS, "TRADEWISE_SAMPLE_RATE": "0", "TRADEWISE_P95_MS": "4000"}
    with serving(tmp_path_factory.mktemp("routes"), "routes", env) as traffic:
        yield traffic


def _judged(response: dict[str, Any]) -> tuple[Any, ...]:
    names = ("p95_threshold", "p99_threshold", "performance_status", "level")
    return tuple(response[name] for name in names)


@pytest.mark.parametrize(
    ("method", "path", "expected", "reason"),
    [
        ("GET", "/usual/1", (4000, 5000, "normal", "INFO"), "none"),
        ("POST", "/usual/1", (20, 40, "critical", "WARNING"), "slow"),
        ("GET", "/api/v1/bots/1", (20, 40, "critical", "WARNING"), "slow"),
        ("GET", "/sub/bots/1", (20, 60000, "slow", "INFO"), "slow"),
        ("GET", "/files/a/b", (1, 2, "critical", "WARNING"), "slow"),
        ("GET", "/nowhere", (4000, 5000, "normal", "INFO"), "none"),
    ],
)
def test_a_route_is_judged_by_its_own_thresholds(
    app: Traffic, method: str, path: str, expected: tuple[Any, ...], reason: str
) -> None:
    """Method and full route choose the thresholds; over its p95 a request is kept whole as `slow`."""
    request_id, _ = app.call(method, path)
    response = app.answered(request_id)
    assert _judged(response) == expected
    assert app.record(response["event_id"])["sampling.reason"] == reason
    assert app.span(request_id)["attributes"]["sampling.reason"] == reason


def test_a_list_that_is_wrong_is_reported_and_the_usual_ones_hold(tmp_path: Path) -> None:
    """One bad entry: the app starts, says which setting and how an entry looks, and judges as usual."""
    env = {"TRADEWISE_ROUTE_THRESHOLDS": "GET /usual/{number}=900:300"}
    with serving(tmp_path, "routes", env) as traffic:
        assert _judged(traffic.response("GET", "/usual/1"))[:2] == (2000, 5000)
        (line,) = [line for line in traffic.app.lines if line["message"].startswith("settings:")]
    assert "TRADEWISE_ROUTE_THRESHOLDS='GET /usual/{number}=900:300'" in line["message"]
    assert "`METHOD /route=p95:p99`" in line["message"]
