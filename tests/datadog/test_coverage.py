"""Every line that the demo prints is a log at Datadog, field by field, under the catalogue's names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from gateway import gateway
from harness.app import App
from harness.holds import holds

from tradewise_otel.catalogue.envelope import Line
from tradewise_otel.catalogue.lookup import edge_fields, event_for, fields_of, required_fields
from tradewise_otel.tools.demo import commands, traffic
from tradewise_otel.tools.demo.processes import Child, free_port
from tradewise_otel.tools.demo.summary import EXPECTED
from tradewise_otel.tools.standin.reserved import Log

# What a record has beside its fields: who sent it, what was decided about it, and Datadog's own copies.
BESIDE = {"event_type", "event_id", "logger.name", "thread.id", "retention_class"}
BESIDE |= {"code.file.path", "code.function.name", "code.line.number"}
PREFIXES = ("otel.", "telemetry.", "sampling.", "service.", "process.", "deployment.", "host.")


@dataclass
class Demo:
    """The printed lines by event id, and the logs that Datadog has."""

    lines: dict[str, dict[str, Any]]
    logs: list[Log]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo's backend through the gateway, with everything kept."""
    folder = tmp_path_factory.mktemp("demo")
    bot_port = free_port()
    bot = Child("bot", commands.bot_command(bot_port), os.environ, folder / "bot.log", lambda line: None)
    try:
        bot.wait_for_port(bot_port)
        with gateway(folder) as running:
            lines = _play(folder, running.http, bot_port)
            running.wait(lambda datadog: {x.attributes["event_id"] for x in datadog.logs} >= lines.keys())
            yield Demo(lines, list(running.datadog.logs))
    finally:
        bot.stop()


def _play(folder: Path, otlp: str, bot_port: int) -> dict[str, dict[str, Any]]:
    own = {"TRADEWISE_SAMPLE_RATE": "1", "BOT_POLL_SECONDS": "1"}
    environ = {**commands.backend_environ({}, otlp, folder), **own}
    with App(folder, commands.BACKEND, environ, ("uvicorn", "{target}", "--port", "{port}")) as app:
        traffic.run(app.url, f"http://127.0.0.1:{bot_port}", seed=5)
    return {line["event_id"]: line for line in app.lines}


@holds("2.M1")
def test_every_line_is_one_log(demo: Demo) -> None:
    """Each printed record arrives once, with its time, level, text and ids in Datadog's own fields."""
    assert len(demo.logs) == len(demo.lines)
    for log in demo.logs:
        line = demo.lines[log.attributes["event_id"]]
        assert (log.message, log.status_text) == (line["message"], line["level"])
        assert (log.service, log.env) == (line.get("emitter", line["service"]), "production")
        assert (log.trace_id, log.span_id) == (line.get("trace_id", ""), line.get("span_id", ""))


@holds("2.M1", "2.M2")
def test_every_field_arrives_under_its_name(demo: Demo) -> None:
    """Every field of a printed event has each of the catalogue's names at Datadog, value and type kept."""
    for log in demo.logs:
        line = demo.lines[log.attributes["event_id"]]
        for name, value in _flat(_own_fields(line)).items():
            for target in _targets(log.attributes.get("event_type", ""), name):
                arrived = log.attributes[target]
                wanted = round(value * 1e6) if target == "duration" else value
                assert arrived == pytest.approx(wanted) if target == "duration" else arrived == wanted, (
                    name,
                    target,
                )
                assert target == "duration" or type(arrived) is type(value), (name, target)


@holds("2.M1")
def test_required_fields_are_on_every_event(demo: Demo) -> None:
    """All events that the demo promises were seen, each with all its required fields."""
    assert {log.attributes.get("event_type") for log in demo.logs} >= set(EXPECTED)
    for log in demo.logs:
        event = event_for(log.attributes.get("event_type", ""))
        for name in required_fields(event):
            kept = _targets(event.name, name)[0]
            assert any(key == kept or key.startswith(f"{kept}.") for key in log.attributes), (
                event.name,
                name,
            )


@holds("2.M1")
def test_datadog_gets_nothing_that_the_catalogue_lacks(demo: Demo) -> None:
    """No attribute of an event arrives under a name that neither the catalogue nor this file has."""
    for log in demo.logs:
        event = event_for(log.attributes.get("event_type", ""))
        known = {target for name in fields_of(event.fields) for target in _targets(event.name, name)} | BESIDE
        known |= {target for mark in edge_fields().values() for target in mark.datadog if "error." in target}
        unknown = {
            key
            for key in log.attributes
            if not key.startswith((*PREFIXES, "exception."))
            and not any(key == name or key.startswith(f"{name}.") for name in known)
        }
        assert not unknown or event.name == "", (event.name, unknown)


def _same(arrived: Any, printed: Any, target: str) -> bool:
    """Equal in value and type; Datadog's `duration` is a whole number of nanoseconds."""
    if target == "duration":
        return isinstance(arrived, int) and arrived == pytest.approx(printed * 1e6, abs=1)
    return type(arrived) is type(printed) and bool(arrived == printed)


def _own_fields(line: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the event itself; `service` is one where it means the called service."""
    envelope = set(fields_of(Line)) - {"request_id", "user_id", "tenant_id", "session_id"} | {"emitter"}
    if "emitter" in line:
        envelope.discard("service")
    return {name: value for name, value in line.items() if name not in envelope}


def _flat(fields: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        flat.update(
            _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
        )
    return flat


def _targets(event_type: str, name: str) -> tuple[str, ...]:
    """The names of a field at Datadog; its own where the catalogue gives no other."""
    mark = fields_of(event_for(event_type).fields).get(name)
    return mark.datadog if mark and mark.datadog else (name,)
