"""Metrics at the edge to Datadog: what its intake would refuse, bill twice or take for something else."""

from __future__ import annotations

import time
from typing import Any

import pytest
from harness.holds import holds
from harness.sink import Sink, attributes
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from otlp_wire import OURS, post
from otlp_wire import attributes as wire

from tradewise_otel.catalogue.metrics import METRICS
from tradewise_otel.tools.collector.process import CollectorProcess

DELTA, CUMULATIVE = 1, 2
TWINS = [row.name for row in METRICS if not row.billed]
# Before the Collector: a series that goes on, as those of long-running services do.
BEGAN = str(time.time_ns() - 60 * 10**9)
THEIRS = {"service.name": "orders", "telemetry.sdk.language": "java"}


def _point(number: int, **tags: Any) -> dict[str, Any]:
    times = {"startTimeUnixNano": BEGAN, "timeUnixNano": str(time.time_ns())}
    return {**times, "asInt": str(number), "attributes": wire(tags)}


def _sum(name: str, number: int, temporality: int, monotonic: bool = True, **tags: Any) -> dict[str, Any]:
    points = [_point(number, **tags)]
    data = {"dataPoints": points, "aggregationTemporality": temporality, "isMonotonic": monotonic}
    return {"name": name, "sum": data}


def _gauge(name: str, number: int, **tags: Any) -> dict[str, Any]:
    return {"name": name, "gauge": {"dataPoints": [_point(number, **tags)]}}


def _histogram(name: str, count: int, temporality: int, exponential: bool = False) -> dict[str, Any]:
    point = {**_point(0), "count": str(count), "sum": float(count), "min": 1.0, "max": 1.0}
    del point["asInt"]
    buckets = {"scale": 0, "positive": {"offset": -1, "bucketCounts": [str(count)]}}
    point |= buckets if exponential else {"explicitBounds": [5.0], "bucketCounts": [str(count), "0"]}
    kind = "exponentialHistogram" if exponential else "histogram"
    return {"name": name, kind: {"dataPoints": [point], "aggregationTemporality": temporality}}


def _arrived(intake: Sink) -> dict[str, list[tuple[str, Any, dict[str, Any]]]]:
    """Name to what came of it: kind of data, its points, resource."""
    found: dict[str, list[tuple[str, Any, dict[str, Any]]]] = {}
    for body in intake.raw:
        for group in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for metric in (metric for scope in group.scope_metrics for metric in scope.metrics):
                kind = metric.WhichOneof("data")
                row = (kind, getattr(metric, kind), attributes(group.resource.attributes))
                found.setdefault(metric.name, []).append(row)
    return found


def _send(
    gateway: CollectorProcess,
    intake: Sink,
    metrics: list[dict[str, Any]],
    resource: dict[str, Any],
    last: str,
) -> dict[str, list[tuple[str, Any, dict[str, Any]]]]:
    """Send metrics and behind them one named `last`; what has arrived once that one has."""
    post(gateway.http, "metrics", [*metrics, _gauge(last, 1)], resource)
    intake.wait(lambda door: door.metric(last))
    return _arrived(intake)


def test_there_are_twins() -> None:
    """The catalogue has metrics that exist for other backends only, or the next tests show nothing."""
    assert len(TWINS) >= 3


@holds("2.M2")
def test_our_twins_are_not_billed(gateway: CollectorProcess, intake: Sink) -> None:
    """OpenTelemetry's own names for what documented metrics count are dropped from us, and only they."""
    sent = [*(_histogram(name, 3, DELTA) for name in TWINS), _sum("api.requests.count", 3, DELTA)]
    found = _send(gateway, intake, sent, OURS, "after.ours")
    ours = [
        name for name in TWINS for _, _, resource in found.get(name, []) if resource.items() >= OURS.items()
    ]
    assert ours == []
    assert found["api.requests.count"][0][1].data_points[0].as_int == 3


@holds("2.M2")
def test_twins_of_others_stay(gateway: CollectorProcess, intake: Sink) -> None:
    """For a service without our metrics they are the only ones."""
    found = _send(gateway, intake, [_histogram(name, 3, DELTA) for name in TWINS], THEIRS, "after.theirs")
    counts = [data.data_points[0].count for name in TWINS for _, data, _ in found[name]]
    assert counts == [3] * len(TWINS)


@holds("2.M2")
def test_what_counts_up_arrives_as_its_steps(gateway: CollectorProcess, intake: Sink) -> None:
    """Cumulative sums and histograms of others become deltas, since the intake refuses the other kind."""
    for step, total in enumerate((10, 17, 30)):
        sent = [_sum("their.jobs", total, CUMULATIVE), _histogram("their.sizes", total, CUMULATIVE)]
        found = _send(gateway, intake, sent, THEIRS, f"after.step.{step}")
    jobs, sizes = ([data for _, data, _ in found[name]] for name in ("their.jobs", "their.sizes"))
    assert {data.aggregation_temporality for data in (*jobs, *sizes)} == {DELTA}
    # Nobody knows what of the first was counted already, before a restart of this Collector.
    assert [data.data_points[0].as_int for data in jobs] == [7, 13]
    assert [data.data_points[0].count for data in sizes] == [7, 13]


@holds("2.M2")
def test_what_goes_up_and_down_is_a_gauge(gateway: CollectorProcess, intake: Sink) -> None:
    """A cumulative up-down counter arrives with its value at every time."""
    for step, total in enumerate((5, 3)):
        sent = [_sum("their.connections", total, CUMULATIVE, monotonic=False)]
        found = _send(gateway, intake, sent, THEIRS, f"after.gauge.{step}")
    kinds = [(kind, data.data_points[0].as_int) for kind, data, _ in found["their.connections"]]
    assert kinds == [("gauge", 5), ("gauge", 3)]


@holds("2.M2")
def test_nothing_cumulative_arrives(gateway: CollectorProcess, intake: Sink) -> None:
    """No kind of data comes with a total, or its whole request would be refused; what is beside it comes."""
    for step, total in enumerate((4, 9)):
        spread = _histogram("their.spread", total, CUMULATIVE, exponential=True)
        sent = [spread, _sum("their.beside", 1, DELTA)]
        found = _send(gateway, intake, sent, THEIRS, f"after.cumulative.{step}")
    assert [data.data_points[0].count for _, data, _ in found["their.spread"]] == [5]
    assert len(found["their.beside"]) == 2
    everything = [data for rows in found.values() for _, data, _ in rows]
    assert {getattr(data, "aggregation_temporality", DELTA) for data in everything} == {DELTA}


def test_deltas_pass_as_they_are(gateway: CollectorProcess, intake: Sink) -> None:
    """What is a delta already, as all of ours is, keeps its kind and value."""
    sent = [
        _sum("our.count", 4, DELTA),
        _sum("our.balance", -2, DELTA, monotonic=False),
        _histogram("our.spread", 4, DELTA, exponential=True),
    ]
    found = _send(gateway, intake, sent, OURS, "after.deltas")
    assert [found[name][0][0] for name in ("our.count", "our.balance")] == ["sum", "sum"]
    assert [found[name][0][1].data_points[0].as_int for name in ("our.count", "our.balance")] == [4, -2]
    assert found["our.spread"][0][0] == "exponential_histogram"


@holds("2.M2")
def test_workers_do_not_overwrite_each_other(gateway: CollectorProcess, intake: Sink) -> None:
    """Every point has its process's id as a tag: two with the same tags and second would be one."""
    for worker in ("a", "b"):
        resource = {**OURS, "service.instance.id": worker}
        sent = [
            _sum("worker.sum", 1, DELTA),
            _gauge("worker.gauge", 1),
            _histogram("worker.spread", 1, DELTA),
        ]
        found = _send(gateway, intake, sent, resource, f"after.worker.{worker}")
    for name in ("worker.sum", "worker.gauge", "worker.spread"):
        points = [point for _, data, _ in found[name] for point in data.data_points]
        assert sorted(attributes(point.attributes)["service.instance.id"] for point in points) == ["a", "b"]


TAGS = {"service": "peer.service", "host": "event.host", "env": "event.env", "version": "event.version"}


@holds("2.M2")
@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_of_datadogs_is_renamed(gateway: CollectorProcess, intake: Sink, tag: str) -> None:
    """Tags that Datadog fills from the resource cannot be set by a point, and others stay."""
    sent = [_sum(f"tagged.{tag}", 1, DELTA, **{tag: "x", "endpoint": "/a"})]
    found = _send(gateway, intake, sent, OURS, f"after.tag.{tag}")
    (point,) = found[f"tagged.{tag}"][0][1].data_points
    assert attributes(point.attributes) == {TAGS[tag]: "x", "endpoint": "/a"}


@holds("2.M2")
@pytest.mark.parametrize("resource", [OURS, THEIRS], ids=["ours", "theirs"])
def test_nobody_sends_statistics_but_the_connector(
    gateway: CollectorProcess, intake: Sink, resource: dict[str, Any]
) -> None:
    """Datadog's envelope for statistics, sent from outside, is dropped; who could send it could fake them."""
    envelope = "dd.internal.stats.payload"
    sent = [_sum(envelope, 1, DELTA, **{envelope: "x"}), _gauge(envelope, 1, **{envelope: "x"})]
    last = f"after.envelope.{len(resource)}"
    assert envelope not in _send(gateway, intake, sent, resource, last)
