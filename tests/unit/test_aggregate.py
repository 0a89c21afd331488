"""Own aggregation: upstream's histograms to the bucket, exact counts, bounded labels, nothing lost."""

from __future__ import annotations

import math
import random
import threading
from typing import Any

import pytest
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


def assert_same(ours: Any, theirs: Any) -> None:
    """Both points say the same of the same values."""
    assert (ours.count, ours.zero_count, ours.scale) == (theirs.count, theirs.zero_count, theirs.scale)
    assert (ours.min, ours.max) == (theirs.min, theirs.max)
    assert ours.sum == pytest.approx(theirs.sum)
    assert buckets(ours) == buckets(theirs)
    assert len(ours.positive.bucket_counts) <= module.MAX_BUCKETS


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
    ours.fold(values)
    assert_same(ours.point(LABELS, 0, 1), upstream_point(values))


@pytest.mark.parametrize("seed", range(20))
def test_merging_equals_folding(seed: int) -> None:
    """Two histograms merged say the same as one that was given all the values."""
    first, second = random_values(seed), random_values(1000 + seed)
    merged, other = Histogram(), Histogram()
    merged.fold(first)
    other.fold(second)
    merged.merge(other)
    point = merged.point(LABELS, 0, 1)
    assert_same(point, upstream_point(first + second))


def test_what_is_no_number_is_left_out() -> None:
    """NaN and infinities are not counted, and a negative duration counts as zero."""
    ours = Histogram()
    ours.fold([math.nan, math.inf, -math.inf, -1.0, 3.0])
    assert (ours.count, ours.zero_count, sum(ours.buckets.values())) == (2, 1, 1)


def test_collect_is_a_delta() -> None:
    """Each collect gives what came since the last, with adjoining times, and then nothing."""
    ours = Aggregate(Ledger())
    ours.add("api.requests.count", LABELS, 2)
    ours.record("api.requests.duration", LABELS, 5.0)
    ours.record("api.requests.duration", LABELS, 7.0)
    sums, distributions = ours.collect()
    (first,) = sums["api.requests.count"]
    assert first.value == 2
    assert first.attributes == dict(LABELS)
    assert [point.count for point in distributions["api.requests.duration"]] == [2]
    ours.add("api.requests.count", LABELS)
    sums, distributions = ours.collect()
    (second,) = sums["api.requests.count"]
    assert (second.value, distributions) == (1, {})
    assert second.start_time_unix_nano == first.time_unix_nano
    assert ours.collect() == ({}, {})


def test_what_could_not_be_sent_is_in_the_next_deltas() -> None:
    """Counts and distributions that are given back come again with what arrived since then."""
    ours = Aggregate(Ledger())
    ours.add("api.requests.count", LABELS, 2)
    ours.record("api.requests.duration", LABELS, 5.0)
    sums, _ = ours.collect()
    start = sums["api.requests.count"][0].start_time_unix_nano
    ours.add("api.requests.count", LABELS, 3)
    ours.record("api.requests.duration", LABELS, 9.0)
    ours.give_back()
    sums, distributions = ours.collect()
    (point,) = sums["api.requests.count"]
    assert (point.value, point.start_time_unix_nano) == (5, start)
    (histogram,) = distributions["api.requests.duration"]
    assert_same(histogram, upstream_point([5.0, 9.0]))
    ours.give_back()
    ours.give_back()
    sums, _ = ours.collect()
    assert sums["api.requests.count"][0].value == 5, "given back once, however often"


def test_what_is_an_hour_old_is_given_up_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics that nobody takes for an hour are dropped and counted: a refused point must not stay."""
    ledger = Ledger()
    ours = Aggregate(ledger)
    ours.add("api.requests.count", LABELS)
    ours.record("api.requests.duration", LABELS, 5.0)
    ours.collect()
    monkeypatch.setattr(module, "_KEEP_NS", -1)
    ours.give_back()
    assert ours.collect() == ({}, {})
    assert ledger.count("dropped", "metrics", "export_failed") == 2


def test_labels_are_bounded_and_the_rest_is_counted() -> None:
    """Past the limit of a metric further label sets share one overflow series, and each hit is counted."""
    ledger = Ledger()
    ours = Aggregate(ledger)
    for n in range(MAX_LABEL_SETS + 25):
        ours.add("api.requests.count", (("endpoint", f"/{n}"),))
        ours.record("api.requests.duration", (("endpoint", f"/{n}"),), 1.0)
    ours.add("api.requests.count", (("endpoint", "/0"),))
    sums, distributions = ours.collect()
    points = {tuple(point.attributes.items()): point.value for point in sums["api.requests.count"]}
    assert len(points) == MAX_LABEL_SETS + 1
    assert points[OVERFLOW] == 25
    assert points[(("endpoint", "/0"),)] == 2, "a known label set keeps its series"
    assert len(distributions["api.requests.duration"]) == MAX_LABEL_SETS + 1
    assert ledger.count("dropped", "metrics", "label_limit") == 50


def test_nothing_is_lost_between_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """What eight threads measure while another collects and gives back arrives exactly once."""
    monkeypatch.setattr(module, "_FOLD_AT", 500)
    ours = Aggregate(Ledger())

    def measure() -> None:
        for _ in range(10_000):
            ours.add("api.requests.count", LABELS)
            ours.record("api.requests.duration", LABELS, 3.0)

    threads = [threading.Thread(target=measure) for _ in range(8)]
    for thread in threads:
        thread.start()
    counted = measured = rounds = 0
    while any(thread.is_alive() for thread in threads):
        sums, distributions = ours.collect()
        rounds += 1
        if rounds % 3 == 0:
            ours.give_back()
            continue
        counted += sum(point.value for point in sums.get("api.requests.count", []))
        measured += sum(point.count for point in distributions.get("api.requests.duration", []))
    sums, distributions = ours.collect()
    counted += sum(point.value for point in sums.get("api.requests.count", []))
    measured += sum(point.count for point in distributions.get("api.requests.duration", []))
    assert (counted, measured) == (80_000, 80_000)
