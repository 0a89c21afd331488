"""The Collector's own metrics: in the ledger's names, beside all others, and no trouble when it stops."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import otlp_wire
import pytest
from collector_command import NOWHERE
from harness.sink import Sink
from otlp_wire import Start, log, post, span
from tailing_node import Node

from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses

SOON = {"TRADEWISE_SELF_EVERY_MS": "300"}
LEDGER = "tradewise.telemetry."


def _until(condition: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def watched(gateway_binary: Path, tmp_path: Path, at_once: Path) -> Iterator[tuple[CollectorProcess, Sink]]:
    """A gateway that tells often of itself, and its intake."""
    with Sink() as intake:
        settings = {"TRADEWISE_DATA_DIR": str(tmp_path / "data"), "DD_API_KEY": "dummy", **free_addresses()}
        settings |= {"TRADEWISE_DD_OTLP_URL": intake.url, **SOON}
        settings |= {f"TRADEWISE_DD_{name}_URL": NOWHERE for name in ("TRACES", "METRICS", "LOGS")}
        role = load_role("gateway", extras=at_once)
        with CollectorProcess(gateway_binary, role, settings) as collector:
            yield collector, intake


def _total(intake: Sink, name: str, **labels: Any) -> float:
    return intake.total(LEDGER + name, tier="gateway", **labels)


def test_the_gateway_tells_datadog_what_became_of_its_logs(watched: tuple[CollectorProcess, Sink]) -> None:
    """Received = sampled out + delivered, to the record, in the names of the app's ledger."""
    collector, intake = watched
    kept = [log(attributes={"sampling.reason": "ratio"}) for _ in range(7)]
    left = [log(attributes={"sampling.reason": "none"}) for _ in range(5)]
    post(collector.http, "logs", [*kept, *left], otlp_wire.OURS)
    _until(lambda: _total(intake, "delivered", signal="logs") >= 7)
    _until(lambda: _total(intake, "sampled_out", signal="logs") >= 5)
    assert _total(intake, "received", signal="logs", receiver="otlp") == 12
    assert _total(intake, "sampled_out", signal="logs") == 5
    assert _total(intake, "delivered", signal="logs") == 7
    assert _total(intake, "dropped") == 0


def test_spans_that_are_counted_only_are_sampled_out(watched: tuple[CollectorProcess, Sink]) -> None:
    """A span that is not kept is received and sampled out."""
    collector, intake = watched
    post(collector.http, "traces", [span(attributes={"sampling.reason": "none"})] * 3, otlp_wire.OURS)
    _until(lambda: _total(intake, "sampled_out", signal="traces") == 3)
    assert _total(intake, "received", signal="traces") == 3


def test_what_is_masked_says_which_tier_did_it(watched: tuple[CollectorProcess, Sink]) -> None:
    """`tradewise.telemetry.redacted` has the tier beside signal, rule and slot."""
    collector, intake = watched
    post(collector.http, "logs", [log(attributes={"password": "x"})])
    _until(lambda: _total(intake, "redacted", signal="logs", reason="key") == 1)


def test_only_few_series_are_paid_for(watched: tuple[CollectorProcess, Sink]) -> None:
    """The ledger, the queues and the process go to Datadog; the Collector's hundred other metrics do not."""
    collector, intake = watched
    post(collector.http, "logs", [log(severityNumber=17)])
    _until(lambda: _total(intake, "delivered", signal="logs") == 1)
    assert intake.metric("otelcol_exporter_queue_size")
    assert intake.metric("otelcol_process_memory_rss")
    assert not intake.metric("otelcol_processor_incoming_items")


def test_the_laptop_keeps_them_in_its_file(start: Start) -> None:
    """`metrics.jsonl` has them all, under the tier `laptop`."""
    collector = start(**SOON)
    post(collector.http, "logs", [log()])
    file = collector.data / "metrics.jsonl"
    _until(lambda: file.exists() and (LEDGER + "received") in file.read_text())
    assert '"laptop"' in file.read_text()


def test_the_agent_hands_them_to_its_gateway(node: Node) -> None:
    """With the node's name on them."""
    node.settings |= SOON
    with node.agent() as agent:
        post(agent.http, "logs", [log()])
        _until(lambda: any(f"{LEDGER}received".encode() in body for body in node.gateway.raw))
    (told,) = [body for body in node.gateway.raw if f"{LEDGER}received".encode() in body][:1]
    assert b"node-7" in told


def test_stopping_is_no_error(watched: tuple[CollectorProcess, Sink]) -> None:
    """The last of them are sent after everything has stopped: exit code 0, and no complaint."""
    collector, _ = watched
    assert collector.stop() == 0
    assert "failed to shutdown" not in collector.log.read_text()


def test_a_stranger_cannot_speak_for_it(start: Start, gateway_binary: Path, tmp_path: Path) -> None:
    """The way in is on loopback only: any other address is refused before the start."""
    settings = {"TRADEWISE_DATA_DIR": str(tmp_path), "DD_API_KEY": "dummy", **free_addresses()}
    settings["TRADEWISE_SELF"] = "0.0.0.0:14135"
    with pytest.raises(Exception, match=r"TRADEWISE_SELF=0\.0\.0\.0:14135: must be on loopback"):
        CollectorProcess(gateway_binary, load_role("gateway"), settings).start()
