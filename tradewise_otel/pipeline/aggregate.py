"""KPI metrics, aggregated here and sent as they are: exact counts and exponential histograms (P11).

Fed with every event before sampling. One list append a measurement on the request's path; the arithmetic
happens when a list is full or the exporter asks. Labels are bounded: past the limit of a metric further
label sets share one overflow series and are counted.
"""

from __future__ import annotations

import functools
import math
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from opentelemetry.sdk.metrics import export as otlp
from opentelemetry.sdk.metrics._internal.exponential_histogram.mapping.exponent_mapping import ExponentMapping
from opentelemetry.sdk.metrics._internal.exponential_histogram.mapping.logarithm_mapping import (
    LogarithmMapping,
)

from tradewise_otel.catalogue.metrics import MAX_LABEL_SETS
from tradewise_otel.pipeline.ledger import Ledger

MAX_BUCKETS = 160
MAX_SCALE = 20
OVERFLOW = (("otel.metric.overflow", True),)
_FOLD_AT = 4096

LabelValue = str | int | bool
Labels = tuple[tuple[str, LabelValue], ...]
Sums = dict[str, list[otlp.NumberDataPoint]]
Distributions = dict[str, list[otlp.ExponentialHistogramDataPoint]]


@dataclass
class Histogram:
    """Base-2 exponential histogram of positive values, upstream's mapping, at most 160 buckets."""

    count: int = 0
    zero_count: int = 0
    sum: float = 0.0
    min: float = math.inf
    max: float = -math.inf
    scale: int = MAX_SCALE
    buckets: dict[int, int] = field(default_factory=dict)
    _low: int = 0
    _high: int = -1

    def fold(self, values: Iterable[float]) -> None:
        """Adds values; a duration of zero or less counts as zero, one that is no number not at all."""
        for value in values:
            if not math.isfinite(value):
                continue
            self.count += 1
            self.sum += value
            self.min, self.max = min(self.min, value), max(self.max, value)
            if value <= 0:
                self.zero_count += 1
            else:
                self._add(value)

    def _add(self, value: float) -> None:
        index = _mapping(self.scale).map_to_index(value)
        low, high = (min(index, self._low), max(index, self._high)) if self.buckets else (index, index)
        shift = 0
        while (high >> shift) - (low >> shift) >= MAX_BUCKETS:
            shift += 1
        if shift:
            self._downscale(shift)
            index, low, high = index >> shift, low >> shift, high >> shift
        self._low, self._high = low, high
        self.buckets[index] = self.buckets.get(index, 0) + 1

    def _downscale(self, shift: int) -> None:
        merged: dict[int, int] = {}
        for index, count in self.buckets.items():
            merged[index >> shift] = merged.get(index >> shift, 0) + count
        self.buckets, self.scale = merged, self.scale - shift

    def point(self, labels: Labels, start_ns: int, now_ns: int) -> otlp.ExponentialHistogramDataPoint:
        """The OTLP data point."""
        offset = self._low if self.buckets else 0
        counts = [self.buckets.get(index, 0) for index in range(offset, self._high + 1)]
        return otlp.ExponentialHistogramDataPoint(
            attributes=dict(labels),
            start_time_unix_nano=start_ns,
            time_unix_nano=now_ns,
            count=self.count,
            sum=self.sum,
            scale=self.scale,
            zero_count=self.zero_count,
            positive=_buckets(offset, counts),
            negative=_buckets(0, []),
            flags=0,
            min=self.min,
            max=self.max,
        )


class Aggregate:
    """All series of one process; `collect` empties it (delta temporality)."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.reset()

    def reset(self) -> None:
        """Starts afresh, as in a forked child."""
        self._lock = threading.RLock()
        self._counts: dict[str, dict[Labels, int]] = {}
        self._values: dict[str, dict[Labels, list[float]]] = {}
        self._folded: dict[tuple[str, Labels], Histogram] = {}
        self._since_ns = time.time_ns()

    def add(self, metric: str, labels: Labels, count: int = 1) -> None:
        """Counts `count` occurrences."""
        with self._lock:
            series = self._counts.setdefault(metric, {})
            labels = self._bounded(series, labels)
            series[labels] = series.get(labels, 0) + count

    def record(self, metric: str, labels: Labels, value: float) -> None:
        """Records one value of a distribution, in the metric's documented unit."""
        with self._lock:
            series = self._values.setdefault(metric, {})
            labels = self._bounded(series, labels)
            values = series.setdefault(labels, [])
            values.append(value)
            if len(values) >= _FOLD_AT:
                self._fold(metric, labels, values)

    def _bounded(self, series: Mapping[Labels, object], labels: Labels) -> Labels:
        if labels in series or len(series) < MAX_LABEL_SETS:
            return labels
        self._ledger.add("dropped", "metrics", reason="label_limit")
        return OVERFLOW

    def _fold(self, metric: str, labels: Labels, values: list[float]) -> None:
        self._folded.setdefault((metric, labels), Histogram()).fold(values)
        values.clear()

    def collect(self) -> tuple[Sums, Distributions]:
        """Counts and distributions since the last call, by metric name."""
        with self._lock:
            now, since = time.time_ns(), self._since_ns
            for metric, series in self._values.items():
                for labels, values in series.items():
                    self._fold(metric, labels, values)
            counts, folded = self._counts, self._folded
            self._counts, self._values, self._folded, self._since_ns = {}, {}, {}, now
        sums = {m: [_number(labels, n, since, now) for labels, n in s.items()] for m, s in counts.items()}
        distributions: Distributions = {}
        for (metric, labels), histogram in folded.items():
            distributions.setdefault(metric, []).append(histogram.point(labels, since, now))
        return sums, distributions


def _number(labels: Labels, value: int, since: int, now: int) -> otlp.NumberDataPoint:
    return otlp.NumberDataPoint(
        attributes=dict(labels), start_time_unix_nano=since, time_unix_nano=now, value=value
    )


@functools.cache
def _mapping(scale: int) -> LogarithmMapping | ExponentMapping:
    return LogarithmMapping(scale) if scale > 0 else ExponentMapping(scale)


def _buckets(offset: int, counts: list[int]) -> otlp.Buckets:
    return otlp.Buckets(offset=offset, bucket_counts=counts)
