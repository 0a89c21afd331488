"""Requests to the intake, and the OTLP messages that the tests send and decode."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from tradewise_otel.tools.standin.server import StandIn

RESOURCE = {
    "service.name": "tradewise-backend",
    "deployment.environment.name": "production",
    "service.version": "1.2.3",
    "host.name": "node-1",
    "process.pid": 42,
}


@dataclass(frozen=True)
class Reply:
    """What a client got."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def ask(
    standin: StandIn,
    path: str,
    body: bytes | None = b"{}",
    headers: Mapping[str, str] | None = None,
    timeout: float = 5,
) -> Reply:
    """One request on a connection of its own: a POST, or a GET without a body."""
    connection = http.client.HTTPConnection("127.0.0.1", standin.port, timeout=timeout)
    try:
        connection.request("GET" if body is None else "POST", path, body, dict(headers or {}))
        answer = connection.getresponse()
        return Reply(answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()})
    finally:
        connection.close()


def now_ns() -> int:
    """Unix nanoseconds."""
    return time.time_ns()


def pairs(attributes: Mapping[str, Any]) -> list[KeyValue]:
    """A dict as OTLP attributes."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def any_value(value: Any) -> AnyValue:
    """A Python value as an OTLP one."""
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, dict):
        return AnyValue(kvlist_value=KeyValueList(values=pairs(value)))
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
    return AnyValue(string_value=value)


def log_request(attributes: Mapping[str, Any], **record: Any) -> bytes:
    """An OTLP logs request of one record, of now unless `record` says so."""
    request = ExportLogsServiceRequest()
    block = request.resource_logs.add()
    block.resource.attributes.extend(pairs(RESOURCE))
    fields = {"time_unix_nano": now_ns(), "body": any_value("hello"), **record}
    block.scope_logs.add().log_records.add(attributes=pairs(attributes), **fields)
    return request.SerializeToString()


def span_request(attributes: Mapping[str, Any], **span: Any) -> bytes:
    """An OTLP traces request of one span."""
    request = ExportTraceServiceRequest()
    block = request.resource_spans.add()
    block.resource.attributes.extend(pairs(RESOURCE))
    fields = {"trace_id": bytes(range(16)), "span_id": bytes(range(8)), "name": "work", **span}
    block.scope_spans.add().spans.add(attributes=pairs(attributes), **fields)
    return request.SerializeToString()


def metric_request(name: str, **data: Any) -> bytes:
    """An OTLP metrics request of one metric; `data` is its `sum`, `gauge`, `histogram`, …"""
    request = ExportMetricsServiceRequest()
    block = request.resource_metrics.add()
    block.resource.attributes.extend(pairs(RESOURCE))
    scope = block.scope_metrics.add()
    scope.scope.name = "shop"
    scope.metrics.add(name=name, **data)
    return request.SerializeToString()
