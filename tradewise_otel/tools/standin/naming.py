"""The names that Datadog gives a span of OTLP: operation, resource and type.

As in the Datadog Agent's `GetOTelOperationNameV2`, `GetOTelResourceV2` and `GetOTelSpanType`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tradewise_otel.tools.standin import otlp

_SERVER, _CLIENT = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT
_WIRED = frozenset({_SERVER, _CLIENT, Span.SPAN_KIND_CONSUMER, Span.SPAN_KIND_PRODUCER})
_SIDES: Mapping[int, str] = {_SERVER: "server", _CLIENT: "client"}
_METHOD = ("http.request.method", "http.method")
# Database systems whose type is their own name; the rest of the known ones are `sql`, the unknown `db`.
_OWN_TYPES = frozenset({"redis", "memcached", "mongodb", "elasticsearch", "opensearch", "cassandra"})
_SQL = frozenset(
    {
        "postgresql",
        "mysql",
        "mariadb",
        "mssql",
        "oracle",
        "sqlite",
        "cockroachdb",
        "db2",
        "other_sql",
        "redshift",
        "clickhouse",
    }
)


@dataclass(frozen=True)
class Names:
    """What a span is called."""

    operation: str
    resource: str
    type: str


def names_of(span: Span, attributes: Mapping[str, Any]) -> Names:
    """The names of a span; `attributes` are its own over those of its resource."""
    return Names(_operation(span, attributes), _resource(span, attributes), _type(span, attributes))


def _operation(span: Span, attributes: Mapping[str, Any]) -> str:
    if name := _text(attributes, ["operation.name"]):
        return name
    side = _SIDES.get(span.kind, "")
    if side and _text(attributes, _METHOD):
        return f"http.{side}.request"
    return (
        _data_operation(span, attributes)
        or _call_operation(side, attributes)
        or _kind_operation(span, attributes)
    )


def _data_operation(span: Span, attributes: Mapping[str, Any]) -> str:
    database = _text(attributes, ["db.system"])
    if database and span.kind == _CLIENT:
        return f"{database}.query"
    queue, verb = _text(attributes, ["messaging.system"]), _text(attributes, ["messaging.operation"])
    return f"{queue}.{verb}" if queue and verb and span.kind in _WIRED else ""


def _call_operation(side: str, attributes: Mapping[str, Any]) -> str:
    system = _text(attributes, ["rpc.system"])
    if system == "aws-api" and side == "client":
        return f"aws.{_text(attributes, ['rpc.service']) or 'client'}.request"
    if system and side:
        return f"{system}.{side}.request"
    return "graphql.server.request" if _text(attributes, ["graphql.operation.type"]) else ""


def _kind_operation(span: Span, attributes: Mapping[str, Any]) -> str:
    side = _SIDES.get(span.kind)
    if not side:
        kind = span.kind or Span.SPAN_KIND_INTERNAL
        return Span.SpanKind.Name(kind).removeprefix("SPAN_KIND_").capitalize()
    protocol = _text(attributes, ["network.protocol.name"])
    return f"{protocol}.{side}.request" if protocol else f"{side}.request"


def _resource(span: Span, attributes: Mapping[str, Any]) -> str:
    if name := _text(attributes, ["resource.name"]):
        return name
    if method := _text(attributes, _METHOD):
        route = _text(attributes, ["http.route"]) if span.kind == _SERVER else ""
        return f"{'HTTP' if method == '_OTHER' else method} {route}".strip()
    for first, *second in (
        ("messaging.operation", "messaging.destination", "messaging.destination.name"),
        ("rpc.method", "rpc.service"),
        ("graphql.operation.type", "graphql.operation.name"),
    ):
        if name := _text(attributes, [first]):
            return f"{name} {_text(attributes, second)}".strip()
    statement = _text(attributes, ["db.statement", "db.query.text"]) if "db.system" in attributes else ""
    return statement or span.name


def _type(span: Span, attributes: Mapping[str, Any]) -> str:
    if chosen := _text(attributes, ["span.type"]):
        return chosen
    if span.kind == _SERVER:
        return "web"
    if span.kind != _CLIENT:
        return "custom"
    database = _text(attributes, ["db.system"])
    if not database:
        return "http"
    return database if database in _OWN_TYPES else "sql" if database in _SQL else "db"


def _text(attributes: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((otlp.text(attributes[name]) for name in names if attributes.get(name)), "")
