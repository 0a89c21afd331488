"""Own aggregation: upstream's histograms to the bucket, exact counts, bounded labels, nothing lost."""

from __future__ import annotations

import math
import random
import threading
from typing import Any

import pytest
from harness.measuring import count, record
from opentelemetry.sdk.metrics._internal.aggregation import (
    AggregationTemporality,
    _ExponentialBucketHistogramAggregation,
)
from opentelemetry.sdk.metrics._internal.exemplar import SimpleFixedSizeExemplarReservoir
from opentelemetry.sdk.metrics._internal.measurement import Measurement

from tradewise_otel.catalogue.metrics import MAX_LABEL_SETS
from tradewise_otel.pipeline import aggregate as module
from tradewise_otel.pipeline.aggregate import OVERFLOW, Aggregate, Histogram
from tradewise_otel.pipeline.ledger import Ledger

LABELS = (("endpoint", "/ping"),)


def upstream_point(values: list[float]) -> Any:
    """The data point of upstream's own aggregation for these values."""
    theirs = _ExponentialBucketHistogramAggregation(
        {}, lambda **_: SimpleFixedSizeExemplarReservoir(1), AggregationTemporality.DELTA, 0
    )
    for value in values:
        theirs.aggregate(Measurement(value, 0, None, None), should_sample_exemplar=False)  # type: ignore[arg-type]
    return theirs.collect(AggregationTemporality.DELTA, 1)


def buckets(point: Any) -> dict[int, int]:
    """Bucket index to count, without the empty ones."""
    return {point.positive.offset + n: count for n, count in enumerate(point.positive.bucket_counts) if count}


def assert_same(ours: Histogram, theirs: Any) -> None:
    """Our histogram and upstream's point say the same of the same values."""
    assert (ours.count, ours.zero_count, ours.scale) == (theirs.count, theirs.zero_count, theirs.scale)
    assert (ours.min, ours.max) == (theirs.min, theirs.max)
    assert ours.sum == pytest.approx(theirs.sum)
    first, counts = ours.dense()
    assert {first + n: count for n, count in enumerate(counts) if count} == buckets(theirs)
    assert len(counts) <= module.MAX_BUCKETS


def random_values(seed: int) -> list[float]:
    """Durations as they come, and some that never should."""
    source = random.Random(seed)
    size = source.choice([1, 2, 50, 700])
    spread = source.choice([0.1, 1.5, 8.0, 60.0])
    odd = [0.0, 5e-324, 2.2250738585072014e-308, 1e-9, 1.0, 2.0, 1024.0, 1.7976931348623157e308]
    values = [source.lognormvariate(3, spread) for _ in range(size)]
    values += source.sample(odd, source.choice([0, 0, 1, 4]))
    source.shuffle(values)
    return [value for value in values if math.isfinite(value)]


@pytest.mark.parametrize("seed", range(60))
def test_histograms_equal_upstreams(seed: int) -> None:
    """Count, sum, extremes, scale and every bucket are those of upstream's aggregation on random values."""
    values = random_values(seed)
    ours = Histogram()
    for value in values:
        ours.add(value)
    assert_same(ours, upstream_point(values))


@pytest.mark.parametrize("seed", range(20))
def test_merging_equals_folding(seed: int) -> None:
    """Two histograms merged say the same as one that was given all the values."""
    first, second = random_values(seed), random_values(1000 + seed)
    merged, other = Histogram(), Histogram()
    for value in first:
        merged.add(value)
    for value in second:
        other.add(value)
    merged.merge(other)
    assert_same(merged, upstream_point(first + second))


def test_what_is_no_number_is_left_out() -> None:
    """NaN and infinities are not counted, and a negative duration counts as zero."""
    ours = Histogram()
    for value in (math.nan, math.inf, -math.inf, -1.0, 3.0):
        ours.add(value)
    assert (ours.count, ours.zero_count, sum(ours.buckets.values())) == (2, 1, 1)


def test_collect_is_a_delta() -> None:
    """Each collect gives what came since the last, with adjoining times, and then nothing."""
    ours = Aggregate(Ledger())
    count(ours, "api.requests.count", LABELS, 2)
    record(ours, "api.requests.duration", LABELS, 5.0)
    record(ours, "api.requests.duration", LABELS, 7.0)
    first = ours.collect()
    assert first.counts == {"api.requests.count": {LABELS: 2}}
    assert first.histograms["api.requests.duration"][LABELS].count == 2
    count(ours, "api.requests.count", LABELS)
    second = ours.collect()
    assert (second.counts, second.histograms) == ({"api.requests.count": {LABELS: 1}}, {})
    assert first.since_ns <= first.until_ns == second.since_ns <= second.until_ns
    third = ours.collect()
    assert (third.counts, third.histograms) == ({}, {})


def test_what_could_not_be_sent_is_in_the_next_deltas() -> None:
    """Counts and distributions that are given back come again with what arrived since then."""
    ours = Aggregate(Ledger())
    count(ours, "api.requests.count", LABELS, 2)
    record(ours, "api.requests.duration", LABELS, 5.0)
    start = ours.collect().since_ns
    count(ours, "api.requests.count", LABELS, 3)
    record(ours, "api.requests.duration", LABELS, 9.0)
    ours.give_back()
    again = ours.collect()
    assert (again.counts["api.requests.count"][LABELS], again.since_ns) == (5, start)
    assert_same(again.histograms["api.requests.duration"][LABELS], upstream_point([5.0, 9.0]))
    ours.give_back()
    ours.give_back()
    assert ours.collect().counts["api.requests.count"][LABELS] == 5, "given back once, however often"


def test_what_is_an_hour_old_is_given_up_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics that nobody takes for an hour are dropped and counted: a refused point must not stay."""
    ledger = Ledger()
    ours = Aggregate(ledger)
    count(ours, "api.requests.count", LABELS)
    record(ours, "api.requests.duration", LABELS, 5.0)
    ours.collect()
    monkeypatch.setattr(module, "_KEEP_NS", -1)
    ours.give_back()
    left = ours.collect()
    assert (left.counts, left.histograms) == ({}, {})
    assert ledger.count("dropped", "metrics", "export_failed") == 2


def test_labels_are_bounded_and_the_rest_is_counted() -> None:
    """Past the limit of a metric further label sets share one overflow series, and each hit is counted."""
    ledger = Ledger()
    ours = Aggregate(ledger)
    for n in range(MAX_LABEL_SETS + 25):
        count(ours, "api.requests.count", (("endpoint", f"/{n}"),))
        record(ours, "api.requests.duration", (("endpoint", f"/{n}"),), 1.0)
    count(ours, "api.requests.count", (("endpoint", "/0"),))
    series = ours.collect()
    points = series.counts["api.requests.count"]
    assert len(points) == MAX_LABEL_SETS + 1
    assert points[OVERFLOW] == 25
    assert points[(("endpoint", "/0"),)] == 2, "a known label set keeps its series"
    assert len(series.histograms["api.requests.duration"]) == MAX_LABEL_SETS + 1
    assert ledger.count("dropped", "metrics", "label_limit") == 50


def test_nothing_is_lost_between_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """What eight threads measure while another collects and gives back arrives exactly once."""
    monkeypatch.setattr(module, "_FOLD_AT", 500)
    ours = Aggregate(Ledger())

    def measure() -> None:
        for _ in range(10_000):
            count(ours, "api.requests.count", LABELS)
            record(ours, "api.requests.duration", LABELS, 3.0)

    threads = [threading.Thread(target=measure) for _ in range(8)]
    for thread in threads:
        thread.start()
    counted = measured = rounds = 0
    alive = True
    while alive:
        alive = any(thread.is_alive() for thread in threads)
        series = ours.collect()
        rounds += 1
        if alive and rounds % 3 == 0:
            ours.give_back()
            continue
        counted += sum(series.counts.get("api.requests.count", {}).values())
        histograms = series.histograms.get("api.requests.duration", {})
        measured += sum(histogram.count for histogram in histograms.values())
    assert (counted, measured) == (80_000, 80_000)
