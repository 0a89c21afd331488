"""kill -9 of the app at random instants: what is lost by each road, and what never is (budgets, "Loss").

`TRADEWISE_KILLS` is how many instants a road is tried at; the seed of a failing one is in its test's name.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from harness.app import App
from harness.holds import holds
from harness.sink import Sink

KILLS = int(os.environ.get("TRADEWISE_KILLS", "2"))
# A record of the OTLP road waits half a second for others; a line of the stdout road for nothing.
STILL_UNDER_WAY = {"otlp": 1.5, "stdout": 0.3}
KINDS = {"api_request", "business_order", "api_response", "line"}
SOURCE = """
import asyncio, logging, os
from fastapi import FastAPI

log = logging.getLogger("app")
log.setLevel(logging.INFO)
app = FastAPI()
told = os.open("told.txt", os.O_CREAT | os.O_APPEND | os.O_WRONLY)

@app.get("/job/{number}")
async def job(number: int) -> int:
    log.info("line", extra={"number": number})
    await asyncio.sleep(0.01)
    log.info("order", extra={"event_type": "business_order", "number": number})
    log.warning("careful", extra={"number": number})
    os.write(told, b"%d\\n" % number)
    await asyncio.sleep(0.01)
    return number
"""


@dataclass
class Killed:
    """What a killed app left: when each request was answered, and the kinds of records by request."""

    at: float = 0.0
    answered: dict[int, float] = field(default_factory=dict)
    told: set[int] = field(default_factory=set)
    lines: list[dict[str, Any]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)


def _kill(folder: Path, road: str, seed: int) -> Killed:
    (folder / "app.py").write_text(SOURCE, encoding="utf-8")
    left = Killed()
    with Sink() as sink:
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "TRADEWISE_LOGS_ROAD": road}
        with App(folder, env=environ) as app:
            threads = [threading.Thread(target=_ask, args=(app.url, left, n)) for n in range(4)]
            for thread in threads:
                thread.start()
            time.sleep(random.Random(seed).uniform(2.0, 4.0))
            left.at = time.monotonic()
            app.signal(signal.SIGKILL)
            app.process.wait()
            for thread in threads:
                thread.join()
        left.records = sink.logs
    left.told = {int(number) for number in (folder / "told.txt").read_text().split()}
    whole = app.stdout[: app.stdout.rfind("\n") + 1]
    (folder / "stdout.txt").write_text(whole)
    left.lines = app.lines
    return left


def _ask(url: str, left: Killed, first: int) -> None:
    number = first
    try:
        with httpx.Client() as client:
            while True:
                client.get(f"{url}/job/{number}", headers={"x-request-id": str(number)})
                left.answered[number] = time.monotonic()
                number += 4
    except httpx.HTTPError:
        return


def _kinds(records: list[dict[str, Any]]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for record in records:
        if str(record.get("request_id", "")).isdigit():
            text = record.get("message", record.get("body"))
            found[int(record["request_id"])].add(record.get("event_type") or str(text))
    return found


@holds("3.M3")
@pytest.mark.parametrize("seed", range(KILLS))
@pytest.mark.parametrize("road", ["otlp", "stdout"])
def test_a_kill_loses_what_was_in_flight_and_no_more(tmp_path: Path, road: str, seed: int) -> None:
    """Every request that was answered a moment before is whole, and what never waits is on stdout for
    everything that the app has come to.
    """
    left = _kill(tmp_path, road, seed)
    arrived = _kinds(left.lines if road == "stdout" else left.records)
    safe = {n for n, when in left.answered.items() if when < left.at - STILL_UNDER_WAY[road]}
    assert len(safe) > 10
    assert {n: arrived[n] & KINDS for n in safe} == dict.fromkeys(safe, KINDS)
    printed = _kinds(left.lines)
    assert [n for n in left.told if not {"business_order", "careful"} <= printed[n]] == []
