"""What was measured and counted since the last sending, and its form as upstream's metric objects.

The objects are the way round our own encoder, as `sdk_objects` is for records.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from opentelemetry.sdk.metrics import export as otlp
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from tradewise_otel.catalogue.metrics import METRICS
from tradewise_otel.out.sdk_objects import writable_attributes
from tradewise_otel.pipeline.aggregate import Aggregate, Histogram, Labels, Series
from tradewise_otel.pipeline.ledger import Key, Ledger

ROWS = {row.name: row for row in METRICS}
_DELTA = otlp.AggregationTemporality.DELTA


@dataclass(frozen=True)
class Figures:
    """The KPI metrics and the ledger's news, whose time is `now_ns`."""

    series: Series
    news: Mapping[Key, int]
    now_ns: int

    def __bool__(self) -> bool:
        return bool(self.series.counts or self.series.histograms or self.news)

    def telemetry(self) -> dict[str, dict[Labels, int]]:
        """The ledger's news as counts by metric name and labels."""
        found: dict[str, dict[Labels, int]] = {}
        for (what, signal, reason), count in self.news.items():
            labels: Labels = (("tier", "app"), ("signal", signal)) if signal else (("tier", "app"),)
            series = found.setdefault(f"tradewise.telemetry.{what}", {})
            series[(*labels, ("reason", reason)) if reason else labels] = count
        return found


def collect(aggregate: Aggregate, ledger: Ledger) -> Figures:
    """All that happened since the last call; false when nothing did."""
    return Figures(aggregate.collect(), ledger.news(), time.time_ns())


def metrics_data(figures: Figures, resource: Resource, scope: InstrumentationScope) -> otlp.MetricsData:
    """The SDK's form of the figures."""
    series = figures.series
    span = series.since_ns, series.until_ns
    metrics = [
        *(_sum(name, points, *span) for name, points in series.counts.items()),
        *(_distribution(name, points, *span) for name, points in series.histograms.items()),
        *(_sum(name, points, figures.now_ns, figures.now_ns) for name, points in figures.telemetry().items()),
    ]
    scoped = otlp.ScopeMetrics(scope=scope, metrics=metrics, schema_url="")
    return otlp.MetricsData([otlp.ResourceMetrics(resource=resource, scope_metrics=[scoped], schema_url="")])


def _sum(name: str, series: Mapping[Labels, int], since: int, until: int) -> otlp.Metric:
    points = [
        otlp.NumberDataPoint(writable_attributes(dict(labels)), since, until, count)
        for labels, count in series.items()
    ]
    return _metric(name, otlp.Sum(points, _DELTA, is_monotonic=True))


def _distribution(name: str, series: Mapping[Labels, Histogram], since: int, until: int) -> otlp.Metric:
    points = [_point(labels, histogram, since, until) for labels, histogram in series.items()]
    return _metric(name, otlp.ExponentialHistogram(points, _DELTA))


def _point(
    labels: Labels, histogram: Histogram, since: int, until: int
) -> otlp.ExponentialHistogramDataPoint:
    return otlp.ExponentialHistogramDataPoint(
        attributes=writable_attributes(dict(labels)),
        start_time_unix_nano=since,
        time_unix_nano=until,
        count=histogram.count,
        sum=histogram.sum,
        scale=histogram.scale,
        zero_count=histogram.zero_count,
        positive=otlp.Buckets(*histogram.dense()),
        negative=otlp.Buckets(0, []),
        flags=0,
        min=histogram.min,
        max=histogram.max,
    )


def _metric(name: str, data: otlp.Sum | otlp.ExponentialHistogram) -> otlp.Metric:
    row = ROWS[name]
    return otlp.Metric(name=name, description=row.brief, unit=row.unit, data=data)
