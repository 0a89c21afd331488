"""Several processes and one store: sequences, users and alarms as if there were one process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from harness.holds import holds
from state.state_worker import CALLS, STEPS, USERS

from tradewise_otel.state.opening import open_store
from tradewise_otel.state.store import DAY_NS, Day

pytestmark = holds("4.M1")

WORKERS = 4
WORKER = Path(__file__).parent / "state_worker.py"


@pytest.fixture
def service() -> str:
    """A service of its own."""
    return f"shop-{uuid.uuid4().hex[:6]}"


def run(folder: Path, url: str, service: str, job: str) -> list[dict[str, Any]]:
    """What all workers printed; into files, since a full pipe would hold one up."""
    words = [sys.executable, str(WORKER), url, service, job]
    running = []
    for number in range(WORKERS):
        with (folder / f"{number}.jsonl").open("wb") as file:
            running.append(subprocess.Popen([*words, str(number), str(WORKERS)], stdout=file))
    assert [process.wait(60) for process in running] == [0] * WORKERS
    printed = [(folder / f"{number}.jsonl").read_text() for number in range(WORKERS)]
    return [json.loads(line) for text in printed for line in text.splitlines()]


def test_steps_of_many_workers_are_numbered_in_the_order_of_time(
    tmp_path: Path, url: str, service: str
) -> None:
    """10,000 steps of 500 sessions by 4 processes: each session has 1..n in the order of time, and each
    names the one before. The order may break where the machine holds a worker up: three tries.
    """
    assert any(are_in_order(run(tmp_path, url, f"{service}-{attempt}", "steps")) for attempt in range(3))


def are_in_order(found: list[dict[str, Any]]) -> bool:
    """Whether all sessions are in the order of time; whatever else must be so in any case is asserted."""
    assert len(found) == STEPS
    ordered = True
    by_session: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in found:
        by_session[line["ticket"][0]].append(line)
    for lines in by_session.values():
        lines.sort(key=lambda line: line["step_sequence"])
        assert [line["step_sequence"] for line in lines] == list(range(1, len(lines) + 1))
        times = [line["ticket"][1] for line in lines]
        ordered = ordered and times == sorted(times)
        assert "previous_step" not in lines[0]
        for before, after, line in zip(times, times[1:], lines[1:], strict=False):
            if before <= after:
                assert line["duration_since_last_step_ms"] == pytest.approx((after - before) / 1e6, abs=0.01)
            assert line["previous_step"].startswith("step")
    return ordered


def test_users_of_many_workers_are_counted_once(tmp_path: Path, url: str, service: str) -> None:
    """1,000 users who call every worker are 1,000 active users, all of them new."""
    day = time.time_ns() // DAY_NS
    assert run(tmp_path, url, service, "users") == []
    store = open_store(url, service, "asker")
    # The one second of the year in which the day changes meanwhile counts them on two.
    figures = [store.apply([Day(d)])[0] for d in (day, day + 1)]
    assert max(f.users for f in figures) == USERS
    assert sum(f.new_users for f in figures) == USERS


def test_calls_spread_over_workers_raise_one_alarm(tmp_path: Path, url: str, service: str) -> None:
    """150 calls of a user over 4 processes raise one alarm, and more no other; ten failed logins none."""
    (alarm,) = run(tmp_path, url, service, "calls")
    assert (alarm["activity_type"], alarm["call_count"]) == ("rapid_api_calls", CALLS)
    assert alarm["time_window_seconds"] == 60
