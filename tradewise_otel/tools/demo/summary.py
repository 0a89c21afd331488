"""What reached the Collector: counts from its files, and the table that the demo ends with."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tradewise_otel.tools import otlp_json

# The least that a demo has to show; `--once` names what is missing and ends with 1.
EXPECTED = (
    "api_request",
    "api_response",
    "database_operation",
    "external_api_call",
    "bot_connection_test_success",
    "bot_connection_test_failed",
    "bot_health_check",
    "business_user_registered",
    "business_bot_connected",
    "business_report_ordered",
    "audit_bot_deleted",
    "security_login_failed",
    "security_suspicious_activity",
    "user_journey_step",
    "performance_metric",
)

# What a day amounts to; one worker tells it the day after, and the demo asks the state store instead.
FIGURES = ("metric_daily_active_users", "metric_bot_usage")


@dataclass
class Arrived:
    """The records of the Collector's log files."""

    kept: Counter[str] = field(default_factory=Counter)
    sampled_out: Counter[str] = field(default_factory=Counter)
    event_ids: set[str] = field(default_factory=set)

    def types(self) -> list[str]:
        """Event types by how many there are, plain log lines last."""
        total = self.kept + self.sampled_out
        return sorted(total, key=lambda name: (name == "", -total[name], name))


def read(data_dir: Path) -> Arrived:
    """Count the records in `logs*.jsonl`; what is being written at this moment counts next time."""
    arrived = Arrived()
    for path in sorted(data_dir.glob("logs*.jsonl")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            for record in _records(line):
                _count(arrived, record)
    return arrived


def _records(line: str) -> Iterator[dict[str, Any]]:
    try:
        request = json.loads(line)
    except ValueError:
        return
    yield from otlp_json.records(request, "logs")


def _count(arrived: Arrived, record: dict[str, Any]) -> None:
    said = otlp_json.texts(record)
    event_type = record.get("eventName") or said.get("event_type", "")
    event_id = said.get("event_id", "")
    # Delivery is at least once: a record that came twice is one.
    if event_id and event_id in arrived.event_ids:
        return
    arrived.event_ids.add(event_id)
    column = arrived.sampled_out if said.get("sampling.reason") == "none" else arrived.kept
    column[event_type] += 1


def table(arrived: Arrived) -> str:
    """Show how many of each event type arrived, and what of them Datadog would get."""
    head = ("event_type", "events", "kept", "sampled out")
    rows = [_row(arrived, name) for name in arrived.types()]
    kept, out = sum(arrived.kept.values()), sum(arrived.sampled_out.values())
    total = ("all", str(kept + out), str(kept), str(out))
    width = max(len(row[0]) for row in (head, *rows))
    lines = [
        f"{name:{width}}  {events:>7}  {kept:>7}  {out:>11}"
        for name, events, kept, out in (head, *rows, total)
    ]
    rule = "-" * len(lines[0])
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def _row(arrived: Arrived, name: str) -> tuple[str, str, str, str]:
    kept, out = arrived.kept[name], arrived.sampled_out[name]
    return name or "(log lines)", str(kept + out), str(kept), str(out)


def jq_lines(backend_lines: Path) -> list[str]:
    """Three of the documented queries, for the file that holds the backend's stdout."""
    return [
        f"grep bot_connection_test {backend_lines} | jq .",
        f"jq 'select(.level == \"ERROR\")' {backend_lines}",
        f"jq 'select(.event_type == \"api_response\") | .response_time_ms' {backend_lines} | sort -n",
    ]


def missing(shown: Counter[str], arrived: Arrived) -> list[str]:
    """Name the expected event types that were not printed, or did not come out of the Collector."""
    not_shown = [name for name in EXPECTED if not shown[name]]
    lost = [
        f"{name} (not at the Collector)"
        for name in EXPECTED
        if shown[name] and not arrived.kept[name] + arrived.sampled_out[name]
    ]
    return not_shown + lost
