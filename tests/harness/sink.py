"""An OTLP/HTTP door that takes what a process sends and gives it as plain dicts; it can refuse or hang."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from typing_extensions import Self

_REQUESTS: dict[str, Callable[[], Message]] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
}


class Sink:
    """Receives OTLP on a loopback port, a free one unless named. A context manager.

    Attributes:
        status: what it answers; 0 means never.
        raw: every body as it came, for leak scans.
    """

    def __init__(self, status: int = 200, port: int = 0) -> None:
        self.status = status
        self.raw: list[bytes] = []
        self._messages: list[tuple[str, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(sink: Sink) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                if sink.status == 0:
                    time.sleep(60)
                if sink.status == 200:
                    sink._take(self.path, body)
                self.send_response(sink.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        return Handler

    def _take(self, path: str, body: bytes) -> None:
        message: Any = _REQUESTS[path]()
        message.ParseFromString(body)
        self.raw.append(body)
        self._messages.append((path, message))

    @property
    def logs(self) -> list[dict[str, Any]]:
        """Log records: their attributes, and `body`, `severity_text`, ids, `scope` and `resource`."""
        return [
            {
                **attributes(record.attributes),
                "body": value(record.body),
                "severity_text": record.severity_text,
                "severity_number": record.severity_number,
                "event_name": record.event_name,
                "time_unix_nano": record.time_unix_nano,
                "trace_id": record.trace_id.hex(),
                "span_id": record.span_id.hex(),
                "scope": scoped.scope.name,
                "resource": attributes(block.resource.attributes),
            }
            for block in self._blocks("/v1/logs", "resource_logs")
            for scoped in block.scope_logs
            for record in scoped.log_records
        ]

    @property
    def spans(self) -> list[dict[str, Any]]:
        """Spans: `name`, `kind`, ids, times, `status`, `events`, and `attributes`, `resource` as dicts."""
        return [
            {
                "name": span.name,
                "kind": span.kind,
                "trace_id": span.trace_id.hex(),
                "span_id": span.span_id.hex(),
                "parent_span_id": span.parent_span_id.hex(),
                "start": span.start_time_unix_nano,
                "end": span.end_time_unix_nano,
                "status": span.status.code,
                "status_message": span.status.message,
                "trace_state": span.trace_state,
                "events": [{"name": e.name, **attributes(e.attributes)} for e in span.events],
                "attributes": attributes(span.attributes),
                "scope": scoped.scope.name,
                "resource": attributes(block.resource.attributes),
            }
            for block in self._blocks("/v1/traces", "resource_spans")
            for scoped in block.scope_spans
            for span in scoped.spans
        ]

    def metric(self, name: str) -> list[tuple[dict[str, Any], float]]:
        """(labels, value) of every data point of a metric; the count for histograms."""
        return [
            (attributes(point.attributes), getattr(point, "as_int", 0) or getattr(point, "count", 0))
            for block in self._blocks("/v1/metrics", "resource_metrics")
            for scoped in block.scope_metrics
            for metric in scoped.metrics
            if metric.name == name
            for point in getattr(metric, metric.WhichOneof("data")).data_points
        ]

    def total(self, name: str, **labels: Any) -> float:
        """Sum over the data points of a metric whose labels hold `labels`."""
        return sum(v for have, v in self.metric(name) if labels.items() <= have.items())

    def events(self, event_type: str) -> list[dict[str, Any]]:
        """Log records of one event type."""
        return [record for record in self.logs if record.get("event_type") == event_type]

    def wait(self, condition: Callable[[Sink], object], seconds: float = 15.0) -> None:
        """Returns once `condition(self)` holds; fails after `seconds`."""
        deadline = time.monotonic() + seconds
        while not condition(self):
            assert time.monotonic() < deadline, "the sink never saw what was waited for"
            time.sleep(0.05)

    def _blocks(self, path: str, field: str) -> list[Any]:
        return [
            block for p, message in list(self._messages) if p == path for block in getattr(message, field)
        ]


def attributes(pairs: Any) -> dict[str, Any]:
    """OTLP attributes as a dict."""
    return {pair.key: value(pair.value) for pair in pairs}


def value(any_value: Any) -> Any:
    """An OTLP value as a Python one."""
    kind = any_value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "kvlist_value":
        return attributes(any_value.kvlist_value.values)
    if kind == "array_value":
        return [value(item) for item in any_value.array_value.values]
    return getattr(any_value, kind)
