"""A pipeline within the test's own process: real parts, whose lines are kept and which sends nothing."""

from __future__ import annotations

import json
from typing import Any

from tradewise_otel.instrument.runtime import Runtime
from tradewise_otel.out.sink import Sink
from tradewise_otel.out.stdout import Lines
from tradewise_otel.pipeline.aggregate import Aggregate, Labels
from tradewise_otel.pipeline.feed import Feed
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.record.verdict import Verdicts
from tradewise_otel.redact.walk import Redactor
from tradewise_otel.settings import load


class Pipeline:
    """What has gone through `runtime`."""

    reason = "test"

    def __init__(self) -> None:
        settings, _ = load({})
        self.ledger = Ledger()
        self.lines: list[dict[str, Any]] = []
        self._aggregate = Aggregate(self.ledger)
        feed = Feed(self._aggregate)
        sink = Sink(
            Lines("tests", "", "test", console=False),
            [self],
            Redactor(pseudonymise=lambda text: "0123456789abcdef"),
            self.ledger,
            1.0,
            lambda text: "0123456789abcdef",
            lambda event: None,
            feed,
        )
        self.runtime = Runtime(settings, sink, feed, self.ledger, Verdicts(lambda: None))

    def write(self, line: bytes) -> None:
        """Keeps a line."""
        self.lines.append(json.loads(line))

    def fields(self, *names: str) -> list[dict[str, Any]]:
        """Of each line those of some fields that it has."""
        return [{name: line[name] for name in names if name in line} for line in self.lines]

    def counts(self, metric: str) -> dict[Labels, int]:
        """What a metric has counted since the last look, by labels; of a distribution its values."""
        series = self._aggregate.collect()
        values = {labels: found.count for labels, found in series.histograms.get(metric, {}).items()}
        return series.counts.get(metric, {}) | values
