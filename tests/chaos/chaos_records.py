"""Records that can be told apart: OTLP/JSON requests of ids in, the ids that reached Datadog out."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from tradewise_otel.tools.standin.received import Received

Signal = Literal["logs", "metrics", "traces"]
SIGNALS: tuple[Signal, ...] = ("logs", "metrics", "traces")

SERVICE = "chaos"
METRIC = "chaos.points"


def new_ids(rng: random.Random, known: Mapping[str, object], count: int) -> list[str]:
    """Ids that are in none of `known`: event ids, values of a metric's label, and span ids.

    Letters only: sixteen digits can be a card number, and the Collector would redact it.
    """
    fresh: dict[str, None] = {}
    while len(fresh) < count:
        made = "".join(rng.choices("abcdef", k=16))
        if made not in known:
            fresh[made] = None
    return list(fresh)


def payload(signal: Signal, ids: Sequence[str], phase: str) -> bytes:
    """One request with a record of each id; spans have the phase for a name, which the statistics keep."""
    outer, inner, build = _SHAPES[signal]
    resource = {"attributes": [_pair("service.name", SERVICE)]}
    group = {"resource": resource, inner: [{"scope": {"name": "chaos"}, **build(ids, phase)}]}
    return json.dumps({outer: [group]}).encode()


def arrived(received: Received, signal: Signal) -> Counter[str]:
    """How often each id has reached Datadog."""
    if signal == "logs":
        return Counter(str(log.attributes.get("event_id")) for log in received.logs)
    if signal == "traces":
        return Counter(f"{span.span_id:016x}" for span in received.spans)
    return Counter(_labels(received))


def hits(received: Received, phase: str) -> int:
    """How many spans of a phase the statistics have counted."""
    return sum(row.hits for row in received.stats if row.resource == phase)


def _labels(received: Received) -> Iterator[str]:
    for point in received.metrics:
        if point.name == METRIC:
            yield next(tag.removeprefix("point:") for tag in point.tags if tag.startswith("point:"))


def _pair(key: str, text: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": text}}


def _logs(ids: Sequence[str], phase: str) -> dict[str, Any]:
    common = {"timeUnixNano": str(time.time_ns()), "severityNumber": 9, "body": {"stringValue": phase}}
    return {"logRecords": [{**common, "attributes": [_pair("event_id", made)]} for made in ids]}


def _metrics(ids: Sequence[str], phase: str) -> dict[str, Any]:
    now = time.time_ns()
    common = {"startTimeUnixNano": str(now - 1_000_000_000), "timeUnixNano": str(now), "asInt": "1"}
    points = [{**common, "attributes": [_pair("point", made)]} for made in ids]
    # Delta, so that no point says what another has said already.
    return {"metrics": [{"name": METRIC, "sum": {"aggregationTemporality": 1, "dataPoints": points}}]}


def _spans(ids: Sequence[str], phase: str) -> dict[str, Any]:
    now = time.time_ns()
    times = {"startTimeUnixNano": str(now - 1_000_000), "endTimeUnixNano": str(now)}
    # Server spans without a parent: the statistics count each.
    common = {**times, "name": phase, "kind": 2}
    return {"spans": [{**common, "traceId": made + made, "spanId": made} for made in ids]}


_Build = Callable[[Sequence[str], str], dict[str, Any]]
_SHAPES: Mapping[Signal, tuple[str, str, _Build]] = {
    "logs": ("resourceLogs", "scopeLogs", _logs),
    "metrics": ("resourceMetrics", "scopeMetrics", _metrics),
    "traces": ("resourceSpans", "scopeSpans", _spans),
}
