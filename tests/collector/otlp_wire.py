"""OTLP/JSON for the Collector's tests: hand-made payloads in, whole records out of its files."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tradewise_otel.tools.collector.process import CollectorProcess

Start = Callable[..., CollectorProcess]
"""The `start` fixture: overlays and settings in, a running Collector out."""

TRACE_ID = "5b8efff798038103d269b633813fc60c"
SPAN_ID = "eee19b7ec3c1b174"
START = 1_700_000_000_000_000_000
FILES = {"logs": "logs.jsonl", "traces": "traces.jsonl", "metrics": "metrics.jsonl"}
_PATH = {
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
}
OURS = {"telemetry.distro.name": "tradewise-otel"}


def value(of: Any) -> dict[str, Any]:
    """A Python value as OTLP's AnyValue."""
    if isinstance(of, bool):
        return {"boolValue": of}
    if isinstance(of, int):
        return {"intValue": str(of)}
    if isinstance(of, float):
        return {"doubleValue": of}
    if isinstance(of, dict):
        return {"kvlistValue": {"values": attributes(of)}}
    if isinstance(of, list):
        return {"arrayValue": {"values": [value(item) for item in of]}}
    return {"stringValue": of}


def attributes(of: dict[str, Any]) -> list[dict[str, Any]]:
    """A dict as OTLP's list of key and value."""
    return [{"key": key, "value": value(item)} for key, item in of.items()]


def plain(any_value: dict[str, Any]) -> Any:
    """The way back from `value`."""
    ((kind, content),) = any_value.items()
    if kind == "intValue":
        return int(content)
    if kind == "kvlistValue":
        return pairs(content.get("values", []))
    if kind == "arrayValue":
        return [plain(item) for item in content.get("values", [])]
    return content


def pairs(of: list[dict[str, Any]]) -> dict[str, Any]:
    """The way back from `attributes`."""
    return {item["key"]: plain(item["value"]) for item in of}


def log(body: Any = "a line", **fields: Any) -> dict[str, Any]:
    """One log record; `attributes` is a plain dict, everything else is OTLP's own field."""
    own = attributes(fields.pop("attributes", {}))
    return {"timeUnixNano": str(START), "body": value(body), "attributes": own, **fields}


def span(kind: int = 2, milliseconds: float = 12.5, **fields: Any) -> dict[str, Any]:
    """One span (kind 2 server, 3 client); `attributes` is a plain dict."""
    own = attributes(fields.pop("attributes", {}))
    end = START + int(milliseconds * 1_000_000)
    times = {"startTimeUnixNano": str(START), "endTimeUnixNano": str(end)}
    ids = {"traceId": TRACE_ID, "spanId": SPAN_ID, "name": "a span", "kind": kind}
    return {**ids, **times, "attributes": own, **fields}


def post(
    http: str, signal: str, records: list[dict[str, Any]], resource: dict[str, Any] | None = None
) -> None:
    """Send records as one request of one resource; anything but success raises."""
    _, inner, name = _PATH[signal]
    scope = {"scope": {"name": "a.scope", "version": "1"}, name: records}
    post_groups(http, signal, [{"resource": {"attributes": attributes(resource or {})}, inner: [scope]}])


def post_groups(http: str, signal: str, groups: list[dict[str, Any]]) -> None:
    """Send resources with their scopes and records as one request; anything but success raises."""
    payload = json.dumps({_PATH[signal][0]: groups}).encode()
    request = urllib.request.Request(f"{http}/v1/{signal}", payload, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert json.loads(answer.read()).get("partialSuccess", {}) == {}


def records(data: Path, signal: str, count: int, timeout: float = 5.0) -> list[dict[str, Any]]:
    """Wait for `count` records in a file; returned in order, `attributes` and `resource` as plain dicts."""
    deadline = time.monotonic() + timeout
    while len(found := list(_read(data / FILES[signal], signal))) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} {signal} after {timeout} s"
        time.sleep(0.02)
    assert len(found) == count
    return found


def raw(data: Path, signal: str) -> str:
    """The file's text, for what must be nowhere in it."""
    return (data / FILES[signal]).read_text(encoding="utf-8")


def _read(path: Path, signal: str) -> Iterator[dict[str, Any]]:
    outer, inner, name = _PATH[signal]
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        for group in json.loads(line)[outer]:
            resource = pairs(group["resource"].get("attributes", []))
            for scope in group[inner]:
                for record in scope[name]:
                    own = pairs(record.get("attributes", []))
                    yield {**record, "attributes": own, "resource": resource, "scope": scope.get("scope", {})}
