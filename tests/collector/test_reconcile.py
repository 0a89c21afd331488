"""`reconcile`: the ledgers of all tiers add up to the record, and say so when they do not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import otlp_wire
import pytest
from kafka_broker import wait
from otlp_wire import Start, log, post, span

from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses
from tradewise_otel.tools.standin.server import StandIn

SOON = {"TRADEWISE_SELF_EVERY_MS": "300"}


def _reconcile(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tradewise_otel.tools.cli.main", "reconcile", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def _until_it_adds_up(*words: str, of: str) -> str:
    """What it prints once everything adds up and `of` is among it, which takes the time of a count's way."""
    deadline = time.monotonic() + 30
    while (done := _reconcile(*words)).returncode != 0 or of not in " ".join(done.stdout.split()):
        assert time.monotonic() < deadline, done.stdout + done.stderr
        time.sleep(0.5)
    return done.stdout


def test_the_laptop_adds_up(start: Start) -> None:
    """Received = delivered = records in the files, per signal, and how many of each event type."""
    collector = start(**SOON)
    orders = [log(attributes={"event_type": "business_order", "event_id": f"{n:016x}"}) for n in range(9)]
    post(collector.http, "logs", [*orders, log()])
    post(collector.http, "traces", [span()])
    said = _until_it_adds_up("--data", str(collector.data), of="laptop logs received otlp 10")
    assert "logs: laptop received = sampled out + delivered + dropped" in said
    assert [line.split()[-1] for line in said.splitlines() if "business_order" in line] == ["9"]


def test_a_record_that_is_missing_is_found(start: Start) -> None:
    """A record that was counted and is not there: exit code 1, with the equation and by how much."""
    collector = start(**SOON)
    for number in range(3):
        post(collector.http, "logs", [log(f"line {number}")])
    _until_it_adds_up("--data", str(collector.data), of="laptop logs received otlp 3")
    file = collector.data / "logs.jsonl"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[1:]))
    done = _reconcile("--data", str(collector.data))
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if "DOES NOT ADD UP" in line]
    assert line.startswith("logs: laptop delivered = arrived + twins")
    assert line.endswith("+1")


@pytest.fixture
def road(gateway_binary: Path, tmp_path: Path) -> Iterator[tuple[CollectorProcess, StandIn]]:
    """An agent before a gateway before Datadog's stand-in: the agent, and the stand-in."""
    with StandIn(tmp_path / "recording") as standin:
        urls = {f"TRADEWISE_DD_{name}_URL": standin.url for name in ("OTLP", "TRACES", "METRICS", "LOGS")}
        own = {"TRADEWISE_DATA_DIR": str(tmp_path / "g"), "DD_API_KEY": "k", **urls, **SOON}
        tails = {f"TRADEWISE_TAIL_{kind}": "/nowhere/*" for kind in ("PODS", "DOCKER", "FILES", "PLAIN")}
        with CollectorProcess(gateway_binary, load_role("gateway"), {**own, **free_addresses()}) as gateway:
            near = {"TRADEWISE_DATA_DIR": str(tmp_path / "a"), "TRADEWISE_GATEWAY_URL": gateway.http, **tails}
            settings = {**near, **SOON, **free_addresses()}
            with CollectorProcess(gateway_binary, load_role("agent"), settings) as agent:
                yield agent, standin


def test_agent_and_gateway_add_up_over_an_outage(road: tuple[CollectorProcess, StandIn]) -> None:
    """What an agent took its gateway took; of that the kept logs arrive, those of an outage too."""
    agent, standin = road
    for batch in range(6):
        if batch == 2:
            standin.down()
        if batch == 5:
            standin.up()
        post(agent.http, "logs", [_judged(batch * 100 + number) for number in range(100)], otlp_wire.OURS)
        time.sleep(0.3)
    wait(lambda: (standin.folder / "index.jsonl").exists())
    said = _until_it_adds_up("--recording", str(standin.folder), of="gateway logs received otlp 600")
    lines = [line.split() for line in said.splitlines()]
    assert ["agent", "logs", "received", "otlp", "600"] in lines
    assert ["gateway", "logs", "sampled_out", "filter/judged", "540"] in lines
    assert ["logs", "business_order", "60"] in lines


def _judged(number: int) -> dict[str, object]:
    reason = "ratio" if number % 10 == 0 else "none"
    attributes = {"event_type": "business_order", "event_id": f"{number:016x}", "sampling.reason": reason}
    # Datadog takes no old logs.
    return log(timeUnixNano=str(time.time_ns()), attributes=attributes)


def test_a_folder_without_anything(tmp_path: Path) -> None:
    """Exit code 1, and what to name instead."""
    done = _reconcile("--data", str(tmp_path))
    assert done.returncode == 1
    assert "has no metrics.jsonl: name the folder of a laptop's Collector" in done.stderr
    assert os.listdir(tmp_path) == []
