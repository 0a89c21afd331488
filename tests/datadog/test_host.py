"""Whose host Datadog sees: the node's, or none; never the gateway's (2.M3)."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from collector.otlp_wire import attributes, log, post_groups, span
from gateway import Gateway, gateway, gateway_role
from harness.holds import holds

NODE = "node-7.example.com"
# What the exporter says of itself where a payload has no host: a word that is nobody's host.
NOBODY = "unknown"
WAYS = ["", "datadog-exporter-only", "datadog-otlp"]


@dataclass
class Hosts:
    """Hosts by signal, of a service on a node and of one that nobody gave a node."""

    of_node: dict[str, set[str]]
    of_none: dict[str, set[str]]


@pytest.fixture(scope="module", params=WAYS, ids=lambda way: way or "default")
def hosts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """What arrived by one way out."""
    folder = tmp_path_factory.mktemp("hosts")
    overlays = [request.param] if request.param else []
    with gateway(folder, gateway_role(folder, overlays)) as running:
        _send(running, "on-node", {"host.name": NODE})
        _send(running, "on-none", {"process.runtime.name": "cpython"})
        seen = _seen(running)
        running.wait(lambda datadog: len(seen("on-none")) == len(seen("on-node")) == 4)
        yield Hosts(seen("on-node"), seen("on-none"))


def _send(running: Gateway, service: str, resource: dict[str, str]) -> None:
    own = {"attributes": attributes({"service.name": service, **resource})}
    http = {"attributes": {"http.request.method": "GET", "http.route": "/x"}}
    point = {"asInt": "1", "timeUnixNano": _now(), "startTimeUnixNano": _now(), "attributes": []}
    metric = {
        "name": "orders",
        "sum": {"dataPoints": [point], "aggregationTemporality": 1, "isMonotonic": True},
    }
    now = {"startTimeUnixNano": _now(), "endTimeUnixNano": _now(1)}
    for signal, inner, name, record in (
        ("logs", "scopeLogs", "logRecords", {**log(), "timeUnixNano": _now()}),
        ("traces", "scopeSpans", "spans", {**span(**http), **now}),
        ("metrics", "scopeMetrics", "metrics", metric),
    ):
        post_groups(running.http, signal, [{"resource": own, inner: [{name: [record]}]}])


def _now(later_ms: int = 0) -> str:
    return str(time.time_ns() + later_ms * 1_000_000)


def _seen(running: Gateway) -> Callable[[str], dict[str, set[str]]]:
    """Hosts by signal of one service; a signal of which nothing has come is not there."""

    def of(service: str) -> dict[str, set[str]]:
        datadog = running.datadog
        tag = f"service:{service}"
        found = {
            "logs": {x.host for x in datadog.logs if x.service == service},
            "spans": {x.host for x in datadog.spans if x.service == service},
            "statistics": {x.host for x in datadog.stats if x.service == service}
            | {_host(p) for p in datadog.metrics if p.name.startswith("traces.") and tag in p.tags},
            "metrics": {_host(p) for p in datadog.metrics if p.name == "orders" and tag in p.tags},
        }
        return {signal: hosts for signal, hosts in found.items() if hosts}

    return of


def _host(point: object) -> str:
    return str(point.host)  # type: ignore[attr-defined]


@holds("2.M3")
def test_a_node_is_the_host_of_every_signal(hosts: Hosts) -> None:
    """host.name of the resource is the host of its logs, spans, statistics and metrics."""
    assert hosts.of_node == {signal: {NODE} for signal in ("logs", "spans", "statistics", "metrics")}


@holds("2.M3")
def test_without_a_node_there_is_no_host(hosts: Hosts) -> None:
    """A service without a node has no host in any signal, and never the gateway's."""
    allowed = {"", NOBODY}
    assert all(found <= allowed for found in hosts.of_none.values()), hosts.of_none
    assert socket.gethostname() not in set().union(*hosts.of_none.values())
    assert hosts.of_none["statistics"] == hosts.of_none["metrics"] == {""}
