"""One run through the real gateway, for all tests that look at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gateway import gateway
from harness.stub import stub
from hundred import Hundred, answered, ask_a_hundred, requests_of_logs, requests_of_spans, serve


@pytest.fixture(scope="session")
def hundred(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hundred]:
    """The run, ended, with everything that it sent at Datadog."""
    folder = tmp_path_factory.mktemp("hundred")
    with gateway(folder) as running, stub() as bot:
        with serve(folder, running.http, bot) as app:
            ids = ask_a_hundred(app.url)
        # The app has flushed when it ends; statistics come when their interval is over.
        running.wait(lambda datadog: sum(row.hits for row in datadog.stats) >= 3 * len(ids))
        running.wait(lambda datadog: answered(datadog) >= len(ids))
        # Spans wait up to five seconds for others; that they are all there is what a test asks for.
        running.wait(lambda datadog: requests_of_logs(datadog) <= requests_of_spans(datadog))
        yield Hundred(running, app, ids)
