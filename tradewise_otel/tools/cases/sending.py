"""What a case sends: OTLP written short, OTLP as it is, or lines into files that an agent tails."""

from __future__ import annotations

import itertools
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tradewise_otel.tools.cases.case import CaseError
from tradewise_otel.tools.otlp_json import LEVELS

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")
SEVERITIES = {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}
MADE_UP = "5e4d"
"""Ids that no case has named begin with this, and are not shown."""

_ID_FIELDS = {"trace_id": "traceId", "span_id": "spanId", "parent_span_id": "parentSpanId"}
POD = "shop_api-7d4b9_0a1b2c3d-1111-2222-3333-444455556666/api"
_FILES = {"pods": f"pods/{POD}/0.log", "docker": "docker/c1-json.log"}
_FILES |= {"files": "files/app.jsonl", "plain": "plain/old.log"}


class Sender:
    """Sends the steps of one case.

    Args:
        http: the Collector's OTLP/HTTP door.
        folder: whose `pods/`, `docker/`, `files/` and `plain/` an agent tails.
    """

    def __init__(self, http: str, folder: Path) -> None:
        self._http, self._folder = http, folder
        self._numbers = itertools.count(1)
        self._now = time.time_ns() // 1_000_000 * 1_000_000

    def send(self, step: Mapping[str, Any]) -> None:
        """One step.

        Raises:
            CaseError: the Collector refuses it.
        """
        ((way, what),) = step.items()
        if way == "lines":
            self._append(what["form"], what["text"])
            return
        signal, payload = self._raw(what) if way == "otlp" else (way, self._payload(way, what))
        self._post(signal, payload)

    def _post(self, signal: str, payload: Mapping[str, Any]) -> None:
        body = json.dumps(payload, default=str).encode()
        request = urllib.request.Request(
            f"{self._http}/v1/{signal}", body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise CaseError(f"the Collector refuses these {signal}: {error.code} {said}") from None

    @staticmethod
    def _raw(payload: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        for signal, (outer, _, _) in LEVELS.items():
            if outer in payload:
                return signal, payload
        raise CaseError(f"send.otlp has none of {', '.join(row[0] for row in LEVELS.values())}")

    def _payload(self, signal: str, what: Mapping[str, Any]) -> dict[str, Any]:
        outer, inner, name = LEVELS[signal]
        make = {"traces": self._span, "logs": self._log, "metrics": self._metric}[signal]
        records = [make(dict(record)) for record in what["records" if signal == "logs" else name]]
        scoped = {"scope": {"name": what.get("scope", "")}, name: records}
        return {outer: [{"resource": {"attributes": attributes(what.get("resource", {}))}, inner: [scoped]}]}

    def _span(self, said: dict[str, Any]) -> dict[str, Any]:
        length = int(float(said.pop("duration_ms", 1)) * 1_000_000)
        status = STATUSES.index(said.pop("status", "unset"))
        return {
            **self._ids(said, needed=True),
            "name": said.pop("name", "a span"),
            "kind": KINDS.index(said.pop("kind", "internal")),
            "startTimeUnixNano": str(self._now - length),
            "endTimeUnixNano": str(self._now),
            "status": {"code": status, "message": said.pop("status_message", "")},
            "attributes": attributes(said.pop("attributes", {})),
            "events": [
                {
                    "timeUnixNano": str(self._now),
                    "name": event["name"],
                    "attributes": attributes(event.get("attributes", {})),
                }
                for event in said.pop("events", [])
            ],
            **_nothing_left(said, "a span"),
        }

    def _log(self, said: dict[str, Any]) -> dict[str, Any]:
        severity = said.pop("severity", None)
        return {
            **self._ids(said, needed=False),
            "timeUnixNano": str(self._now),
            "body": value(said.pop("body", "")),
            "severityNumber": SEVERITIES[severity] if severity else 0,
            "severityText": said.pop("severity_text", severity or ""),
            "eventName": said.pop("event_name", ""),
            "attributes": attributes(said.pop("attributes", {})),
            **_nothing_left(said, "a log record"),
        }

    def _metric(self, said: dict[str, Any]) -> dict[str, Any]:
        point = {"asDouble": float(said.pop("value", 1)), "timeUnixNano": str(self._now)}
        point |= {"startTimeUnixNano": str(self._now - 10**10)}
        point["attributes"] = attributes(said.pop("attributes", {}))
        kind = said.pop("kind", "sum")
        data: dict[str, Any] = {"dataPoints": [point]}
        if kind == "sum":
            data |= {"aggregationTemporality": 1, "isMonotonic": True}
        own = {"name": said.pop("name", "a.metric"), "unit": said.pop("unit", ""), kind: data}
        return {**own, **_nothing_left(said, "a metric")}

    def _ids(self, said: dict[str, Any], *, needed: bool) -> dict[str, str]:
        number = next(self._numbers)
        made = {"trace_id": f"{MADE_UP}{number:028x}", "span_id": f"{MADE_UP}{number:012x}"} if needed else {}
        ids = {name: said.pop(name, made.get(name)) for name in _ID_FIELDS}
        for name, text in ids.items():
            if text and not re.fullmatch("[0-9a-f]{32}" if name == "trace_id" else "[0-9a-f]{16}", str(text)):
                digits = 32 if name == "trace_id" else 16
                raise CaseError(f"{name}: {text!r} must be {digits} hex digits in quotes")
        return {_ID_FIELDS[name]: str(text) for name, text in ids.items() if text}

    def _append(self, form: str, text: list[str]) -> None:
        path = self._folder / _FILES[form]
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in text)


def tails(folder: Path) -> dict[str, str]:
    """The settings that have an agent tail the sender's files."""
    globs = {"PODS": "pods/*/*/*.log", "DOCKER": "docker/*-json.log"}
    globs |= {"FILES": "files/*.jsonl", "PLAIN": "plain/*.log"}
    return {f"TRADEWISE_TAIL_{kind}": str(folder / glob) for kind, glob in globs.items()}


def attributes(of: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A map as OTLP's list of key and value."""
    return [{"key": str(key), "value": value(item)} for key, item in of.items()]


def value(of: Any) -> dict[str, Any]:
    """A value as OTLP's AnyValue."""
    if isinstance(of, bool):
        return {"boolValue": of}
    if isinstance(of, int):
        return {"intValue": str(of)}
    if isinstance(of, float):
        return {"doubleValue": of}
    if isinstance(of, Mapping):
        return {"kvlistValue": {"values": attributes(of)}}
    if isinstance(of, list):
        return {"arrayValue": {"values": [value(item) for item in of]}}
    return {"stringValue": str(of)}


def _nothing_left(said: Mapping[str, Any], what: str) -> dict[str, Any]:
    if said:
        raise CaseError(
            f"{what} has no {next(iter(said))!r}: write it as OTLP/JSON under `otlp`, or correct it"
        )
    return {}
