"""What an OTLP/JSON request is made of; the Collector's files hold one a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

LEVELS = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
}
"""By signal: the lists that a request is made of, from the outermost to that of the records."""


def records(request: Mapping[str, Any], signal: str) -> Iterator[dict[str, Any]]:
    """All records of a request of `logs`, `traces` or `metrics`, whatever their resource and scope."""
    outer, inner, name = LEVELS[signal]
    for group in request.get(outer, ()):
        for scoped in group.get(inner, ()):
            yield from scoped.get(name, ())


def texts(of: Mapping[str, Any]) -> dict[str, str]:
    """The attributes of a record, or of a metric's point, by name; each value as text."""
    return {
        item["key"]: str(next(iter(item.get("value", {}).values()), "")) for item in of.get("attributes", ())
    }
