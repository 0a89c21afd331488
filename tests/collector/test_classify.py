"""Services without our distro get documented events, one language and no say in our verdicts."""

from __future__ import annotations

from typing import Any

import pytest
from otlp_wire import OURS, TRACE_ID, log, post, records, span

from tradewise_otel.tools.collector.process import CollectorProcess

SERVER, CLIENT, INTERNAL = 2, 3, 1

# As the Java agent writes them: today's conventions.
JAVA = {
    "service.name": "orders",
    "telemetry.sdk.language": "java",
    "telemetry.distro.name": "opentelemetry-java",
}
# As Go's contrib wrote them for years: the old ones.
GO = {"service.name": "prices", "telemetry.sdk.language": "go", "deployment.environment": "production"}

API_RESPONSE = {
    "event_type": "api_response",
    "method": "GET",
    "path": "/api/v1/bots/7",
    "route": "/api/v1/bots/{id}",
    "status_code": 200,
    "response_time_ms": 12.5,
    "client_ip": "192.168.1.100",
    "user_agent": "curl/8",
}
CALL = {
    "event_type": "external_api_call",
    "method": "POST",
    "endpoint": "/api/v1/status",
    "status_code": 503,
    "duration_ms": 12.5,
    "api_url": "http://bot.example:8080/api/v1/status?x=1",
    "peer.service": "bot.example",
    "event.service": "bot.example",
    "resource.name": "POST bot.example",
}
QUERY = {
    "event_type": "database_operation",
    "operation": "SELECT",
    "table": "bots",
    "database": "tradewise",
    "duration_ms": 12.5,
}

SPANS: dict[str, tuple[dict[str, str], int, dict[str, Any], dict[str, Any]]] = {
    "java-server": (
        JAVA,
        SERVER,
        {
            "http.request.method": "GET",
            "url.path": "/api/v1/bots/7",
            "url.scheme": "http",
            "http.route": "/api/v1/bots/{id}",
            "http.response.status_code": 200,
            "client.address": "192.168.1.100",
            "user_agent.original": "curl/8",
        },
        API_RESPONSE,
    ),
    "go-server": (
        GO,
        SERVER,
        {
            "http.method": "GET",
            "http.target": "/api/v1/bots/7?debug=1",
            "http.scheme": "http",
            "http.route": "/api/v1/bots/{id}",
            "http.status_code": 200,
            "net.sock.peer.addr": "192.168.1.100",
            "http.user_agent": "curl/8",
        },
        API_RESPONSE,
    ),
    "java-client": (
        JAVA,
        CLIENT,
        {
            "http.request.method": "POST",
            "url.full": "http://bot.example:8080/api/v1/status?x=1",
            "server.address": "bot.example",
            "server.port": 8080,
            "http.response.status_code": 503,
        },
        CALL,
    ),
    "go-client": (
        GO,
        CLIENT,
        {
            "http.method": "POST",
            "http.url": "http://bot.example:8080/api/v1/status?x=1",
            "http.status_code": 503,
        },
        CALL,
    ),
    "java-database": (
        JAVA,
        CLIENT,
        {
            "db.system.name": "postgresql",
            "db.namespace": "tradewise",
            "db.operation.name": "SELECT",
            "db.collection.name": "bots",
            "db.query.text": "SELECT * FROM bots WHERE id = ?",
        },
        QUERY,
    ),
    "go-database": (
        GO,
        CLIENT,
        {
            "db.system": "postgresql",
            "db.name": "tradewise",
            "db.statement": "SELECT *\nFROM bots\nWHERE id = $1",
        },
        QUERY,
    ),
}


@pytest.mark.parametrize("case", SPANS)
def test_foreign_span_becomes_a_documented_event(collector: CollectorProcess, case: str) -> None:
    """A span of a service without our distro carries the event type and the documented fields it can fill."""
    resource, kind, sent, expected = SPANS[case]
    post(collector.http, "traces", [span(kind, attributes=sent)], resource)
    (record,) = records(collector.data, "traces", 1)
    found = {name: record["attributes"].get(name) for name in expected}
    assert found == expected


def test_old_names_are_replaced_by_new_ones(collector: CollectorProcess) -> None:
    """After normalising there is one name for each thing, so that one query finds it in every service."""
    resource, kind, sent, _ = SPANS["go-server"]
    post(collector.http, "traces", [span(kind, attributes=sent)], resource)
    (record,) = records(collector.data, "traces", 1)
    assert not {"http.method", "http.target", "http.status_code"} & record["attributes"].keys()
    assert record["attributes"]["url.query"] == "debug=1"
    assert record["resource"]["deployment.environment.name"] == "production"
    assert "deployment.environment" not in record["resource"]


def test_other_spans_stay_plain(collector: CollectorProcess) -> None:
    """What is neither a request nor a call is no event."""
    post(collector.http, "traces", [span(INTERNAL, attributes={"http.request.method": "GET"})], JAVA)
    (record,) = records(collector.data, "traces", 1)
    assert "event_type" not in record["attributes"]


def test_our_spans_keep_what_the_app_said(collector: CollectorProcess) -> None:
    """A span of ours that has its event type and fields is not classified a second time."""
    sent = {"event_type": "api_response", "http.request.method": "GET", "response_time_ms": 3.0, "path": "/x"}
    post(collector.http, "traces", [span(SERVER, attributes={**sent, "sampling.reason": "none"})], OURS)
    (record,) = records(collector.data, "traces", 1)
    assert record["attributes"] == {**sent, "sampling.reason": "none"}


def test_reserved_names_leave_the_span(collector: CollectorProcess) -> None:
    """`service`, `env` and `status` mean something else to Datadog on a span, so they get other names."""
    sent = {"service": "trading_bot", "env": "x", "status": "healthy", "event_type": "external_api_call"}
    post(collector.http, "traces", [span(CLIENT, attributes=sent)], OURS)
    (record,) = records(collector.data, "traces", 1)
    assert not {"service", "env", "status"} & record["attributes"].keys()
    expected = {"peer.service": "trading_bot", "event.service": "trading_bot", "event.status": "healthy"}
    assert {**record["attributes"], **expected} == record["attributes"]


def test_profiled_functions_are_one_operation(collector: CollectorProcess) -> None:
    """Spans of profiled functions share the operation name under which statistics count them."""
    post(collector.http, "traces", [span(INTERNAL, attributes={"event_type": "performance_metric"})], OURS)
    (record,) = records(collector.data, "traces", 1)
    assert record["attributes"]["operation.name"] == "tradewise.task"


@pytest.mark.parametrize(
    ("event_type", "severity", "retention"),
    [
        ("security_login_failed", 13, "security_events"),
        ("security_anything", 13, "security_events"),
        ("business_bot_connected", 9, "audit_logs"),
        ("audit_role_changed", 9, "audit_logs"),
        ("api_response", 9, "api_logs"),
        ("database_operation", 9, "performance_logs"),
        ("database_operation", 5, "performance_logs"),
        ("unheard_of", 9, "api_logs"),
        (None, 9, "api_logs"),
        (None, 5, "debug_logs"),
        (None, 0, "api_logs"),
    ],
)
def test_retention_class(
    collector: CollectorProcess, event_type: str | None, severity: int, retention: str
) -> None:
    """Every record is stamped with the class that indexes and archives filter on."""
    kind = {"event_type": event_type} if event_type else {}
    post(collector.http, "logs", [log(severityNumber=severity, attributes=kind)])
    (record,) = records(collector.data, "logs", 1)
    assert record["attributes"]["retention_class"] == retention


def test_event_name_becomes_the_event_type(collector: CollectorProcess) -> None:
    """Services that use OpenTelemetry's event name only are found by `event_type` too."""
    sent = [log(eventName="business_order_filled"), log(eventName="a", attributes={"event_type": "b"})]
    post(collector.http, "logs", sent)
    found = records(collector.data, "logs", 2)
    assert [record["attributes"]["event_type"] for record in found] == ["business_order_filled", "b"]
    assert found[0]["attributes"]["retention_class"] == "audit_logs"


@pytest.mark.parametrize(
    ("text", "number"),
    [("debug", 5), ("INFO", 9), ("Warning", 13), ("ERROR", 17), ("CRITICAL", 21), ("so-so", None)],
)
def test_severity_from_text(collector: CollectorProcess, text: str, number: int | None) -> None:
    """A line whose library fills in the text only gets its number, which is what everything later reads."""
    post(collector.http, "logs", [log(severityText=text)])
    (record,) = records(collector.data, "logs", 1)
    assert record.get("severityNumber") == number


MARKS = {"sampling.reason": "error", "sampling.priority": 2, "sampling.weight": 9.0, "_dd.p.dm": "-4"}


@pytest.mark.parametrize("signal", ["logs", "traces"])
def test_foreign_verdicts_are_stripped(collector: CollectorProcess, signal: str) -> None:
    """Only our distro may say what is kept; marks of anybody else, in records or resource, go."""
    sent = log(attributes=MARKS, severityNumber=9) if signal == "logs" else span(attributes=MARKS)
    post(collector.http, signal, [sent], {"service.name": "x", **MARKS})
    (record,) = records(collector.data, signal, 1)
    assert record["resource"] == {"service.name": "x"}
    assert record["attributes"]["sampling.reason"] == "ratio"
    assert record["attributes"]["sampling.weight"] == 1.0
    assert not {"sampling.priority", "_dd.p.dm"} & record["attributes"].keys()


@pytest.mark.parametrize("signal", ["logs", "traces"])
def test_our_verdicts_are_kept(collector: CollectorProcess, signal: str) -> None:
    """What the app decided, where the knowledge was, stands."""
    verdict = {"sampling.reason": "none", "sampling.weight": 1.0}
    sent = log(attributes=verdict, severityNumber=17) if signal == "logs" else span(attributes=verdict)
    post(collector.http, signal, [{**sent, "traceId": TRACE_ID}], OURS)
    (record,) = records(collector.data, signal, 1)
    assert {**record["attributes"], **verdict} == record["attributes"]
