"""What Datadog would refuse, misdate or misjudge of a log record is put right at the edge."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

import pytest
from harness.holds import holds
from harness.sink import Sink
from otlp_wire import OURS, TRACE_ID, log, post

from tradewise_otel.tools.collector.process import CollectorProcess

HOUR = 3600 * 10**9
SOON = 30 * 10**9
"""How far apart, in nanoseconds, two clocks of this test may be."""


def _send(
    gateway: CollectorProcess,
    intake: Sink,
    records: list[dict[str, Any]],
    resource: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Send log records and give what the intake has of them, in their order."""
    bodies = [record["body"]["stringValue"] for record in records]
    post(gateway.http, "logs", records, resource)
    intake.wait(lambda door: set(bodies) <= {record["body"] for record in door.logs})
    by_body = {record["body"]: record for record in intake.logs}
    return [by_body[body] for body in bodies]


@holds("2.M2")
def test_old_records_are_dated_anew(gateway: CollectorProcess, intake: Sink) -> None:
    """20 hours old: dated now, the real date in event.timestamp; up to 16 hours: untouched."""
    now = time.time_ns()
    ages = {"20 h": 20, "400 days": 9600, "16 h": 16, "1 h": 1, "now": 0}
    records = [log(f"aged {name}", timeUnixNano=str(now - hours * HOUR)) for name, hours in ages.items()]
    for record, hours in zip(_send(gateway, intake, records), ages.values(), strict=True):
        if hours <= 16:
            assert record["time_unix_nano"] == now - hours * HOUR
            assert "event.timestamp" not in record
        else:
            assert 0 <= record["time_unix_nano"] - now < SOON
            said = datetime.fromisoformat(record["event.timestamp"].replace("Z", "+00:00"))
            real = datetime.fromtimestamp((now - hours * HOUR) / 1e9, timezone.utc)
            assert abs((said - real).total_seconds()) < 0.01


@holds("2.M2")
def test_a_record_without_a_time_has_that_of_its_sight(gateway: CollectorProcess, intake: Sink) -> None:
    """No time, but one at which somebody saw it: that is its date."""
    seen = time.time_ns() - HOUR
    sent = log("undated, seen", timeUnixNano="0", observedTimeUnixNano=str(seen))
    (record,) = _send(gateway, intake, [sent])
    assert record["time_unix_nano"] == seen
    assert "event.timestamp" not in record


@holds("2.M2")
def test_a_record_without_any_time_has_that_of_its_arrival(gateway: CollectorProcess, intake: Sink) -> None:
    """Neither a time nor one of its sight: it is dated now, and no other date is made up."""
    now = time.time_ns()
    (record,) = _send(gateway, intake, [log("undated", timeUnixNano="0")])
    assert 0 <= record["time_unix_nano"] - now < SOON
    assert "event.timestamp" not in record


@pytest.mark.parametrize("language", ["python", "java", "nodejs", ""])
def test_the_language_is_the_source(gateway: CollectorProcess, intake: Sink, language: str) -> None:
    """Datadog's pipeline for a language is chosen as its agents do; without a language there is none."""
    resource = {"telemetry.sdk.language": language} if language else {}
    own = log(f"{language} own", attributes={"datadog.log.source": "nginx"})
    plain, told = _send(gateway, intake, [log(f"{language} plain"), own], resource)
    assert plain.get("datadog.log.source", "") == language
    assert told["datadog.log.source"] == "nginx"


FOREIGN = [{"telemetry.distro.name": "another"}, {}]


@holds("2.M2")
@pytest.mark.parametrize("theirs", FOREIGN, ids=["another distro", "no distro"])
def test_foreign_marks_do_not_count(gateway: CollectorProcess, intake: Sink, theirs: dict[str, str]) -> None:
    """What other services say of sampling, or in Datadog's name, is gone, and hides or favours nothing."""
    marks = {"sampling.reason": "none", "sampling.weight": 1000.0, "sampling.priority": 2, "_dd.p.dm": "-4"}
    sent = [
        log(f"marked {severity} {theirs}", attributes=marks, severityNumber=severity) for severity in (9, 17)
    ]
    resource = {**theirs, "_dd.origin": "rum", "sampling.priority": -1}
    info, error = _send(gateway, intake, sent, resource)
    assert [record["sampling.reason"] for record in (info, error)] == ["ratio", "severity"]
    for record in (info, error):
        assert record["sampling.weight"] == 1.0
        assert record["resource"] == theirs
        assert not {"sampling.priority", "_dd.p.dm"} & record.keys()


def test_our_own_verdict_counts(gateway: CollectorProcess, intake: Sink) -> None:
    """A record that our app did not keep is not sent, one that it kept is, in one request."""
    reasons = {"kept": "ratio", "dropped": "none", "slow": "slow"}
    records = [
        log(f"ours {name}", attributes={"sampling.reason": reason, "sampling.weight": 1.0})
        for name, reason in reasons.items()
    ]
    post(gateway.http, "logs", records, OURS)
    wanted = {"ours kept", "ours slow"}
    intake.wait(lambda door: wanted <= {record["body"] for record in door.logs})
    assert "ours dropped" not in {record["body"] for record in intake.logs}


def test_a_name_in_a_resource_stays_there(gateway: CollectorProcess, intake: Sink) -> None:
    """Resource attributes are Datadog's tags and are not renamed: service and environment come from them."""
    resource = {"service.name": "orders", "deployment.environment": "production", "service.version": "2"}
    (record,) = _send(gateway, intake, [log("with a resource", traceId=TRACE_ID)], resource)
    assert record["resource"] == {
        "service.name": "orders",
        "deployment.environment.name": "production",
        "service.version": "2",
    }
