"""Ten documented events as records that can be found again, and what Datadog must have of each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tradewise_otel.catalogue.lookup import event_for, fields_of, retention_for
from tradewise_otel.tools.cases.sending import attributes
from tradewise_otel.tools.generate import examples
from tradewise_otel.tools.standin.otlp import flattened

EVENT_TYPES = (
    "api_request",
    "api_response",
    "database_operation",
    "external_api_call",
    "bot_health_check",
    "business_user_registered",
    "security_login_failed",
    "user_journey_step",
    "performance_metric",
    "metric_daily_active_users",
)
MARK = "acceptance_id"
SERVICE, ENVIRONMENT = "tradewise-acceptance", "acceptance"
_SEVERITIES = {"DEBUG": 5, "INFO": 9, "WARNING": 13, "ERROR": 17}
_STATUSES = {"DEBUG": "debug", "INFO": "info", "WARNING": "warn", "ERROR": "error"}
_RESOURCE = {
    "service.name": SERVICE,
    "deployment.environment.name": ENVIRONMENT,
    "telemetry.distro.name": "tradewise-otel",
    "telemetry.sdk.language": "python",
}


@dataclass(frozen=True)
class Marked:
    """One record.

    Attributes:
        otlp: the record in OTLP/JSON.
        expected: its fields at Datadog, flat: attributes with `@`, tags and reserved fields without.
    """

    event_type: str
    otlp: Mapping[str, Any]
    expected: Mapping[str, Any]


def marked(mark: str) -> list[Marked]:
    """The ten, which carry `mark` in the attribute `acceptance_id`."""
    return [_record(event_type, mark) for event_type in EVENT_TYPES]


def payload(records: list[Marked]) -> dict[str, Any]:
    """A request to an OTLP logs receiver."""
    scoped = {"scope": {"name": "acceptance"}, "logRecords": [record.otlp for record in records]}
    return {"resourceLogs": [{"resource": {"attributes": attributes(_RESOURCE)}, "scopeLogs": [scoped]}]}


def _record(event_type: str, mark: str) -> Marked:
    row = event_for(event_type)
    line = examples.line(row)
    known = fields_of(row.fields)
    fields = {name: value for name, value in line.items() if name in known}
    told = {**fields, "event_type": event_type, MARK: mark, "sampling.reason": "event"}
    otlp = {
        "timeUnixNano": str(time.time_ns() // 1_000_000 * 1_000_000),
        "severityNumber": _SEVERITIES[line["level"]],
        "severityText": line["level"],
        "eventName": event_type,
        "body": {"stringValue": line["message"]},
        "attributes": attributes(told),
    }
    expected = {
        "service": SERVICE,
        "env": ENVIRONMENT,
        "status": _STATUSES[line["level"]],
        "message": line["message"],
        "@event_type": event_type,
        f"@{MARK}": mark,
        "@retention_class": retention_for(row, line["level"]),
    }
    for name, value in flattened(fields).items():
        for target in known[name].datadog or (name,) if name in known else (name,):
            expected[f"@{target}"] = round(value * 1e6) if target == "duration" else value
    return Marked(event_type, otlp, expected)
