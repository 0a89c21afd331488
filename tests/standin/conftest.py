"""Fixtures around the stand-in and Datadog's own message definitions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tradewise_otel.assets import collector_dir
from tradewise_otel.tools.collector.build import cache_dir
from tradewise_otel.tools.standin.definitions import Definitions, load_definitions
from tradewise_otel.tools.standin.received import Received
from tradewise_otel.tools.standin.recording import Recording, RecordingWriter
from tradewise_otel.tools.standin.server import StandIn


@pytest.fixture(scope="session")
def lock() -> Path:
    """The lock of the Collector that has the Datadog exporter."""
    return collector_dir() / "lock" / "full"


@pytest.fixture(scope="session")
def cache() -> Path:
    """The Collector builder's cache."""
    return cache_dir(os.environ)


@pytest.fixture(scope="session")
def definitions(lock: Path, cache: Path) -> Definitions:
    """Datadog's messages."""
    return load_definitions(lock, os.environ, cache)


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[StandIn]:
    """A stand-in that lets every key in."""
    with StandIn(tmp_path / "recording") as running:
        yield running


@pytest.fixture
def received(tmp_path: Path, definitions: Definitions) -> Iterator[Callable[..., Received]]:
    """`received(path, body, headers, status)`: what Datadog has after that request too."""
    writer = RecordingWriter(tmp_path)
    reader = Received(Recording(tmp_path), definitions)

    def record(
        path: str, body: bytes, headers: Mapping[str, str] | None = None, status: int = 202
    ) -> Received:
        writer.write("POST", path, headers or {}, body, status)
        return reader.refresh()

    yield record
    writer.close()
