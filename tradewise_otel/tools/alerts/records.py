"""Log monitors over a recording: Datadog's own search engine says which records count."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from vrl_python import VRLRuntime

from tradewise_otel.tools.datadog.language.logs import LogMonitor
from tradewise_otel.tools.standin.reserved import Log

from .rules import Group


class Counted:
    """The records that a monitor counts, by group, and when each came.

    Raises:
        QuerySyntaxError, VRLCompileError: Datadog's engine does not take the search.
    """

    def __init__(self, asked: LogMonitor, logs: Iterable[Log]) -> None:
        self._seconds = asked.minutes * 60
        self._by = tuple(name.removeprefix("@") for name in asked.by)
        self._times: dict[Group, list[float]] = defaultdict(list)
        search = Search(asked.search)
        for log in sorted(logs, key=lambda log: log.timestamp_ms):
            if search.matches(log):
                self._times[self._group(log)].append(log.timestamp_ms / 1000)

    def values(self, until: float) -> dict[Group, float]:
        """How many there are of each group in the window that ends then."""
        found = {
            group: float(bisect_right(times, until) - bisect_right(times, until - self._seconds))
            for group, times in self._times.items()
        }
        return {group: count for group, count in found.items() if count}

    def _group(self, log: Log) -> Group:
        return tuple((name, str(log.attributes.get(name, "N/A"))) for name in self._by)


class Search:
    """One log search, as Datadog means it (Vector's `match_datadog_query`)."""

    def __init__(self, text: str) -> None:
        self._engine = VRLRuntime()
        self._program = f"match_datadog_query(., {json.dumps(text)})"
        self._engine.compile(self._program)

    def matches(self, log: Log) -> bool:
        """Whether a record is found by it."""
        return bool(self._engine.execute(self._program, _event(log)).runtime_result)


def _event(log: Log) -> dict[str, Any]:
    """A record as the engine wants it: dotted names as objects, reserved fields beside them."""
    event: dict[str, Any] = {}
    for name, value in log.attributes.items():
        *path, last = name.split(".")
        inner = event
        for part in path:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                break
        else:
            inner[last] = value
    reserved = {"status": log.status, "service": log.service, "host": log.host, "source": log.source}
    return {**event, **reserved, "message": log.message, "tags": list(log.tags)}
