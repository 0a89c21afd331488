"""Spans as Datadog has them: out of Datadog's own messages, and out of OTLP by its naming rules."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import pytest
from intake_wire import span_request
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tradewise_otel.tools.standin.definitions import Definitions
from tradewise_otel.tools.standin.received import Received
from tradewise_otel.tools.standin.spans import Span

Record = Callable[..., Received]
SERVER, CLIENT, PRODUCER, INTERNAL = (
    OtlpSpan.SPAN_KIND_SERVER,
    OtlpSpan.SPAN_KIND_CLIENT,
    OtlpSpan.SPAN_KIND_PRODUCER,
    OtlpSpan.SPAN_KIND_INTERNAL,
)


def otlp(received: Record, attributes: dict[str, Any], **span: Any) -> Span:
    """The span that Datadog makes of one of OTLP."""
    return received("/v1/traces", span_request(attributes, **span), status=200).spans[-1]


def test_the_exporters_payload_is_read(received: Record, definitions: Definitions) -> None:
    """A payload of Datadog's own definition gives its spans, with the trace id's upper half and the place."""
    payload: Any = definitions.agent_payload(hostName="collector", env="fallback")
    traced = payload.tracerPayloads.add(hostname="node-1", env="production")
    chunk = traced.chunks.add(priority=1)
    first = chunk.spans.add(
        service="shop",
        name="http.server.request",
        resource="GET /a",
        type="web",
        traceID=0xFEDCBA9876543210,
        spanID=2,
        parentID=1,
        start=5,
        duration=7,
        error=1,
    )
    first.meta.update({"_dd.p.tid": "0102030405060708", "event_type": "api_request"})
    first.metrics["http.status_code"] = 500
    chunk.spans.add(traceID=0xFEDCBA9876543210, meta={"env": "own"})
    body = zlib.compress(payload.SerializeToString())
    one, two = received("/api/v0.2/traces", body, {"content-encoding": "deflate"}).spans
    assert (one.service, one.name, one.resource, one.type) == (
        "shop",
        "http.server.request",
        "GET /a",
        "web",
    )
    assert (one.trace_id, one.trace_id_hex) == (0xFEDCBA9876543210, "0102030405060708fedcba9876543210")
    assert (one.span_id, one.parent_id, one.start_ns, one.duration_ns, one.error) == (2, 1, 5, 7, 1)
    assert (one.meta["event_type"], one.metrics["http.status_code"]) == ("api_request", 500)
    assert (one.host, one.env, one.via) == ("node-1", "production", "exporter")
    assert (two.trace_id_hex, two.env) == (one.trace_id_hex, "own")


def test_the_opentelemetry_id_is_the_whole_id(received: Record, definitions: Definitions) -> None:
    """The exporter sends no upper half but the OpenTelemetry id of each span, which is taken."""
    payload: Any = definitions.agent_payload()
    payload.tracerPayloads.add().chunks.add().spans.add(traceID=1, meta={"otel.trace_id": "ab" * 16})
    (span,) = received("/api/v0.2/traces", payload.SerializeToString()).spans
    assert (span.trace_id, span.trace_id_hex) == (1, "ab" * 16)


def test_a_payload_without_a_place_has_the_agents(received: Record, definitions: Definitions) -> None:
    """Host and env of the whole payload count where the tracer's part has none."""
    payload: Any = definitions.agent_payload(hostName="collector", env="fallback")
    payload.tracerPayloads.add().chunks.add().spans.add(traceID=1)
    (span,) = received("/api/v0.2/traces", payload.SerializeToString()).spans
    assert (span.host, span.env, span.trace_id_hex) == ("collector", "fallback", f"{1:032x}")


@pytest.mark.parametrize(
    ("kind", "attributes", "names"),
    [
        (
            SERVER,
            {"http.request.method": "GET", "http.route": "/a/{id}"},
            ("http.server.request", "GET /a/{id}", "web"),
        ),
        (SERVER, {"http.method": "GET"}, ("http.server.request", "GET", "web")),
        (
            CLIENT,
            {"http.request.method": "POST", "http.route": "/x"},
            ("http.client.request", "POST", "http"),
        ),
        (
            CLIENT,
            {"db.system": "postgresql", "db.statement": "SELECT 1"},
            ("postgresql.query", "SELECT 1", "sql"),
        ),
        (CLIENT, {"db.system": "redis"}, ("redis.query", "work", "redis")),
        (CLIENT, {"db.system": "new_db"}, ("new_db.query", "work", "db")),
        (
            PRODUCER,
            {
                "messaging.system": "kafka",
                "messaging.operation": "publish",
                "messaging.destination.name": "orders",
            },
            ("kafka.publish", "publish orders", "custom"),
        ),
        (
            CLIENT,
            {"rpc.system": "grpc", "rpc.method": "Buy", "rpc.service": "Shop"},
            ("grpc.client.request", "Buy Shop", "http"),
        ),
        (
            CLIENT,
            {"rpc.system": "aws-api", "rpc.service": "S3"},
            ("aws.S3.request", "work", "http"),
        ),
        (SERVER, {}, ("server.request", "work", "web")),
        (CLIENT, {"network.protocol.name": "ftp"}, ("ftp.client.request", "work", "http")),
        (INTERNAL, {}, ("Internal", "work", "custom")),
        (PRODUCER, {}, ("Producer", "work", "custom")),
        (0, {}, ("Internal", "work", "custom")),
        (
            SERVER,
            {
                "operation.name": "tradewise.task",
                "resource.name": "buy",
                "span.type": "worker",
                "http.method": "GET",
            },
            ("tradewise.task", "buy", "worker"),
        ),
    ],
)
def test_otlp_spans_are_named_as_by_the_agent(
    received: Record, kind: int, attributes: dict[str, Any], names: tuple[str, str, str]
) -> None:
    """Operation, resource and type follow the Agent's second version of the rules; explicit names win."""
    span = otlp(received, attributes, kind=kind)
    assert (span.name, span.resource, span.type) == names


def test_an_otlp_span_has_its_ids_times_and_place(received: Record) -> None:
    """Ids are 64 bit and 32 hex digits, times nanoseconds, service, host and env from the resource."""
    span = otlp(
        received,
        {},
        parent_span_id=bytes([0] * 7 + [9]),
        start_time_unix_nano=1000,
        end_time_unix_nano=1500,
    )
    assert span.trace_id == int.from_bytes(bytes(range(8, 16)), "big")
    assert span.trace_id_hex == bytes(range(16)).hex()
    assert (span.span_id, span.parent_id) == (int.from_bytes(bytes(range(8)), "big"), 9)
    assert (span.start_ns, span.duration_ns, span.error) == (1000, 500, 0)
    assert (span.service, span.host, span.env, span.via) == (
        "tradewise-backend",
        "node-1",
        "production",
        "otlp",
    )


def test_otlp_attributes_become_tags(received: Record) -> None:
    """Numbers are numeric tags, all else strings; HTTP names are Datadog's; lists and maps are JSON."""
    span = otlp(
        received,
        {
            "duration_ms": 1.5,
            "http.response.status_code": 500,
            "url.full": "http://a/",
            "http.request.header.x-a": "1",
            "flag": True,
            "list": [1, "a"],
            "map": {"a": 1},
            "operation.name": "kept out",
            "process.pid": "own",
        },
        kind=SERVER,
    )
    assert span.metrics == {"duration_ms": 1.5, "http.status_code": 500.0}
    expected = {
        "http.url": "http://a/",
        "http.request.headers.x-a": "1",
        "flag": "true",
        "list": '[1,"a"]',
        "map": '{"a":1}',
        "process.pid": "own",
        "version": "1.2.3",
        "span.kind": "server",
        "otel.status_code": "Unset",
    }
    assert expected.items() <= span.meta.items()
    assert not {"operation.name", "service.name"} & set(span.meta)


def test_a_span_of_its_own_env_is_in_it(received: Record) -> None:
    """A span attribute `env` beats the environment of the resource, which is how it goes wrong."""
    assert otlp(received, {"env": "hijacked"}).env == "hijacked"


def test_an_otlp_error_has_its_message_and_events(received: Record) -> None:
    """Status ERROR is an error with the status message; events are JSON in `events`."""
    span = otlp(
        received,
        {},
        status=Status(code=Status.STATUS_CODE_ERROR, message="boom"),
        events=[OtlpSpan.Event(name="exception")],
    )
    assert (span.error, span.meta["error.msg"]) == (1, "boom")
    assert '"name": "exception"' in span.meta["events"]
    assert span.meta["_dd.span_events.has_exception"] == "true"
    assert "error.type" not in span.meta
