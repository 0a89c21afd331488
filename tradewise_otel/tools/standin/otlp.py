"""OTLP requests at Datadog's intake: which path takes which message, and their values as Python ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

LOGS = "/v1/logs"
TRACES = "/v1/traces"
METRICS = frozenset({"/v1/metrics", "/api/v2/otlpmetrics"})

_MESSAGES: Mapping[str, type[Message]] = {
    LOGS: ExportLogsServiceRequest,
    TRACES: ExportTraceServiceRequest,
    **dict.fromkeys(METRICS, ExportMetricsServiceRequest),
}


def is_otlp(route: str) -> bool:
    """Whether this path, without its query, takes OTLP."""
    return route in _MESSAGES


def parse(route: str, body: bytes) -> Any:
    """The message of an OTLP path, from decompressed protobuf.

    Raises:
        ValueError: it is not such a message.
    """
    try:
        return _MESSAGES[route].FromString(body)
    except DecodeError as error:
        raise ValueError(f"no OTLP message for {route}: {error}") from error


def attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    """OTLP attributes as a dict."""
    return {pair.key: value(pair.value) for pair in pairs}


def value(any_value: Any) -> Any:
    """An OTLP value as a Python one; bytes as hex."""
    kind = any_value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "kvlist_value":
        return attributes(any_value.kvlist_value.values)
    if kind == "array_value":
        return [value(item) for item in any_value.array_value.values]
    if kind == "bytes_value":
        return any_value.bytes_value.hex()
    return getattr(any_value, kind)


def text(plain: Any) -> str:
    """A value as the text that a Datadog tag has: JSON for what is not a string."""
    if plain is None:
        return ""
    return plain if isinstance(plain, str) else json.dumps(plain, separators=(",", ":"), ensure_ascii=False)


def flattened(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dicts as one with dotted names; lists stay."""
    flat: dict[str, Any] = {}
    for name, item in tree.items():
        if isinstance(item, Mapping):
            flat |= flattened(item, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = item
    return flat
