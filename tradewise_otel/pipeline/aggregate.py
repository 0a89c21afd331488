"""KPI metrics, aggregated here and sent as they are: exact counts and exponential histograms (P11).

Fed with every event before sampling. One append a measurement on the request's path, without a lock,
because a signal handler that interrupts it waits for the exporter thread; the arithmetic is that thread's.
Labels are bounded: past the limit of a metric further label sets share one overflow series and are counted.
"""

from __future__ import annotations

import contextlib
import functools
import math
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from opentelemetry.sdk.metrics._internal.exponential_histogram.mapping.exponent_mapping import ExponentMapping
from opentelemetry.sdk.metrics._internal.exponential_histogram.mapping.logarithm_mapping import (
    LogarithmMapping,
)

from tradewise_otel.catalogue.metrics import MAX_LABEL_SETS
from tradewise_otel.pipeline.ledger import Ledger

MAX_BUCKETS = 160
MAX_SCALE = 20
OVERFLOW = (("otel.metric.overflow", True),)
_FOLD_AT = 32768
_LOCK_SECONDS = 1.0
_ORDINARY = 2.0**-1000
_KEEP_NS = 3600 * 1_000_000_000

LabelValue = str | int | bool
Labels = tuple[tuple[str, LabelValue], ...]
Measured = tuple[str, Labels, float, bool]


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

    def add(self, value: float) -> None:
        """Adds a value; a duration of zero or less counts as zero, one that is no number not at all."""
        if not math.isfinite(value):
            return
        self.count += 1
        self.sum += value
        if value < self.min:
            self.min = value
        if value > self.max:
            self.max = value
        if value <= 0:
            self.zero_count += 1
            return
        index = _index(value, self.scale)
        if index in self.buckets:
            self.buckets[index] += 1
        else:
            self._place(index, 1)

    def merge(self, other: Histogram) -> None:
        """Adds what another histogram holds, at the coarser scale of the two or below."""
        self.count += other.count
        self.zero_count += other.zero_count
        self.sum += other.sum
        self.min, self.max = min(self.min, other.min), max(self.max, other.max)
        self._downscale(max(self.scale - other.scale, 0))
        for index, count in other.buckets.items():
            self._place(index >> (other.scale - self.scale), count)

    def _place(self, index: int, count: int) -> None:
        low, high = (min(index, self._low), max(index, self._high)) if self.buckets else (index, index)
        shift = 0
        while (high >> shift) - (low >> shift) >= MAX_BUCKETS:
            shift += 1
        if shift:
            self._downscale(shift)
            index, low, high = index >> shift, low >> shift, high >> shift
        self._low, self._high = low, high
        self.buckets[index] = self.buckets.get(index, 0) + count

    def _downscale(self, shift: int) -> None:
        merged: dict[int, int] = {}
        for index, count in self.buckets.items():
            merged[index >> shift] = merged.get(index >> shift, 0) + count
        self.buckets, self.scale = merged, self.scale - shift
        self._low, self._high = self._low >> shift, self._high >> shift

    def dense(self) -> tuple[int, list[int]]:
        """The index of the first bucket and the counts from there on, without gaps."""
        if not self.buckets:
            return 0, []
        return self._low, [self.buckets.get(index, 0) for index in range(self._low, self._high + 1)]


@dataclass
class Series:
    """The series of a stretch of time: counts and distributions by metric and labels."""

    since_ns: int = field(default_factory=time.time_ns)
    until_ns: int = 0
    counts: dict[str, dict[Labels, int]] = field(default_factory=dict)
    histograms: dict[str, dict[Labels, Histogram]] = field(default_factory=dict)


class Aggregate:
    """All series of one process; `collect` empties it (delta temporality)."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.reset()

    def reset(self) -> None:
        """Starts afresh, as in a forked child."""
        self._lock = threading.Lock()
        self._wanted = False
        self._arrivals: deque[Measured] = deque()
        self._series, self._lent = Series(), Series()

    def arrive(self, measured: Iterable[Measured]) -> None:
        """Takes what one event adds.

        Args:
            measured: by metric and labels, how many occurrences (with True), or one value of a distribution
                in the metric's documented unit (with False).
        """
        self._arrivals.extend(measured)
        if len(self._arrivals) >= _FOLD_AT and not self._wanted and self._lock.acquire(blocking=False):
            # The exporter thread is late: memory is worth more than this moment.
            try:
                self._fold(_FOLD_AT)
            finally:
                self._lock.release()

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        # Those that only help would take it again and again; one that waits has its turn.
        self._wanted = True
        # Whoever holds it for longer was stopped by a signal whose handler waits for us: nothing moves.
        owned = self._lock.acquire(timeout=_LOCK_SECONDS)
        self._wanted = False
        try:
            yield
        finally:
            if owned:
                self._lock.release()

    def fold(self) -> None:
        """Adds what has arrived to its series; called often, so that requests never have to."""
        with self._held():
            self._fold()

    def _fold(self, at_most: int | None = None) -> None:
        # Never without a bound: under load others add as fast as this takes away, and the lock would stay.
        for _ in range(at_most or len(self._arrivals)):
            try:
                metric, labels, value, counts = self._arrivals.popleft()
            except IndexError:
                return
            if counts:
                self._count(metric, labels, int(value))
            else:
                self._histogram(metric, labels).add(value)

    def _count(self, metric: str, labels: Labels, count: int) -> None:
        series = self._series.counts.setdefault(metric, {})
        if labels not in series:
            labels = self._bounded(series, labels)
        series[labels] = series.get(labels, 0) + count

    def _histogram(self, metric: str, labels: Labels) -> Histogram:
        series = self._series.histograms.setdefault(metric, {})
        found = series.get(labels)
        if found is None:
            found = series.setdefault(self._bounded(series, labels), Histogram())
        return found

    def _bounded(self, series: Mapping[Labels, object], labels: Labels) -> Labels:
        """The labels of a new series."""
        if len(series) < MAX_LABEL_SETS:
            return labels
        self._ledger.add("dropped", "metrics", reason="label_limit")
        return OVERFLOW

    def collect(self) -> Series:
        """What came since the last call; one thread's business, and to be read only until the next."""
        with self._held():
            self._fold()
            lent = self._series
            lent.until_ns = time.time_ns()
            self._lent, self._series = lent, Series(lent.until_ns)
        return lent

    def give_back(self) -> None:
        """Undoes the last `collect`, which could not be sent; what is an hour old is given up instead."""
        lent, self._lent = self._lent, Series()
        if time.time_ns() - lent.since_ns > _KEEP_NS:
            points = sum(map(len, lent.counts.values())) + sum(map(len, lent.histograms.values()))
            self._ledger.add("dropped", "metrics", points, "export_failed")
            return
        with self._held():
            self._take_back(lent)

    def _take_back(self, lent: Series) -> None:
        self._series.since_ns = lent.since_ns
        for metric, counts in lent.counts.items():
            for labels, count in counts.items():
                self._count(metric, labels, count)
        for metric, histograms in lent.histograms.items():
            for labels, histogram in histograms.items():
                self._histogram(metric, labels).merge(histogram)


def _index(value: float, scale: int) -> int:
    """The bucket of a positive value, as upstream's mapping has it and in a third of its time."""
    mantissa, _ = math.frexp(value)
    if scale <= 0 or mantissa == 0.5 or not _ORDINARY < value < 1 / _ORDINARY:
        # Exact powers of two and the ends of a float's range have rules of their own.
        return _mapping(scale).map_to_index(value)
    return math.floor(math.log(value) * math.ldexp(1 / math.log(2), scale))


@functools.cache
def _mapping(scale: int) -> LogarithmMapping | ExponentMapping:
    return LogarithmMapping(scale) if scale > 0 else ExponentMapping(scale)
