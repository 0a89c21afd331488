"""What came out, as plain records: from where a case's Collector sends to, or from the laptop's files."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

from tradewise_otel.tools.cases.case import SIGNALS
from tradewise_otel.tools.cases.sending import KINDS, MADE_UP, STATUSES
from tradewise_otel.tools.otlp_json import LEVELS

Record = dict[str, Any]
UNSEEN = "unseen"
"""The exporter whose records are no part of a case."""

NOW = "<now>"
"""Stands for a time within ten minutes of now."""

_DATA = {
    "sum": "sum",
    "gauge": "gauge",
    "histogram": "histogram",
    "exponentialHistogram": "exponential_histogram",
    "summary": "summary",
}
_TEMPORALITY = ("unspecified", "delta", "cumulative")


class End:
    """Takes OTLP/JSON for any exporter, whose name is the first part of the path. A context manager."""

    def __init__(self) -> None:
        self._records: dict[str, list[Record]] = {signal: [] for signal in SIGNALS}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def records(self) -> dict[str, list[Record]]:
        """What has come so far, by signal."""
        return {signal: [*found] for signal, found in self._records.items()}

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, path: str, body: bytes) -> None:
        """One request."""
        exporter, _, signal = path.strip("/").rpartition("/v1/")
        if exporter != UNSEEN:
            self._records[signal] += decode(json.loads(body), signal, exporter)

    def _handler(end: Self) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                gzipped = self.headers.get("content-encoding") == "gzip"
                end.take(self.path, gzip.decompress(body) if gzipped else body)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        return Handler


def from_files(folder: Path) -> dict[str, list[Record]]:
    """What the laptop's files hold."""
    found: dict[str, list[Record]] = {}
    for signal in SIGNALS:
        file = folder / f"{signal}.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        found[signal] = [
            record for line in lines for record in decode(json.loads(line), signal, f"file/{signal}")
        ]
    return found


def decode(payload: Mapping[str, Any], signal: str, exporter: str) -> list[Record]:
    """The records of an OTLP/JSON request. What is empty is absent, and so are ids that no case has named."""
    outer, inner, name = LEVELS[signal]
    make = {"traces": _span, "logs": _log, "metrics": _metric}[signal]
    found = []
    for group in payload.get(outer, []):
        resource = _pairs(group.get("resource", {}).get("attributes", []))
        for scoped in group.get(inner, []):
            about = {"exporter": exporter, "resource": resource, "scope": scoped.get("scope", {}).get("name")}
            found += [_present({**about, **make(record)}) for record in scoped.get(name, [])]
    return found


def _log(record: Mapping[str, Any]) -> Record:
    return {
        **_ids(record),
        "time": _time(record.get("timeUnixNano")),
        "severity": record.get("severityNumber"),
        "severity_text": record.get("severityText"),
        "event_name": record.get("eventName"),
        "body": _plain(record.get("body", {})),
        "attributes": _pairs(record.get("attributes", [])),
    }


def _span(span: Mapping[str, Any]) -> Record:
    status = span.get("status", {})
    length = int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])
    return {
        **_ids(span),
        "name": span.get("name"),
        "kind": KINDS[span.get("kind", 0)],
        "time": _time(span["endTimeUnixNano"]),
        "duration_ms": length / 1_000_000,
        "status": STATUSES[status["code"]] if status.get("code") else None,
        "status_message": status.get("message"),
        "attributes": _pairs(span.get("attributes", [])),
        "events": [
            _present({"name": event.get("name"), "attributes": _pairs(event.get("attributes", []))})
            for event in span.get("events", [])
        ],
    }


def _metric(metric: Mapping[str, Any]) -> Record:
    kind = next(name for name in _DATA if name in metric)
    data = metric[kind]
    return {
        "name": metric.get("name"),
        "unit": metric.get("unit"),
        "kind": _DATA[kind],
        "temporality": _TEMPORALITY[data.get("aggregationTemporality", 0)] if kind != "gauge" else None,
        "points": [_present(_point(point)) for point in data.get("dataPoints", [])],
    }


def _point(point: Mapping[str, Any]) -> Record:
    number = float(point["asDouble"]) if "asDouble" in point else None
    return {
        "attributes": _pairs(point.get("attributes", [])),
        "value": int(point["asInt"]) if "asInt" in point else number,
        "count": int(point["count"]) if "count" in point else None,
        "sum": point.get("sum"),
    }


def _ids(record: Mapping[str, Any]) -> Record:
    ids = {"trace_id": "traceId", "span_id": "spanId", "parent_span_id": "parentSpanId"}
    said = {name: record.get(theirs, "") for name, theirs in ids.items()}
    return {name: text for name, text in said.items() if not text.startswith(MADE_UP)}


def _time(nanoseconds: str | None) -> str | None:
    if not nanoseconds or nanoseconds == "0":
        return None
    seconds = int(nanoseconds) / 1e9
    if abs(seconds - time.time()) < 600:
        return NOW
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")


def _present(record: Record) -> Record:
    return {name: item for name, item in record.items() if item not in (None, "", {}, [])}


def _pairs(of: Iterable[Mapping[str, Any]]) -> Record:
    return {item["key"]: _plain(item.get("value", {})) for item in of}


def _plain(any_value: Mapping[str, Any]) -> Any:
    if not any_value:
        return None
    ((kind, content),) = any_value.items()
    if kind == "intValue":
        return int(content)
    if kind == "doubleValue":
        return float(content)
    if kind == "kvlistValue":
        return _pairs(content.get("values", []))
    if kind == "arrayValue":
        return [_plain(item) for item in content.get("values", [])]
    return content
