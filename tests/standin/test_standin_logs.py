"""Logs as Datadog has them: reserved fields, who takes them over, ids, dates, and the 18 hours."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from intake_wire import any_value, log_request, now_ns

from tradewise_otel.tools.standin.received import Received, UndecodableError
from tradewise_otel.tools.standin.reserved import Log, normal_status

Record = Callable[..., Received]
HOUR_NS = 3600 * 1_000_000_000


def item(inner: dict[str, Any] | str, **outer: Any) -> bytes:
    """A `/api/v2/logs` body of one log, as the exporter sends it."""
    fields = {
        "message": inner if isinstance(inner, str) else json.dumps(inner),
        "status": "INFO",
        "timestamp": int(time.time() * 1000),
        "hostname": "node-1",
        "service": "tradewise-backend",
        "ddsource": "python",
        "ddtags": "env:production,version:1.2.3",
    }
    return json.dumps([{**fields, **outer}]).encode()


def otlp(received: Record, attributes: dict[str, Any], **record: Any) -> Log:
    """The log that Datadog makes of one OTLP record."""
    return received("/v1/logs", log_request(attributes, **record), status=200).logs[-1]


def test_an_otlp_log_has_its_resource_and_its_attributes(received: Record) -> None:
    """Reserved fields come from the resource and the record, attributes are flat and keep their types."""
    at = now_ns()
    log = otlp(
        received,
        {"event_type": "order", "query_params": {"b": {"c": 1}}, "ok": True, "list": [1, "a"]},
        severity_text="WARNING",
        trace_id=bytes(range(16)),
        span_id=bytes(range(8)),
        time_unix_nano=at,
        event_name="order",
    )
    assert (log.status, log.status_text) == ("warning", "WARNING")
    assert (log.service, log.host, log.env, log.version) == (
        "tradewise-backend",
        "node-1",
        "production",
        "1.2.3",
    )
    assert (log.message, log.source, log.via) == ("hello", "otlp_log_ingestion", "otlp")
    assert log.timestamp_ms == at // 1_000_000
    assert (log.trace_id, log.span_id) == (bytes(range(16)).hex(), bytes(range(8)).hex())
    assert log.tags == ("env:production", "service:tradewise-backend", "version:1.2.3")
    expected = {"event_type": "order", "query_params.b.c": 1, "ok": True, "list": [1, "a"]}
    expected |= {"otel.event_name": "order", "otel.severity_text": "WARNING", "otel.timestamp": str(at)}
    assert expected.items() <= log.attributes.items()
    assert log.attributes["process.pid"] == "42", "resource attributes are copied as strings"


def test_an_exporter_log_is_its_inner_json(received: Record) -> None:
    """The event in `message` is read, the outer fields are the reserved ones, whatever the encoding."""
    inner = {
        "message": "hello",
        "status": "ERROR",
        "service": "tradewise-backend",
        "hostname": "node-1",
        "@timestamp": "2026-11-25T10:00:00.123Z",
        "dd.trace_id": "123",
        "otel.trace_id": "0" * 30 + "7b",
        "dd.span_id": "5",
        "otel.span_id": "0000000000000005",
        "query_params": {"b": 1},
    }
    body = gzip.compress(item(inner))
    result = received("/api/v2/logs", body, {"content-encoding": "gzip"})
    (log,) = [*result.logs, *result.rejected_logs]
    assert (log.status, log.service, log.host, log.message) == (
        "error",
        "tradewise-backend",
        "node-1",
        "hello",
    )
    assert (log.source, log.env, log.version, log.via) == ("python", "production", "1.2.3", "exporter")
    assert (log.trace_id, log.span_id) == ("0" * 30 + "7b", "0" * 15 + "5")
    assert log.timestamp_ms == 1_795_600_800_123
    assert log.attributes == {"query_params.b": 1}


def test_the_probe_and_plain_text_are_understood(received: Record) -> None:
    """The exporter's empty start-up probe is no log; a message that is no JSON is the message."""
    assert not received("/api/v2/logs", b"{}").logs
    (log,) = received("/api/v2/logs", item("just text", status="warn")).logs
    assert (log.message, log.status, log.attributes) == ("just text", "warning", {})


def test_an_empty_reserved_attribute_is_nothing(received: Record) -> None:
    """The exporter's empty inner status, without a severity, leaves the outer one; no message is none."""
    log = received("/api/v2/logs", item({"status": "", "level": "error", "service": ""})).logs[-1]
    assert (log.status, log.service, log.message, log.attributes) == ("error", "tradewise-backend", "", {})


@pytest.mark.parametrize(
    ("attributes", "field", "hijacked"),
    [
        ({"status": "healthy"}, "status", "info"),
        ({"severity": "critical"}, "status", "critical"),
        ({"level": "debug"}, "status", "debug"),
        ({"syslog": {"severity": 3}}, "status", "error"),
        ({"level": "debug", "status": "success"}, "status", "ok"),
        ({"service": "trading_bot"}, "service", "trading_bot"),
        ({"host": "bot.example"}, "host", "bot.example"),
        ({"hostname": "bot.example"}, "host", "bot.example"),
        ({"message": "other"}, "message", "other"),
        ({"msg": "other"}, "message", "other"),
        ({"ddsource": "nginx"}, "source", "nginx"),
        ({"datadog.log.source": "python"}, "source", "python"),
    ],
)
def test_attributes_take_reserved_fields_over(
    received: Record, attributes: dict[str, Any], field: str, hijacked: str
) -> None:
    """An event attribute with a reserved name wins over severity, resource and body, on both intakes."""
    severe: dict[str, Any] = {"severity_text": "WARN", "time_unix_nano": now_ns()}
    assert getattr(otlp(received, attributes, **severe), field) == hijacked
    if "datadog.log.source" not in attributes:
        log = received("/api/v2/logs", item(attributes, status="WARN")).logs[-1]
        assert getattr(log, field) == hijacked


@pytest.mark.parametrize("name", ["event.status", "peer.service", "event.service", "bot.status", "operation"])
def test_other_attributes_leave_reserved_fields_alone(received: Record, name: str) -> None:
    """A name that is not on Datadog's lists stays an attribute, and every reserved field keeps its value."""
    log = otlp(received, {name: "healthy"}, severity_text="ERROR")
    assert (log.status, log.service, log.host, log.message) == (
        "error",
        "tradewise-backend",
        "node-1",
        "hello",
    )
    assert log.attributes[name] == "healthy"


def test_the_records_time_beats_its_timestamp_attribute(received: Record) -> None:
    """`@timestamp`, which is made of the record's time, stands before `timestamp` on Datadog's list."""
    at = now_ns()
    assert (
        otlp(received, {"timestamp": "2020-01-01T00:00:00Z"}, time_unix_nano=at).timestamp_ms
        == at // 1_000_000
    )


@pytest.mark.parametrize(("hours", "kept"), [(17.9, True), (18.1, False)])
def test_logs_older_than_18_hours_are_rejected(received: Record, hours: float, kept: bool) -> None:
    """A log dated more than 18 hours before its arrival is not among the logs, on both intakes."""
    at = now_ns() - int(hours * HOUR_NS)
    received("/v1/logs", log_request({}, time_unix_nano=at), status=200)
    result = received("/api/v2/logs", item({"@timestamp": at // 1_000_000}))
    assert (len(result.logs), len(result.rejected_logs)) == ((2, 0) if kept else (0, 2))


@pytest.mark.parametrize(
    ("number", "status"),
    [(0, "info"), (1, "debug"), (5, "debug"), (9, "info"), (13, "warning"), (17, "error"), (21, "emerg")],
)
def test_a_severity_number_is_a_status(received: Record, number: int, status: str) -> None:
    """Without a severity text the number says the status; without either it is info."""
    assert otlp(received, {}, severity_number=number).status == status


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("EMERGENCY", "emerg"),
        ("fatal", "emerg"),
        ("Alert", "alert"),
        ("CRITICAL", "critical"),
        ("ERROR", "error"),
        ("WARNING", "warning"),
        ("notice", "notice"),
        ("INFO", "info"),
        ("trace", "debug"),
        ("success", "ok"),
        ("OK", "ok"),
        ("healthy", "info"),
        ("3", "error"),
        ("8", "info"),
    ],
)
def test_words_become_statuses_as_in_datadogs_remapper(word: str, status: str) -> None:
    """First letters and syslog numbers count; everything else is info."""
    assert normal_status(word) == status


def test_a_map_body_is_json_text(received: Record) -> None:
    """A body that is a map becomes text, so that its keys are not searchable."""
    log = otlp(received, {}, body=any_value({"a": 1}))
    assert log.message == '{"a":1}'
    assert "a" not in log.attributes


@pytest.mark.parametrize("status", [0, 403, 413, 429, 500])
def test_only_what_was_answered_2xx_counts(received: Record, status: int) -> None:
    """A request that was refused, cut or hung left nothing at Datadog."""
    assert not received("/v1/logs", log_request({}), status=status).logs


def test_a_request_is_decoded_once(received: Record) -> None:
    """Refreshing adds what is new and keeps the rest; each log knows its request."""
    received("/v1/logs", log_request({"n": 1}), status=200)
    result = received("/v1/logs", log_request({"n": 2}), status=200)
    first = result.logs[0]
    assert result.refresh().logs[0] is first
    assert [(log.request, log.attributes["n"]) for log in result.logs] == [(0, 1), (1, 2)]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/logs", b"junk"),
        ("/api/v2/logs", b"[1"),
        ("/api/v0.2/traces", b"junk"),
        ("/api/v0.2/stats", b"\x01"),
        ("/api/v2/series", b"junk"),
        ("/api/beta/sketches", b"junk"),
    ],
)
def test_junk_is_told_with_its_request(received: Record, path: str, body: bytes) -> None:
    """A request that was answered 2xx and cannot be read is named once, and does not stand in the way."""
    with pytest.raises(UndecodableError, match=f"request 0, {path}"):
        received(path, body)
    assert len(received("/v1/logs", log_request({}), status=200).logs) == 1
