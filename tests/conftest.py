"""Fixtures that every kind of test may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from harness.app import App
from harness.sink import Sink


@pytest.fixture
def sink() -> Iterator[Sink]:
    """An OTLP door that takes everything."""
    with Sink() as door:
        yield door


@pytest.fixture
def app_of(tmp_path: Path, sink: Sink) -> Callable[..., App]:
    """Makes an `App` from source text; it sends to `sink` unless `env` says otherwise."""

    def make(source: str, env: Mapping[str, str] | None = None, **options: Any) -> App:
        (tmp_path / "app.py").write_text(source)
        return App(tmp_path, env={"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, **(env or {})}, **options)

    return make
