"""What the Collector is given under measurement: 500 records of ours, twelve attributes each, 50 kept."""

from __future__ import annotations

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

RECORDS = 500
_NOW = 1_790_000_000_000_000_000


def logs() -> bytes:
    """An OTLP request of `api_response` records."""
    scoped = ScopeLogs(log_records=[_log(number) for number in range(RECORDS)])
    request = ExportLogsServiceRequest(resource_logs=[ResourceLogs(resource=_OURS, scope_logs=[scoped])])
    return request.SerializeToString()


def spans() -> bytes:
    """An OTLP request of server spans, each of a trace of its own."""
    scoped = ScopeSpans(spans=[_span(number) for number in range(RECORDS)])
    request = ExportTraceServiceRequest(resource_spans=[ResourceSpans(resource=_OURS, scope_spans=[scoped])])
    return request.SerializeToString()


def _attributes(values: dict[str, str | int | float]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in values.items()]


def _value(value: str | int | float) -> AnyValue:
    if isinstance(value, str):
        return AnyValue(string_value=value)
    return AnyValue(int_value=value) if isinstance(value, int) else AnyValue(double_value=value)


def _verdict(number: int) -> dict[str, str | int | float]:
    kept = number % 10 == 0
    return {"sampling.reason": "ratio" if kept else "none", "sampling.weight": 10.0 if kept else 1.0}


def _log(number: int) -> LogRecord:
    attributes: dict[str, str | int | float] = {
        "event_type": "api_response",
        "event_id": f"{number:016x}",
        "request_id": f"6f1c2d3e-0000-4000-8000-{number:012x}",
        "user_id": f"user-{number}",
        "method": "GET",
        "path": f"/api/v1/bots/{number}/status",
        "route": "/api/v1/bots/{bot_id}/status",
        "status_code": 200,
        "response_time_ms": 12.5 + number,
        "performance_status": "normal",
        **_verdict(number),
    }
    return LogRecord(
        time_unix_nano=_NOW + number,
        observed_time_unix_nano=_NOW + number,
        severity_number=9,  # type: ignore[arg-type]
        severity_text="INFO",
        body=AnyValue(string_value="GET /api/v1/bots/{bot_id}/status 200"),
        attributes=_attributes(attributes),
        trace_id=number.to_bytes(16, "big"),
        span_id=(number + 1).to_bytes(8, "big"),
        event_name="api_response",
    )


def _span(number: int) -> Span:
    attributes: dict[str, str | int | float] = {
        "event_type": "api_response",
        "request_id": f"6f1c2d3e-0000-4000-8000-{number:012x}",
        "user_id": f"user-{number}",
        "http.request.method": "GET",
        "url.path": f"/api/v1/bots/{number}/status",
        "http.route": "/api/v1/bots/{bot_id}/status",
        "http.response.status_code": 200,
        "server.address": "10.0.0.7",
        "client.address": "10.0.0.9",
        "user_agent.original": "python-httpx/0.28.1",
        **_verdict(number),
    }
    return Span(
        trace_id=(number + 1).to_bytes(16, "big"),
        span_id=(number + 1).to_bytes(8, "big"),
        name="GET /api/v1/bots/{bot_id}/status",
        kind=Span.SpanKind.SPAN_KIND_SERVER,
        start_time_unix_nano=_NOW + number,
        end_time_unix_nano=_NOW + number + 12_500_000,
        attributes=_attributes(attributes),
    )


_OURS = Resource(
    attributes=_attributes(
        {
            "service.name": "orders-backend",
            "service.version": "1.4.2",
            "deployment.environment.name": "production",
            "telemetry.distro.name": "tradewise-otel",
            "host.name": "node-7",
        }
    )
)
