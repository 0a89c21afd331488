"""Monitors as they are shipped, read so that they can be run here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tradewise_otel.tools.datadog.folder import Resource
from tradewise_otel.tools.datadog.language import logs, metrics

Group = tuple[tuple[str, str], ...]
"""Tag or attribute and its value, of each that a monitor groups by."""

_CHANNEL = re.compile(r"\$\{(TRADEWISE_NOTIFY_([A-Z]+))\}")


@dataclass(frozen=True)
class Rule:
    """One monitor.

    Attributes:
        asked: its query.
        delay_seconds: how far behind the present it looks.
        missing_tells: no data is what it is there to tell.
        notify: the channels, each with its address where that is set.
    """

    stem: str
    title: str
    asked: metrics.MetricMonitor | logs.LogMonitor
    delay_seconds: int
    missing_tells: bool
    notify: tuple[str, ...]


def rules(resources: Iterable[Resource], values: Mapping[str, str]) -> list[Rule]:
    """All monitors but burn rates of SLOs, which need a month.

    Raises:
        QuerySyntaxError: a query that cannot be read.
    """
    found = []
    for resource in resources:
        if resource.kind.folder == "monitors" and resource.body["type"] != "slo alert":
            found.append(_rule(resource, values))
    return found


def _rule(resource: Resource, values: Mapping[str, str]) -> Rule:
    body = resource.filled(dict(values), {}).body
    options = body["options"]
    asked = metrics.monitor(body["query"]) if body["type"] == "query alert" else logs.monitor(body["query"])
    return Rule(
        resource.stem,
        body["name"],
        asked,
        options.get("evaluation_delay", 0),
        options.get("on_missing_data") == "show_and_notify_no_data",
        tuple(
            f"{channel.lower()} ({values.get(setting, f'{setting} is not set')})"
            for setting, channel in _CHANNEL.findall(resource.body["message"])
        ),
    )
