"""Every line that the demo prints is a log at Datadog, field by field, by either road.

Both roads are compared with the lines themselves, so they equal each other but for `ROAD_ONLY`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from e2e.roads import ROAD_ONLY, VERDICT, expected, own_fields, targets
from gateway import agent, gateway
from harness.app import App
from harness.holds import holds

from tradewise_otel.catalogue.lookup import event_for, fields_of, required_fields
from tradewise_otel.tools.demo import commands, traffic
from tradewise_otel.tools.demo.processes import Child
from tradewise_otel.tools.demo.summary import EXPECTED
from tradewise_otel.tools.ports import free_port
from tradewise_otel.tools.standin.reserved import Log


@dataclass
class Demo:
    """The printed lines by event id, and the logs that Datadog has, by one of the roads."""

    road: str
    lines: dict[str, dict[str, Any]]
    logs: list[Log]

    def pairs(self) -> Iterator[tuple[Log, dict[str, Any]]]:
        """Each log with its line."""
        for log in self.logs:
            yield log, self.lines[log.attributes["event_id"]]


@pytest.fixture(scope="module", params=["otlp", "stdout"])
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo's backend through the gateway, everything kept; by stdout an agent tails its file."""
    folder = tmp_path_factory.mktemp("demo")
    bot_port = free_port()
    bot = Child("bot", commands.bot_command(bot_port), os.environ, folder / "bot.log", lambda line: None)
    try:
        bot.wait_for_port(bot_port)
        with gateway(folder) as running, ExitStack() as stack:
            otlp = running.http
            if request.param == "stdout":
                otlp = stack.enter_context(agent(folder, running, tails=folder / "lines.jsonl")).http
            lines = _play(folder, otlp, bot_port, request.param)
            running.wait(lambda datadog: {x.attributes["event_id"] for x in datadog.logs} >= lines.keys())
            yield Demo(request.param, lines, list(running.datadog.logs))
    finally:
        bot.stop()


def _play(folder: Path, otlp: str, bot_port: int, road: str) -> dict[str, dict[str, Any]]:
    own = {"TRADEWISE_SAMPLE_RATE": "1", "BOT_POLL_SECONDS": "1", "TRADEWISE_LOGS_ROAD": road}
    if road == "stdout":
        own["TRADEWISE_LOG_FILE"] = str(folder / "lines.jsonl")
    environ = {**commands.backend_environ({}, otlp, folder), **own}
    with App(folder, commands.BACKEND, environ, ("uvicorn", "{target}", "--port", "{port}")) as app:
        traffic.run(app.url, f"http://127.0.0.1:{bot_port}", seed=5)
    return {line["event_id"]: line for line in app.lines}


@holds("2.M1", "3.M2")
def test_every_line_is_one_log(demo: Demo) -> None:
    """Each printed record arrives once, with its time, level, text and ids in Datadog's own fields."""
    assert len(demo.logs) == len(demo.lines)
    for log, line in demo.pairs():
        assert (log.message, log.status_text) == (line["message"], line["level"])
        assert (log.service, log.env) == (line.get("emitter", line["service"]), "production")
        assert (log.trace_id, log.span_id) == (line.get("trace_id", ""), line.get("span_id", ""))
        assert log.timestamp_ms == _milliseconds(line["timestamp"])
        assert log.source == "python"


@holds("2.M1", "2.M2", "3.M2")
def test_every_field_arrives_and_nothing_else(demo: Demo) -> None:
    """A log has what follows from its line by the catalogue, value and type kept, and nothing more."""
    for log, line in demo.pairs():
        own = {key: value for key, value in log.attributes.items() if not key.startswith("otel.")}
        arrived = {key: value for key, value in own.items() if key not in ROAD_ONLY and key not in VERDICT}
        wanted = expected(line)
        assert arrived.keys() == wanted.keys(), line
        if "duration" in wanted:
            assert abs(wanted.pop("duration") - arrived.pop("duration")) <= 1
        assert arrived == wanted
        assert _types(arrived) == _types(wanted)


@holds("3.M2")
def test_the_verdict_arrives(demo: Demo) -> None:
    """Every log says why it was kept; where the line is the record, the line says it too."""
    for log, line in demo.pairs():
        assert log.attributes["sampling.reason"] in ("ratio", "error", "slow", "severity", "event")
        said = {name: line[name] for name in VERDICT if name in line}
        assert said == ({name: log.attributes[name] for name in VERDICT} if demo.road == "stdout" else {})


@holds("2.M1")
def test_required_fields_are_on_every_event(demo: Demo) -> None:
    """All events that the demo promises were seen, each with all its required fields."""
    assert {log.attributes.get("event_type") for log in demo.logs} >= set(EXPECTED)
    for log in demo.logs:
        event = event_for(log.attributes.get("event_type", ""))
        for name in required_fields(event):
            kept = targets(event.name, name)[0]
            there = [key for key in log.attributes if key == kept or key.startswith(f"{kept}.")]
            assert there, (event.name, name)


@holds("2.M1")
def test_the_demo_says_nothing_that_the_catalogue_lacks(demo: Demo) -> None:
    """No event of the demo has a field that is not declared, but for families that take any."""
    for line in demo.lines.values():
        event = event_for(line.get("event_type", ""))
        undeclared = own_fields(line).keys() - fields_of(event.fields).keys()
        assert not undeclared or event.open_family or event.name == "", (event.name, undeclared)


def _milliseconds(timestamp: str) -> int:
    return round(datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp() * 1000)


def _types(attributes: dict[str, Any]) -> dict[str, type]:
    return {name: type(value) for name, value in attributes.items()}
