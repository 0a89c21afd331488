"""What a printed line is at Datadog, and what the two roads may differ in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tradewise_otel.catalogue.envelope import Line
from tradewise_otel.catalogue.lookup import event_for, fields_of, retention_for
from tradewise_otel.tools.standin.otlp import flattened

ROAD_ONLY: dict[str, str] = {
    "telemetry.sdk.name": "no line says which SDK made it",
    "telemetry.sdk.version": "the same",
    "telemetry.distro.version": "the same",
    "service.instance.id": "the worker's slot is for metrics, which go by OTLP on both roads",
    "host.name": "said by the node's agent, which the OTLP road of this test does not have",
}
"""Attributes that one road has and the other cannot, with the reason."""

VERDICT = {"sampling.reason", "sampling.weight"}
"""In a line only where the line is the record."""

IDENTITY = ("request_id", "user_id", "tenant_id", "session_id")


def expected(line: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that Datadog has of a line, flat, apart from those that it makes itself."""
    found = {name: line[name] for name in ("event_type", "event_id", *IDENTITY) if name in line}
    found |= {"logger.name": line["logger_name"], "thread.id": line["thread_id"]}
    for name, value in flattened(own_fields(line)).items():
        for target in targets(line.get("event_type", ""), name):
            found[target] = round(value * 1e6) if target == "duration" else value
    found |= dict(_where(line)) | dict(_exception(line)) | dict(_resource(line))
    found["retention_class"] = retention_for(event_for(line.get("event_type", "")), line["level"])
    return found


def _where(line: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if source := line.get("source"):
        yield "code.file.path", source["file"]
        yield "code.line.number", source["line"]
        yield "code.function.name", source["function"]


def _exception(line: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if error := line.get("exception"):
        stack = "".join(error["traceback"])
        for name, value in (("type", error["type"]), ("message", error["message"]), ("stacktrace", stack)):
            yield f"exception.{name}", value
        yield from {
            "error.kind": error["type"],
            "error.message": error["message"],
            "error.stack": stack,
        }.items()


def _resource(line: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Datadog copies the resource, as text."""
    yield "service.name", line.get("emitter", line["service"])
    yield "deployment.environment.name", line["environment"]
    yield "process.pid", str(line["process_id"])
    yield "telemetry.distro.name", "tradewise-otel"
    yield "telemetry.sdk.language", "python"
    if "version" in line:
        yield "service.version", line["version"]


def own_fields(line: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the event itself; `service` is one where it means the called service."""
    envelope = set(fields_of(Line)) | {"emitter", *VERDICT}
    if "emitter" in line:
        envelope.discard("service")
    return {name: value for name, value in line.items() if name not in envelope}


def targets(event_type: str, name: str) -> tuple[str, ...]:
    """The names of a field at Datadog; its own where the catalogue gives no other."""
    mark = fields_of(event_for(event_type).fields).get(name)
    return mark.datadog if mark and mark.datadog else (name,)
