"""Spans as Datadog has them: from the exporter's trace payloads, and from OTLP by the Agent's V2 rules.

The rules are those of the Datadog Agent (`pkg/trace/transform`, `pkg/trace/otel/traceutil`). The exporter
runs them itself, and the OTLP traces intake is documented to apply them. What Datadog does to spans of OTLP
afterwards is not modelled: obfuscation of statements, the marks of sampling and of top-level spans.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tradewise_otel.tools.standin import otlp
from tradewise_otel.tools.standin.definitions import Definitions
from tradewise_otel.tools.standin.naming import names_of
from tradewise_otel.tools.standin.recording import Request

_LOW_64 = (1 << 64) - 1
# Datadog's names of HTTP attributes; others keep theirs.
_RENAMED = {
    "client.address": "http.client_ip",
    "http.response.body.size": "http.response.content_length",
    "http.response.status_code": "http.status_code",
    "http.request.body.size": "http.request.content_length",
    "http.request.header.referrer": "http.referrer",
    "http.request.method": "http.method",
    "network.protocol.version": "http.version",
    "server.address": "http.server_name",
    "url.full": "http.url",
    "user_agent.original": "http.useragent",
}
_RESERVED = frozenset({"service.name", "operation.name", "resource.name", "span.type"})
_HEADER = "http.request.header."


@dataclass(frozen=True)
class Span:
    """One span.

    Attributes:
        name: the operation, such as `http.server.request`.
        trace_id: the low 64 bits, as Datadog's own ids are.
        trace_id_hex: all 128 bits in 32 hex digits, as far as they were sent.
        start_ns: unix nanoseconds.
        error: 1 for an error, else 0.
        meta: string tags.
        metrics: numeric tags.
        via: "otlp" or "exporter".
        request: the number of the request in the recording.
    """

    service: str
    name: str
    resource: str
    type: str
    trace_id: int
    trace_id_hex: str
    span_id: int
    parent_id: int
    start_ns: int
    duration_ns: int
    error: int
    meta: dict[str, str]
    metrics: dict[str, float]
    host: str
    env: str
    via: str
    request: int


def exporter_spans(request: Request, definitions: Definitions) -> Iterator[Span]:
    """The spans of a request to `/api/v0.2/traces`.

    Raises:
        ValueError: the body is no payload, or one of the Agent's newer kind, which is not read.
    """
    payload: Any = definitions.parse(definitions.agent_payload, request)
    if payload.idxTracerPayloads:
        raise ValueError("the payload has idxTracerPayloads, which are not read")
    for traced in payload.tracerPayloads:
        host, env = traced.hostname or payload.hostName, traced.env or payload.env
        for chunk in traced.chunks:
            high = _high_bits(chunk)
            for span in chunk.spans:
                yield _from_datadog(span, high, host, env, request)


def otlp_spans(request: Request) -> Iterator[Span]:
    """The spans of a request to the OTLP traces intake.

    Raises:
        ValueError: the body is not what its headers say.
    """
    for block in otlp.parse(request.route, request.body()).resource_spans:
        resource = otlp.attributes(block.resource.attributes)
        for scope in block.scope_spans:
            for span in scope.spans:
                yield _from_otlp(span, resource, scope.scope.name, request)


def _high_bits(chunk: Any) -> str:
    """The upper half of the chunk's trace id, which senders write on one span of it."""
    tagged = (
        tags["_dd.p.tid"] for tags in (chunk.tags, *(s.meta for s in chunk.spans)) if "_dd.p.tid" in tags
    )
    return next(tagged, "")


def _from_datadog(span: Any, high: str, host: str, env: str, request: Request) -> Span:
    meta = dict(span.meta)
    return Span(
        service=span.service,
        name=span.name,
        resource=span.resource,
        type=span.type,
        trace_id=span.traceID,
        # The exporter writes the OpenTelemetry id on every span, and no upper half on the chunk.
        trace_id_hex=meta.get("otel.trace_id") or f"{high:0>16}{span.traceID:016x}",
        span_id=span.spanID,
        parent_id=span.parentID,
        start_ns=span.start,
        duration_ns=span.duration,
        error=span.error,
        meta=meta,
        metrics=dict(span.metrics),
        host=meta.get("_dd.hostname") or host,
        # The span's own tag counts before what the payload says.
        env=meta.get("env") or env,
        via="exporter",
        request=request.number,
    )


def _from_otlp(span: OtlpSpan, resource: Mapping[str, Any], scope: str, request: Request) -> Span:
    attributes = otlp.attributes(span.attributes)
    names = names_of(span, {**resource, **attributes})
    meta, metrics = _tags(span, attributes, resource, scope)
    return Span(
        service=otlp.text({**resource, **attributes}.get("service.name", "otlpresourcenoservicename")),
        name=names.operation,
        resource=names.resource,
        type=names.type,
        trace_id=int.from_bytes(span.trace_id, "big") & _LOW_64,
        trace_id_hex=span.trace_id.hex(),
        span_id=int.from_bytes(span.span_id, "big"),
        parent_id=int.from_bytes(span.parent_span_id, "big"),
        start_ns=span.start_time_unix_nano,
        duration_ns=span.end_time_unix_nano - span.start_time_unix_nano,
        error=int(span.status.code == Status.STATUS_CODE_ERROR),
        meta=meta,
        metrics=metrics,
        host=otlp.text(resource.get("host.name")),
        env=meta.get("env", ""),
        via="otlp",
        request=request.number,
    )


def _tags(
    span: OtlpSpan, attributes: Mapping[str, Any], resource: Mapping[str, Any], scope: str
) -> tuple[dict[str, str], dict[str, float]]:
    """String and numeric tags; what the span says counts before what its resource says."""
    meta: dict[str, str] = {}
    metrics: dict[str, float] = {}
    for name, item in attributes.items():
        if isinstance(item, int | float) and not isinstance(item, bool):
            metrics[_tag_name(name)] = float(item)
        elif name not in _RESERVED:
            meta[_tag_name(name)] = otlp.text(item)
    for name, text in _own_tags(span, {**resource, **attributes}, scope).items():
        if text:
            meta.setdefault(name, text)
    for name, item in resource.items():
        if name not in _RESERVED:
            meta.setdefault(_tag_name(name), otlp.text(item))
    return meta, metrics


def _own_tags(span: OtlpSpan, merged: Mapping[str, Any], scope: str) -> dict[str, str]:
    env = merged.get("deployment.environment.name") or merged.get("deployment.environment")
    failed = span.status.code == Status.STATUS_CODE_ERROR
    return {
        "env": otlp.text(env),
        "version": otlp.text(merged.get("service.version")),
        "otel.trace_id": span.trace_id.hex(),
        "otel.library.name": scope,
        "otel.status_code": Status.StatusCode.Name(span.status.code)
        .removeprefix("STATUS_CODE_")
        .capitalize(),
        "otel.status_description": span.status.message,
        "error.msg": span.status.message if failed else "",
        "span.kind": OtlpSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        "w3c.tracestate": span.trace_state,
        "events": _events(span),
        "_dd.span_events.has_exception": "true" if any(e.name == "exception" for e in span.events) else "",
    }


def _events(span: OtlpSpan) -> str:
    events = [
        {"time_unix_nano": e.time_unix_nano, "name": e.name, "attributes": otlp.attributes(e.attributes)}
        for e in span.events
    ]
    return json.dumps(events, ensure_ascii=False) if events else ""


def _tag_name(name: str) -> str:
    if name in _RENAMED:
        return _RENAMED[name]
    return f"http.request.headers.{name[len(_HEADER) :]}" if name.startswith(_HEADER) else name
