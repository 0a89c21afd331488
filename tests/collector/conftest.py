"""Fixtures around the real Collector: built once through the product's own builder, started per test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from otlp_wire import Start

from tradewise_otel.tools.collector.build import build
from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses


@pytest.fixture(scope="session")
def binary() -> Path:
    """The laptop role's Collector, from the cache or built now."""
    return build(load_role("laptop"), os.environ)


@pytest.fixture
def start(binary: Path, tmp_path: Path) -> Iterator[Start]:
    """Start a laptop Collector with settings; all are stopped, and a failing test shows what they printed."""
    with ExitStack() as stack:

        def _start(**settings: str) -> CollectorProcess:
            data = str(tmp_path / f"data-{len(started)}")
            collector = CollectorProcess(
                binary, load_role("laptop"), {"TRADEWISE_DATA_DIR": data, **free_addresses(), **settings}
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
