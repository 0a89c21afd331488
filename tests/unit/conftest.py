"""What unit tests of the app's own calls share."""

from __future__ import annotations

import pytest
from harness.pipeline import Pipeline

from tradewise_otel import running


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """The pipeline that runs, and what the calls of a test tell it."""
    pipeline = Pipeline()
    monkeypatch.setattr(running, "_running", pipeline.runtime)
    return pipeline
