"""Layers put together wrongly are noticed: each fault below is found by a check that names it (2.M7)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from collector.otlp_wire import OURS, log, post, span
from gateway import Gateway, changed, gateway, gateway_role
from harness.holds import holds

from tradewise_otel.tools.collector.config import Role
from tradewise_otel.tools.standin.received import Received


@dataclass(frozen=True)
class Check:
    """What must hold of the records of `_send`; `layer` is what is broken when it does not."""

    layer: str
    holds: Callable[[Received], bool]


CHECKS = (
    Check("keep filter: a kept log", lambda datadog: len(_logs(datadog, "kept")) == 1),
    Check("keep filter: a log that was not kept", lambda datadog: not _logs(datadog, "left out")),
    Check(
        "keep filter: spans",
        lambda datadog: (
            {s.meta["sampling.reason"] for s in datadog.spans if "kept" in s.resource} == {"ratio"}
        ),
    ),
    Check(
        "classify: retention class",
        lambda datadog: _logs(datadog, "kept")[0].attributes.get("retention_class") == "performance_logs",
    ),
    Check(
        "classify: other services' spans",
        lambda datadog: (
            {s.meta.get("event_type") for s in datadog.spans if s.service == "other"} == {"external_api_call"}
        ),
    ),
    Check(
        "classify: identity",
        lambda datadog: (
            {(r.name, r.resource) for r in datadog.stats if r.service == "other"}
            == {("http.client.request", "GET bot.example.com")}
        ),
    ),
    Check("edge: status", lambda datadog: _logs(datadog, "kept")[0].status == "warning"),
    Check("edge: service", lambda datadog: {x.service for x in datadog.logs} == {"ours"}),
    Check(
        "edge: event.status",
        lambda datadog: _logs(datadog, "kept")[0].attributes.get("event.status") == "degraded",
    ),
    Check(
        "edge: peer.service",
        lambda datadog: _logs(datadog, "kept")[0].attributes.get("peer.service") == "trading_bot",
    ),
    Check("statistics: before the keep filter", lambda datadog: _hits(datadog, "ours") == 2),
)


def _logs(datadog: Received, message: str) -> list[object]:
    return [x for x in datadog.logs if x.message == message]


def _hits(datadog: Received, service: str) -> int:
    return sum(row.hits for row in datadog.stats if row.service == service)


def _send(running: Gateway) -> None:
    """A kept and a left-out log and span of ours, and one outgoing call of another service."""
    now = str(time.time_ns())
    event = {"event_type": "bot_health_check", "status": "degraded", "service": "trading_bot"}
    for message, reason in (("kept", "ratio"), ("left out", "none")):
        verdict = {"sampling.reason": reason, "sampling.weight": 1.0}
        resource = {"service.name": "ours", **OURS}
        line = log(message, attributes={**event, **verdict}, severityNumber=13, severityText="WARNING")
        post(running.http, "logs", [{**line, "timeUnixNano": now}], resource)
        http = {"http.request.method": "GET", "http.route": f"/{message}"}
        served = span(attributes={**http, **verdict}, startTimeUnixNano=now, endTimeUnixNano=now)
        post(running.http, "traces", [served], resource)
    call = {"http.request.method": "GET", "url.full": "https://bot.example.com/v1/trade?id=9"}
    called = span(3, attributes=call, startTimeUnixNano=now, endTimeUnixNano=now)
    post(running.http, "traces", [called], {"service.name": "other"})


def faults(folder: Path, role: Role) -> list[str]:
    """The layers that are broken in a role, by sending and looking."""
    with gateway(folder, role) as running:
        _send(running)
        running.wait(lambda datadog: datadog.spans and datadog.logs and len(datadog.stats) >= 2)
        # What must not come has had its time once the exporter has flushed a second time.
        time.sleep(1)
        running.datadog.refresh()
        return [check.layer for check in CHECKS if not _holds(check, running.datadog)]


def _holds(check: Check, datadog: Received) -> bool:
    try:
        return check.holds(datadog)
    except (KeyError, IndexError):
        return False


def _inverted(text: str) -> str:
    return text.replace('["sampling.reason"] == "none"', '["sampling.reason"] != "none"')


def _unclassified(text: str) -> str:
    return text.replace("        - transform/classify\n", "")


def _without(rename: str) -> Callable[[str], str]:
    return lambda text: re.sub(rf".*{rename}.*\n", "", text)


FAULTS: dict[str, tuple[str, Callable[[str], str], set[str]]] = {
    "the keep filter inverted": ("keep.yaml", _inverted, {"keep filter"}),
    "classify removed": ("gateway.yaml", _unclassified, {"classify"}),
    "the rename of status dropped": ("edge.generated.yaml", _without(r"event\.status"), {"edge"}),
    "the rename of service dropped": ("edge.generated.yaml", _without(r"peer\.service"), {"edge"}),
}


@holds("2.M2", "2.M7")
def test_the_shipped_role_has_no_fault(tmp_path: Path) -> None:
    """As shipped every check holds, so that a name below is that of its fault."""
    assert faults(tmp_path, gateway_role(tmp_path)) == []


@holds("2.M7")
@pytest.mark.parametrize(("layer", "change", "named"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_found_and_named(
    tmp_path: Path, layer: str, change: Callable[[str], str], named: set[str]
) -> None:
    """A layer that is inverted, removed or incomplete makes a check fail, and the check says which layer."""
    found = faults(tmp_path, changed(gateway_role(tmp_path), tmp_path, layer, change))
    assert found
    assert {name.partition(":")[0] for name in found} >= named
