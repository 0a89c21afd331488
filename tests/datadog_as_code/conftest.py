"""An organisation for each test, and the resources as they are shipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.organisation import Organisation

from tradewise_otel.assets import datadog_dir
from tradewise_otel.tools.cli.main import main
from tradewise_otel.tools.datadog import folder, placeholders
from tradewise_otel.tools.datadog.folder import Resource

Run = Callable[..., int]
SETTINGS = {
    "TRADEWISE_NOTIFY_EMAIL": "oncall@example.com",
    "TRADEWISE_NOTIFY_SLACK": "alerts",
    "TRADEWISE_NOTIFY_PAGERDUTY": "TradeWise",
    "TRADEWISE_NOTIFY_SMS": "sms",
    "TRADEWISE_ARCHIVE_BUCKET": "tradewise",
    "TRADEWISE_ARCHIVE_ACCOUNT": "123456789012",
    "TRADEWISE_ARCHIVE_ROLE": "DatadogIntegration",
}


@pytest.fixture
def organisation() -> Iterator[Organisation]:
    """An empty one."""
    with Organisation() as running:
        yield running


@pytest.fixture
def run(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`tradewise-otel datadog …` against it, every setting set; returns the exit code."""
    for name, value in {**organisation.environ, **SETTINGS}.items():
        monkeypatch.setenv(name, value)
    return lambda *words: main(["datadog", *map(str, words)])


@pytest.fixture(scope="session")
def resources() -> list[Resource]:
    """All that is shipped, settings filled in."""
    values = placeholders.settings(SETTINGS)
    return [resource.filled(values, {}) for resource in folder.read(datadog_dir())]


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    """A copy of what is shipped, to be changed."""
    import shutil

    return Path(shutil.copytree(datadog_dir(), tmp_path / "datadog"))
