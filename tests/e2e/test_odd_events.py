"""What apps put into events by accident: a well-formed event comes out on both roads, and it is counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness.holds import holds
from harness.lines import faults
from harness.script import run_script
from harness.sink import Sink

HEAD = """
import logging
from datetime import datetime
from tradewise_otel import bind, events

class Unprintable:
    def __str__(self):
        raise ValueError("no text")
    __repr__ = __str__

cycle = {"state": "running"}
cycle["self"] = cycle
log = logging.getLogger("app")
NAME, FIELDS = GIVEN

def plain():
    log.info("plainly", extra={"event_type": NAME, **FIELDS})

def typed():
    getattr(events, NAME)(**FIELDS)

def bound():
    bind(session_id=FIELDS["session_id"])
    log.info("plainly", extra={"event_type": NAME, "step": "login"})
"""
STEP = "user_journey_step"
TEST = "bot_connection_test_success"
CASES: dict[str, tuple[str, str, str, str]] = {
    # name: event, its fields, what is counted (what, reason)
    "a session id of 10 KB": (STEP, '{"session_id": "s" * 10240, "step": "login"}', "invalid", "id"),
    "control characters": (STEP, r'{"session_id": "s\x00\n\x1b[31m", "step": "login"}', "invalid", "id"),
    "a user id of control characters": (
        STEP,
        r'{"session_id": "s", "step": "login", "user_id": "u\r\n\x07"}',
        "invalid",
        "id",
    ),
    "ids that are no texts": (STEP, '{"session_id": 7, "step": "login", "user_id": 8}', "invalid", "type"),
    "an id that cannot be printed": (
        STEP,
        '{"session_id": Unprintable(), "step": "login"}',
        "invalid",
        "type",
    ),
    "a text that cannot be printed": (STEP, '{"session_id": "s", "step": Unprintable()}', "invalid", "type"),
    "a duration that is no number": (
        TEST,
        '{"api_url": "http://b", "total_duration_ms": float("nan")}',
        "invalid",
        "number",
    ),
    "an infinite duration": (
        TEST,
        '{"api_url": "http://b", "total_duration_ms": float("-inf")}',
        "invalid",
        "number",
    ),
    "no number deep inside": (
        TEST,
        '{"api_url": "http://b", "total_duration_ms": 1, "bot_info": {"load": [float("nan")]}}',
        "redacted",
        "number",
    ),
    "a naive time": (
        "bot_health_check",
        '{"bot_id": "b", "status": "healthy", "last_successful_ping": datetime(2024, 1, 1, 12)}',
        "invalid",
        "time",
    ),
    "a dict with a cycle": (
        TEST,
        '{"api_url": "http://b", "total_duration_ms": 1, "bot_info": cycle}',
        "redacted",
        "depth",
    ),
    "an object deep inside": (
        TEST,
        '{"api_url": "http://b", "total_duration_ms": 1, "bot_info": {"x": Unprintable()}}',
        "redacted",
        "unprintable",
    ),
}


def _strictly(text: str) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON: {text}")

    document: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return document


@holds("4.M5")
@pytest.mark.parametrize("way", ["typed", "plain"])
@pytest.mark.parametrize("case", CASES)
def test_a_well_formed_event_comes_out(case: str, way: str, tmp_path: Path, sink: Sink) -> None:
    """The line is strict JSON and as documented, the record has the same fields, the anomaly is counted."""
    name, fields, what, reason = CASES[case]
    line, record = _sent(f"GIVEN = ({name!r}, {fields})", way, tmp_path, sink, name)
    # A text that is none stays as it was given, as text; all else has the documented types.
    assert faults(line) == []
    for field in line.keys() - {"level", "logger_name", "service", "environment", "message", "timestamp"}:
        if field not in ("process_id", "thread_id", "source", "trace_id", "span_id"):
            assert record[field] == line[field], field
    assert sink.total(f"tradewise.telemetry.{what}", signal="logs", reason=reason) >= 1


@holds("4.M5")
@pytest.mark.parametrize(
    ("given", "counted"), [('"s" * 10240', 1), ("Unprintable()", 1), (r'"s\x00"', 1), ("7", 0)]
)
def test_an_odd_session_may_be_bound(given: str, counted: int, tmp_path: Path, sink: Sink) -> None:
    """`bind` takes whatever it is given; the session leaves as a pseudonym, an odd one is counted."""
    prelude = f'GIVEN = ("user_journey_step", {{"session_id": {given}}})'
    line, record = _sent(prelude, "bound", tmp_path, sink, STEP)
    assert faults(line) == []
    assert len(line["session_id"]) == 16
    assert record["session_id"] == line["session_id"]
    assert sink.total("tradewise.telemetry.invalid", signal="logs", reason="id") == counted


def _sent(
    prelude: str, way: str, folder: Path, sink: Sink, name: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    head, _, rest = HEAD.partition("NAME, FIELDS = GIVEN")
    source = f"{head}{prelude}\nNAME, FIELDS = GIVEN{rest}\n{way}()\n"
    ended = run_script(folder, source, {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url})
    assert (ended.code, ended.stderr) == (0, "")
    lines = [_strictly(text) for text in ended.stdout.splitlines()]
    (line,) = [line for line in lines if line.get("event_type") == name]
    (record,) = sink.events(name)
    return line, record
