"""The KPI metrics and the ledger as upstream's metric objects, ready for its exporter."""

from __future__ import annotations

import time
from collections.abc import Mapping

from opentelemetry.sdk.metrics import export as otlp
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from tradewise_otel.catalogue.metrics import METRICS
from tradewise_otel.pipeline.aggregate import Aggregate
from tradewise_otel.pipeline.ledger import Key, Ledger

_ROWS = {row.name: row for row in METRICS}
_DELTA = otlp.AggregationTemporality.DELTA


def collect(
    aggregate: Aggregate, ledger: Ledger, resource: Resource, scope: InstrumentationScope
) -> otlp.MetricsData | None:
    """All that happened since the last call; None when nothing did."""
    metrics = [*_kpis(aggregate), *_telemetry(ledger.news())]
    if not metrics:
        return None
    scoped = otlp.ScopeMetrics(scope=scope, metrics=metrics, schema_url="")
    return otlp.MetricsData([otlp.ResourceMetrics(resource=resource, scope_metrics=[scoped], schema_url="")])


def _kpis(aggregate: Aggregate) -> list[otlp.Metric]:
    sums, distributions = aggregate.collect()
    counts = [_metric(name, otlp.Sum(points, _DELTA, is_monotonic=True)) for name, points in sums.items()]
    return counts + [
        _metric(name, otlp.ExponentialHistogram(points, _DELTA)) for name, points in distributions.items()
    ]


def _telemetry(news: Mapping[Key, int]) -> list[otlp.Metric]:
    now = time.time_ns()
    points: dict[str, list[otlp.NumberDataPoint]] = {}
    for (what, signal, reason), count in news.items():
        labels = {"tier": "app", "signal": signal, **({"reason": reason} if reason else {})}
        point = otlp.NumberDataPoint(
            attributes=labels, start_time_unix_nano=now, time_unix_nano=now, value=count
        )
        points.setdefault(f"tradewise.telemetry.{what}", []).append(point)
    return [_metric(name, otlp.Sum(p, _DELTA, is_monotonic=True)) for name, p in points.items()]


def _metric(name: str, data: otlp.Sum | otlp.ExponentialHistogram) -> otlp.Metric:
    row = _ROWS[name]
    return otlp.Metric(name=name, description=row.brief, unit=row.unit, data=data)
