"""Logs as senders hand them over, to the OTLP intake and to the Logs API, and as Datadog then has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tradewise_otel.tools.standin import otlp
from tradewise_otel.tools.standin.recording import Request
from tradewise_otel.tools.standin.reserved import Log, RawLog, milliseconds, preprocessed

OLDEST_SECONDS = 18 * 3600
"""A log whose official date is further back than this is not taken."""

_SEVERITIES = ("trace", "debug", "info", "warn", "error", "fatal")


def otlp_logs(request: Request) -> Iterator[Log]:
    """The logs of a request to the OTLP logs intake.

    Raises:
        ValueError: the body is not what its headers say.
    """
    for block in otlp.parse(request.route, request.body()).resource_logs:
        resource = otlp.flattened(otlp.attributes(block.resource.attributes))
        for scope in block.scope_logs:
            scoped = otlp.flattened(otlp.attributes(scope.scope.attributes))
            for record in scope.log_records:
                yield preprocessed(_from_record(record, resource, scoped, request), "otlp", request)


def exporter_logs(request: Request) -> Iterator[Log]:
    """The logs of a request to `/api/v2/logs`; the empty object that the exporter starts with is none.

    Raises:
        ValueError: the body is not what its headers say.
    """
    items = json.loads(request.body())
    for item in items if isinstance(items, list) else [items]:
        if item:
            yield preprocessed(_from_item(item, request), "exporter", request)


def too_old(log: Log, request: Request) -> bool:
    """Whether Datadog drops the log for its age."""
    return log.timestamp_ms / 1000 < request.t - OLDEST_SECONDS


def _from_record(record: Any, resource: dict[str, Any], scope: dict[str, Any], request: Request) -> RawLog:
    attributes = otlp.flattened(otlp.attributes(record.attributes)) | scope
    attributes |= {name: otlp.text(value) for name, value in resource.items()}
    nanoseconds = record.time_unix_nano or record.observed_time_unix_nano
    attributes |= {name: value for name, value in _of_record(record).items() if value}
    env = resource.get("deployment.environment.name") or resource.get("deployment.environment")
    unified = {
        "env": env,
        "service": resource.get("service.name"),
        "version": resource.get("service.version"),
    }
    return RawLog(
        status=record.severity_text or _severity_word(record.severity_number),
        service=otlp.text(resource.get("service.name")),
        host=otlp.text(resource.get("host.name")),
        source=otlp.text(attributes.pop("datadog.log.source", "otlp_log_ingestion")),
        message=otlp.text(otlp.value(record.body)),
        timestamp_ms=nanoseconds // 1_000_000 or int(request.t * 1000),
        tags=tuple(f"{key}:{value}" for key, value in unified.items() if value) + _ddtags(attributes),
        attributes=attributes,
    )


def _of_record(record: Any) -> dict[str, Any]:
    """The attributes that the exporter makes of a record's own fields, and the intake, as we assume."""
    return {
        "@timestamp": record.time_unix_nano // 1_000_000,
        "otel.timestamp": str(record.time_unix_nano or ""),
        "otel.severity_text": record.severity_text,
        "otel.severity_number": str(record.severity_number or ""),
        "otel.event_name": record.event_name,
        "otel.trace_id": record.trace_id.hex(),
        "otel.span_id": record.span_id.hex(),
    }


def _severity_word(number: int) -> str:
    return _SEVERITIES[min((number - 1) // 4, 5)] if number else "info"


def _from_item(item: dict[str, Any], request: Request) -> RawLog:
    outer = dict(item)
    message = otlp.text(outer.pop("message", ""))
    inner = _json_object(message)
    tags = _ddtags(outer)
    raw = RawLog(
        status=otlp.text(outer.pop("status", "")) or "info",
        service=otlp.text(outer.pop("service", "")),
        host=otlp.text(outer.pop("hostname", "")),
        source=otlp.text(outer.pop("ddsource", "")),
        message="" if inner else message,
        timestamp_ms=milliseconds(outer.pop("timestamp", None)) or int(request.t * 1000),
        tags=tags + _ddtags(inner),
        attributes={},
    )
    raw.attributes = otlp.flattened(outer) | otlp.flattened(inner)
    return raw


def _json_object(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text) if text.startswith("{") else None
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _ddtags(attributes: dict[str, Any]) -> tuple[str, ...]:
    return tuple(tag for tag in otlp.text(attributes.pop("ddtags", "")).split(",") if tag)
