"""The KPI metrics and the ledger as OTLP `Metric` messages, in bytes (decision P11).

The same messages as upstream's encoder makes of the objects in `metrics`; a differential test holds that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from tradewise_otel.out import wire
from tradewise_otel.out.metrics import ROWS, Figures
from tradewise_otel.pipeline.aggregate import Histogram, Labels

_SUM, _EXPONENTIAL_HISTOGRAM = 7, 10
_DELTA = wire.number(2, 1)
_MONOTONIC = wire.number(3, 1)


def metrics(figures: Figures) -> Iterator[bytes]:
    """A `Metric` for each name."""
    series = figures.series
    times = _times(series.since_ns, series.until_ns)
    for name, counts in series.counts.items():
        yield _counts(name, counts, times)
    for name, histograms in series.histograms.items():
        yield _distributions(name, histograms, times)
    times = _times(figures.now_ns, figures.now_ns)
    for name, counts in figures.telemetry().items():
        yield _counts(name, counts, times)


def _times(since_ns: int, until_ns: int) -> bytes:
    return wire.fixed64(2, since_ns) + wire.fixed64(3, until_ns)


def _counts(name: str, series: Mapping[Labels, int], times: bytes) -> bytes:
    points = (
        wire.nested(1, times + wire.sfixed64(6, count) + wire.attributes(7, dict(labels)))
        for labels, count in series.items()
    )
    return _head(name) + wire.nested(_SUM, b"".join(points) + _DELTA + _MONOTONIC)


def _distributions(name: str, series: Mapping[Labels, Histogram], times: bytes) -> bytes:
    points = (
        wire.nested(1, wire.attributes(1, dict(labels)) + times + _values(histogram))
        for labels, histogram in series.items()
    )
    return _head(name) + wire.nested(_EXPONENTIAL_HISTOGRAM, b"".join(points) + _DELTA)


def _values(histogram: Histogram) -> bytes:
    offset, counts = histogram.dense()
    # Buckets without a count are absent, their offset too.
    buckets = wire.sint32(1, offset) + wire.packed(2, counts) if counts else b""
    return b"".join(
        (
            wire.fixed64(4, histogram.count),
            wire.double(5, histogram.sum),
            wire.sint32(6, histogram.scale),
            wire.fixed64(7, histogram.zero_count),
            wire.raw(8, buckets),
            wire.double(12, histogram.min),
            wire.double(13, histogram.max),
        )
    )


@cache
def _head(name: str) -> bytes:
    row = ROWS[name]
    return wire.text(1, name) + wire.text(2, row.brief) + wire.text(3, row.unit)
