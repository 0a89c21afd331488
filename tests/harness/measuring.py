"""One measurement at a time into an aggregate, which takes them by the event."""

from __future__ import annotations

from tradewise_otel.pipeline.aggregate import Aggregate, Labels


def count(aggregate: Aggregate, metric: str, labels: Labels, occurrences: int = 1) -> None:
    """Counts occurrences."""
    aggregate.arrive([(metric, labels, occurrences, True)])


def record(aggregate: Aggregate, metric: str, labels: Labels, value: float) -> None:
    """Records one value of a distribution."""
    aggregate.arrive([(metric, labels, value, False)])
