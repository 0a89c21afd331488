"""Fixtures around the real Collector: built once through the product's own builder, started per test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from collector_command import NOWHERE
from harness.sink import Sink
from otlp_wire import Start
from tailing_node import Gateway, Node

from tradewise_otel.tools.collector.build import build
from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses

# The intake's batches leave at once: waiting a second for each would teach nothing.
AT_ONCE = """\
exporters:
  otlp_http/datadog_logs: &soon
    sending_queue: {batch: {flush_timeout: 20ms}}
  otlp_http/datadog_metrics: *soon
"""


@pytest.fixture(scope="session")
def binary() -> Path:
    """The laptop role's Collector, from the cache or built now."""
    return build(load_role("laptop"), os.environ)


@pytest.fixture(scope="session")
def gateway_binary() -> Path:
    """The gateway role's Collector, from the cache or built now."""
    return build(load_role("gateway"), os.environ)


@pytest.fixture
def start(binary: Path, tmp_path: Path) -> Iterator[Start]:
    """Start a laptop Collector with overlays and settings; a failing test shows their logs."""
    with ExitStack() as stack:

        def _start(*overlays: str, **settings: str) -> CollectorProcess:
            data = str(tmp_path / f"data-{len(started)}")
            collector = CollectorProcess(
                binary,
                load_role("laptop", overlays),
                {"TRADEWISE_DATA_DIR": data, **free_addresses(), **settings},
            )
            started.append(stack.enter_context(collector))
            return collector

        started: list[CollectorProcess] = []
        yield _start
    for collector in started:
        print(collector.tail())


@pytest.fixture
def collector(start: Start) -> CollectorProcess:
    """One running laptop Collector."""
    return start()


@pytest.fixture(scope="module")
def intake() -> Iterator[Sink]:
    """Datadog's OTLP intake, played by a door that takes everything; one a module."""
    with Sink() as door:
        yield door


@pytest.fixture(scope="session")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A layer of one's own that makes a gateway send without waiting for more."""
    layer = tmp_path_factory.mktemp("layers") / "at-once.yaml"
    layer.write_text(AT_ONCE)
    return layer


@pytest.fixture(scope="module")
def gateway_settings(intake: Sink, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings of a gateway that reaches the intake by OTLP and nobody otherwise."""
    return {
        "TRADEWISE_DATA_DIR": str(tmp_path_factory.mktemp("gateway")),
        "DD_API_KEY": "dummy",
        "TRADEWISE_DD_OTLP_URL": intake.url,
        "TRADEWISE_DD_TRACES_URL": NOWHERE,
        "TRADEWISE_DD_METRICS_URL": NOWHERE,
        "TRADEWISE_DD_LOGS_URL": NOWHERE,
        **free_addresses(),
    }


@pytest.fixture(scope="module")
def gateway(
    gateway_binary: Path, gateway_settings: dict[str, str], at_once: Path
) -> Iterator[CollectorProcess]:
    """One running gateway a module; starting and stopping takes longer than a test."""
    role = load_role("gateway", extras=at_once)
    with CollectorProcess(gateway_binary, role, gateway_settings) as collector:
        yield collector
        print(collector.tail())


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node of its own whose agent the test starts."""
    with Gateway() as gateway:
        yield Node(tmp_path / "node", gateway)


@pytest.fixture(scope="module")
def tailed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One node a module with a running agent; tests write files of their own."""
    with Gateway() as gateway:
        shared = Node(tmp_path_factory.mktemp("node"), gateway)
        with shared.agent() as running:
            yield shared
            print(running.tail())
