"""Kafka for the tests: a broker in memory that speaks the protocol, and Collectors on either side of it."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import otlp_wire
from collector_command import NOWHERE
from harness.sink import Sink

from tradewise_otel.tools.collector.build import build, cache_dir, go_environ
from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses

SOURCES = Path(__file__).with_name("broker")
TOPICS = ("tradewise.traces", "tradewise.logs", "tradewise.metrics")
_FILES = ("PODS", "DOCKER", "FILES", "PLAIN")
# Batches leave at once, and a refused fetch is tried again soon: waiting would teach nothing.
AGENT_SOON = "exporters: {kafka/gateway: {sending_queue: {batch: {flush_timeout: 20ms}}}}\n"
GATEWAY_SOON = """\
exporters:
  otlp_http/datadog_logs: &soon
    sending_queue: {batch: {flush_timeout: 20ms}}
  otlp_http/datadog_metrics: *soon
  otlp_http/datadog_traces: *soon
"""


@contextmanager
def broker() -> Iterator[str]:
    """A broker with our topics in four partitions each, until the end of the block: its address."""
    with subprocess.Popen(
        [_program(), *TOPICS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


@contextmanager
def road(folder: Path) -> Iterator[tuple[CollectorProcess, Sink]]:
    """An agent, a broker, a gateway and an intake: the two ends."""
    with (
        Sink() as intake,
        broker() as brokers,
        agent(folder / "a", brokers) as near,
        gateway(folder / "g", brokers, intake.url),
    ):
        yield near, intake


def agent(folder: Path, brokers: str, **settings: str) -> CollectorProcess:
    """An agent that hands over by Kafka; start it. One folder goes on where it stopped."""
    return _collector("agent", ("kafka",), AGENT_SOON, folder, brokers, settings)


def gateway(folder: Path, brokers: str, intake: str, **settings: str) -> CollectorProcess:
    """A gateway that takes from Kafka, and sends everything to `intake` by OTLP; start it."""
    own = {"DD_API_KEY": "dummy", "TRADEWISE_DD_OTLP_URL": intake, "TRADEWISE_DD_TRACES_URL": NOWHERE}
    return _collector(
        "gateway", ("datadog-otlp", "kafka"), GATEWAY_SOON, folder, brokers, {**own, **settings}
    )


def send_orders(http: str, numbers: range, at_once: int = 50) -> None:
    """One log a number, each with an id and a trace of its own, so many a request."""
    for first in range(numbers.start, numbers.stop, at_once):
        chunk = range(first, min(first + at_once, numbers.stop))
        otlp_wire.post(http, "logs", [_order(number) for number in chunk], otlp_wire.OURS)


def _order(number: int) -> dict[str, object]:
    attributes = {"event_id": f"{number:016x}", "event_type": "business_order", "sampling.reason": "event"}
    return otlp_wire.log(f"order {number}", traceId=f"{number + 1:032x}", attributes=attributes)


def ids_of(intake: Sink) -> Counter[str]:
    """How often each id has come."""
    return Counter(record["event_id"] for record in intake.logs)


def ids_sent(count: int) -> set[str]:
    """The ids of the first so many."""
    return {f"{number:016x}" for number in range(count)}


def wait(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Returns once `condition` holds; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


def _collector(
    role_name: str,
    overlays: tuple[str, ...],
    extras: str,
    folder: Path,
    brokers: str,
    settings: dict[str, str],
) -> CollectorProcess:
    folder.mkdir(parents=True, exist_ok=True)
    layer = folder / "soon.yaml"
    layer.write_text(extras)
    role = load_role(role_name, overlays, layer)
    nothing = {
        f"TRADEWISE_TAIL_{kind}": str(folder / "none") for kind in ("PODS", "DOCKER", "FILES", "PLAIN")
    }
    own = {"TRADEWISE_DATA_DIR": str(folder / "data"), "TRADEWISE_KAFKA_BROKERS": brokers}
    return CollectorProcess(
        build(role, os.environ, lambda _: None), role, {**nothing, **own, **free_addresses(), **settings}
    )


@functools.cache
def _program() -> str:
    path = f"{tempfile.mkdtemp(prefix='broker-')}/broker"
    environ = go_environ(os.environ, cache_dir(os.environ))
    subprocess.run(["go", "build", "-o", path, "."], cwd=SOURCES, env=environ, check=True)
    return path
