"""Metric points as Datadog has them: the exporter's series and sketches, and OTLP by Datadog's mapping."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_DELTA

from tradewise_otel.tools.standin import otlp
from tradewise_otel.tools.standin.definitions import Definitions
from tradewise_otel.tools.standin.recording import Request

CONFIG_HEADER = "dd-otel-metric-config"
_KINDS = ("unspecified", "count", "rate", "gauge")
_OWN = ("otel.datadog_exporter.", "datadog.otel.")
# Resource attributes that are tags of every point.
_RESOURCE_TAGS = {
    "service.name": "service",
    "service.version": "version",
    "deployment.environment": "env",
    "deployment.environment.name": "env",
    "service.instance.id": "service.instance.id",
}


@dataclass(frozen=True)
class Point:
    """One point of a metric.

    Attributes:
        kind: "count", "rate", "gauge" or "distribution".
        tags: `key:value`, sorted.
        timestamp: unix seconds.
        via: "otlp" or "exporter".
        request: the number of the request in the recording.
        value: of anything but a distribution.
        count, sum, min, max: of a distribution.
        buckets: of a distribution by OTLP: a value in the middle of each bucket, and how many it has.
    """

    name: str
    kind: str
    tags: tuple[str, ...]
    host: str
    timestamp: int
    via: str
    request: int
    value: float = 0.0
    count: int = 0
    sum: float = 0.0
    min: float = 0.0
    max: float = 0.0
    buckets: tuple[tuple[float, int], ...] = ()

    @property
    def is_own(self) -> bool:
        """Whether the exporter tells about itself, with every flush."""
        return self.name.startswith(_OWN)


def exporter_series(request: Request, definitions: Definitions) -> Iterator[Point]:
    """The points of a request to `/api/v2/series`.

    Raises:
        ValueError: the body is no such payload.
    """
    payload: Any = definitions.parse(definitions.metric_payload, request)
    for series in payload.series:
        host = next((resource.name for resource in series.resources if resource.type == "host"), "")
        for point in series.points:
            yield Point(
                name=series.metric,
                kind=_KINDS[series.type],
                tags=tuple(sorted(series.tags)),
                host=host,
                timestamp=point.timestamp,
                via="exporter",
                request=request.number,
                value=point.value,
            )


def exporter_sketches(request: Request, definitions: Definitions) -> Iterator[Point]:
    """The points of a request to `/api/beta/sketches`.

    Raises:
        ValueError: the body is no such payload.
    """
    payload: Any = definitions.parse(definitions.sketch_payload, request)
    for sketch in payload.sketches:
        for point in sketch.dogsketches:
            yield Point(
                name=sketch.metric,
                kind="distribution",
                tags=tuple(sorted(sketch.tags)),
                host=sketch.host,
                timestamp=point.ts,
                via="exporter",
                request=request.number,
                count=point.cnt,
                sum=point.sum,
                min=point.min,
                max=point.max,
            )


def otlp_points(request: Request) -> Iterator[Point]:
    """The points of a request to the OTLP metrics intake.

    Raises:
        ValueError: the body is not what its headers say, or has a summary, which is not modelled.
    """
    config = json.loads(request.headers.get(CONFIG_HEADER, "{}"))
    for block in otlp.parse(request.route, request.body()).resource_metrics:
        resource = otlp.attributes(block.resource.attributes)
        for scope in block.scope_metrics:
            common = [*_resource_tags(resource, config), *_scope_tags(scope.scope, config)]
            for metric in scope.metrics:
                yield from _otlp_metric(metric, common, otlp.text(resource.get("host.name")), request)


def _resource_tags(resource: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    tags = _tags({_RESOURCE_TAGS[name]: value for name, value in resource.items() if name in _RESOURCE_TAGS})
    return [*tags, *_tags(resource)] if config.get("resource_attributes_as_tags") else tags


def _scope_tags(scope: Any, config: Mapping[str, Any]) -> list[str]:
    if not scope.name or not config.get("instrumentation_scope_metadata_as_tags", True):
        return []
    return _tags({"instrumentation_scope": scope.name, "instrumentation_scope_version": scope.version})


def _tags(attributes: Mapping[str, Any]) -> list[str]:
    return [f"{name}:{otlp.text(value) or 'n/a'}" for name, value in attributes.items()]


def _otlp_metric(metric: Any, common: Iterable[str], host: str, request: Request) -> Iterator[Point]:
    kind = metric.WhichOneof("data")
    if kind == "summary":
        raise ValueError(f"the summary {metric.name} is not modelled")
    data = getattr(metric, kind)
    for point in data.data_points:
        yield Point(
            name=metric.name,
            tags=tuple(sorted({*common, *_tags(otlp.attributes(point.attributes))})),
            host=host,
            timestamp=point.time_unix_nano // 1_000_000_000,
            via="otlp",
            request=request.number,
            **(_number(kind, data, point) if kind in ("sum", "gauge") else _distribution(point)),
        )


def _number(kind: str, data: Any, point: Any) -> dict[str, Any]:
    # The intake lets cumulative sums in only if they go up and down, and those are gauges.
    delta = kind == "sum" and data.aggregation_temporality == AGGREGATION_TEMPORALITY_DELTA
    return {"kind": "count" if delta else "gauge", "value": float(getattr(point, point.WhichOneof("value")))}


def _distribution(point: Any) -> dict[str, Any]:
    return {
        "kind": "distribution",
        "count": point.count,
        "sum": point.sum,
        "min": point.min,
        "max": point.max,
        "buckets": tuple(_buckets(point)),
    }


def _buckets(point: Any) -> Iterator[tuple[float, int]]:
    if hasattr(point, "explicit_bounds"):
        bounds = [point.min, *point.explicit_bounds, point.max]
        middles: Iterable[float] = ((low + high) / 2 for low, high in itertools.pairwise(bounds))
        counts = list(point.bucket_counts)
    else:
        yield from [(0.0, point.zero_count)] * bool(point.zero_count)
        base = 2.0 ** (2.0**-point.scale)
        counts = list(point.positive.bucket_counts)
        middles = (base ** (point.positive.offset + number + 0.5) for number in range(len(counts)))
    for middle, count in zip(middles, counts, strict=False):
        if count:
            yield min(max(middle, point.min), point.max), count
