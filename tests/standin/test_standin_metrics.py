"""Statistics and metric points as Datadog has them, out of its own messages, msgpack and OTLP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import msgpack
import pytest
from ddsketch import LogCollapsingLowestDenseDDSketch
from ddsketch.pb.proto import DDSketchProto
from intake_wire import metric_request, pairs
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    NumberDataPoint,
    Sum,
    Summary,
)

from tradewise_otel.tools.standin.definitions import Definitions
from tradewise_otel.tools.standin.metrics import Point
from tradewise_otel.tools.standin.received import Received, UndecodableError

Record = Callable[..., Received]
CUMULATIVE, DELTA = 2, 1
RESOURCE_TAGS = ("env:production", "service:tradewise-backend", "version:1.2.3")


def sketch(*values: float) -> bytes:
    """Durations as the Agent summarises them."""
    summary = LogCollapsingLowestDenseDDSketch(0.01, 2048)
    for value in values:
        summary.add(value)
    return bytes(DDSketchProto.to_proto(summary).SerializeToString())


def statistics(**row: Any) -> bytes:
    """A stats payload with one row."""
    bucket = {"Start": 10_000, "Duration": 10, "Stats": [row]}
    client = {"Hostname": "node-1", "Env": "production", "Version": "1.2.3", "Stats": [bucket]}
    return bytes(msgpack.packb({"AgentHostname": "collector", "AgentEnv": "none", "Stats": [client]}))


def otlp(received: Record, name: str, headers: dict[str, str] | None = None, **data: Any) -> Point:
    """The point that Datadog makes of one of OTLP."""
    return received("/v1/metrics", metric_request(name, **data), headers, status=200).metrics[-1]


def test_statistics_are_read(received: Record) -> None:
    """A row has its group, its counts, and where and when it was counted."""
    body = statistics(
        Service="shop",
        Name="http.server.request",
        Resource="GET /a",
        Type="web",
        HTTPStatusCode=500,
        SpanKind="server",
        Hits=100,
        Errors=5,
        TopLevelHits=100,
        Duration=123,
        PeerTags=["b:2", "a:1"],
        Synthetics=True,
        OkSummary=sketch(*range(1, 101)),
        ErrorSummary=b"",
    )
    (row,) = received("/api/v0.2/stats", body).stats
    assert (row.service, row.name, row.resource, row.type) == (
        "shop",
        "http.server.request",
        "GET /a",
        "web",
    )
    assert (row.http_status, row.span_kind, row.synthetics) == (500, "server", True)
    assert (row.hits, row.errors, row.top_level_hits, row.duration_ns) == (100, 5, 100, 123)
    assert row.peer_tags == ("a:1", "b:2")
    assert (row.host, row.env, row.version, row.start_ns) == ("node-1", "production", "1.2.3", 10_000)
    assert row.ok_summary(0.95) == pytest.approx(95, rel=0.02)
    assert row.error_summary(0.95) is None


def test_missing_statistics_are_nothing(received: Record) -> None:
    """A row with only some of its keys, and a payload without rows, are read; peers may be nil."""
    assert not received("/api/v0.2/stats", msgpack.packb({"Stats": None})).stats
    (row,) = received("/api/v0.2/stats", statistics(Hits=1, PeerTags=None)).stats
    assert (row.hits, row.errors, row.peer_tags, row.ok_summary(0.5)) == (1, 0, (), None)


def test_a_sparse_sketch_is_not_read_as_empty(received: Record) -> None:
    """Bins that Datadog's Python library skips are an error, not a wrong number."""
    from ddsketch.pb.ddsketch_pb2 import DDSketch

    proto = DDSketch()
    proto.positiveValues.binCounts[3] = 1
    (row,) = received("/api/v0.2/stats", statistics(OkSummary=proto.SerializeToString())).stats
    with pytest.raises(ValueError, match="sparse"):
        row.ok_summary(0.5)


def test_series_are_read(received: Record, definitions: Definitions) -> None:
    """A series of Datadog's own definition gives a point a value, with kind, host and sorted tags."""
    payload: Any = definitions.metric_payload()
    for name, kind in (("api.requests.count", 1), ("load", 2), ("queue", 3)):
        series = payload.series.add(metric=name, type=kind, tags=["b:2", "a:1"])
        series.resources.add(type="host", name="node-1")
        series.points.add(value=2.5, timestamp=10)
        series.points.add(value=3.5, timestamp=20)
    points = received("/api/v2/series", payload.SerializeToString()).metrics
    assert [point.kind for point in points] == ["count", "count", "rate", "rate", "gauge", "gauge"]
    assert points[1] == Point(
        name="api.requests.count",
        kind="count",
        tags=("a:1", "b:2"),
        host="node-1",
        timestamp=20,
        via="exporter",
        request=0,
        value=3.5,
    )


def test_series_may_be_json(received: Record) -> None:
    """The exporter reports itself in JSON on the same path; such a series is read as the others are."""
    series = {
        "metric": "load",
        "type": 3,
        "points": [{"timestamp": 10, "value": 1.5}],
        "resources": [{"type": "host", "name": "node-1"}],
        "tags": ["a:1"],
        "unknown": 1,
    }
    body = json.dumps({"series": [series]}).encode()
    (point,) = received("/api/v2/series", body, {"content-type": "application/json"}).metrics
    assert (point.name, point.kind, point.value, point.timestamp) == ("load", "gauge", 1.5, 10)
    assert (point.host, point.tags) == ("node-1", ("a:1",))


@pytest.mark.parametrize("name", ["otel.datadog_exporter.logs.running", "datadog.otel.gateway.configured"])
def test_the_exporters_own_metrics_are_apart(received: Record, definitions: Definitions, name: str) -> None:
    """What the exporter says about itself with every flush is not among the metrics."""
    payload: Any = definitions.metric_payload()
    payload.series.add(metric=name, type=3).points.add(value=1, timestamp=10)
    result = received("/api/v2/series", payload.SerializeToString())
    assert not result.metrics
    assert [point.name for point in result.own_metrics] == [name]


def test_sketches_are_distributions(received: Record, definitions: Definitions) -> None:
    """A sketch of Datadog's own definition gives count, sum, min and max."""
    payload: Any = definitions.sketch_payload()
    one = payload.sketches.add(metric="api.requests.duration", host="node-1", tags=["b:2", "a:1"])
    one.dogsketches.add(ts=10, cnt=4, sum=10.0, min=1.0, max=4.0, avg=2.5, k=[1], n=[4])
    (point,) = received("/api/beta/sketches", payload.SerializeToString()).metrics
    assert (point.name, point.kind, point.host, point.timestamp) == (
        "api.requests.duration",
        "distribution",
        "node-1",
        10,
    )
    assert (point.count, point.sum, point.min, point.max) == (4, 10.0, 1.0, 4.0)
    assert point.tags == ("a:1", "b:2")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"sum": Sum(aggregation_temporality=DELTA, is_monotonic=True)}, "count"),
        ({"sum": Sum(aggregation_temporality=CUMULATIVE)}, "gauge"),
        ({"gauge": Gauge()}, "gauge"),
    ],
)
def test_otlp_numbers_are_counts_and_gauges(received: Record, data: dict[str, Any], kind: str) -> None:
    """A delta sum is a count, an up-down counter and a gauge are gauges; tags say who and where."""
    at = time.time_ns()
    (points,) = data.values()
    points.data_points.append(
        NumberDataPoint(as_int=7, time_unix_nano=at, attributes=pairs({"endpoint": "/a"}))
    )
    point = otlp(received, "api.requests.count", **data)
    assert (point.kind, point.value, point.host, point.timestamp) == (
        kind,
        7.0,
        "node-1",
        at // 1_000_000_000,
    )
    assert point.tags == (
        "endpoint:/a",
        *RESOURCE_TAGS[:1],
        "instrumentation_scope:shop",
        "instrumentation_scope_version:n/a",
        *RESOURCE_TAGS[1:],
    )


@pytest.mark.parametrize(
    "data",
    [
        {"histogram": Histogram(data_points=[HistogramDataPoint(count=2, sum=5.0, min=1.0, max=4.0)])},
        {
            "exponential_histogram": ExponentialHistogram(
                data_points=[ExponentialHistogramDataPoint(count=2, sum=5.0, min=1.0, max=4.0)]
            )
        },
    ],
)
def test_otlp_histograms_are_distributions(received: Record, data: dict[str, Any]) -> None:
    """Both kinds of histogram are distributions with their exact count, sum, min and max."""
    point = otlp(received, "api.requests.duration", **data)
    assert (point.kind, point.count, point.sum, point.min, point.max) == ("distribution", 2, 5.0, 1.0, 4.0)


def test_the_config_header_says_what_is_a_tag(received: Record) -> None:
    """`dd-otel-metric-config` turns scope tags off and all resource attributes on."""
    config = {"resource_attributes_as_tags": True, "instrumentation_scope_metadata_as_tags": False}
    point = otlp(
        received,
        "m",
        {"dd-otel-metric-config": json.dumps(config)},
        gauge=Gauge(data_points=[NumberDataPoint(as_double=0.5)]),
    )
    assert point.value == 0.5
    assert {"process.pid:42", "host.name:node-1", *RESOURCE_TAGS} <= set(point.tags)
    assert not any(tag.startswith("instrumentation_scope") for tag in point.tags)


def test_a_summary_is_not_modelled(received: Record) -> None:
    """An OTLP summary is an error that names the metric, not a silent nothing."""
    with pytest.raises(UndecodableError, match="the summary old"):
        otlp(received, "old", summary=Summary())
