"""What a typed call says, whichever way it goes on: event type, level, text and fields.

A call may be wrong in any way; what can be told of it is told, and the rest is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from tradewise_otel.catalogue.lookup import fields_of
from tradewise_otel.catalogue.vocabulary import EventType, Level
from tradewise_otel.record.build import extra_of
from tradewise_otel.record.check import Fault
from tradewise_otel.texts import printable

_NAME = re.compile(r"[a-z0-9_]{1,64}")


class Statement(NamedTuple):
    """One typed call, understood."""

    event_type: str
    level: Level
    message: str
    fields: dict[str, Any]
    faults: tuple[Fault, ...] | list[Fault]


def statement(row: EventType, positional: tuple[object, ...], given: dict[str, Any]) -> Statement:
    """What `events.<row>(*positional, **given)` says.

    Args:
        positional: of an open family the name of the event, else nothing.
        given: fields by name, and `message` and `extra` of the call. Taken apart.
    """
    message, extra = given.pop("message", None), given.pop("extra", None)
    if not positional and not row.open_family and extra is None and given.keys() <= _documented(row):
        fields = {name: value for name, value in given.items() if value is not None}
        return Statement(row.name, level_of(row, fields), _message(message, row.name, row), fields, ())
    faults: list[Fault] = []
    event_type = _named(row, positional, given, faults)
    if isinstance(extra, Mapping):
        given = {**extra, **{name: value for name, value in given.items() if value is not None}}
    elif extra is not None:
        faults.append(Fault("type", "extra"))
    fields = extra_of(given)[0]
    return Statement(event_type, level_of(row, fields), _message(message, event_type, row), fields, faults)


def level_of(row: EventType, fields: Mapping[str, Any]) -> Level:
    """The level of an event with these fields (contract 2)."""
    rule = _LEVELS.get(row.name)
    return row.level if rule is None else rule(fields)


def _named(
    row: EventType, positional: tuple[object, ...], given: Mapping[str, Any], faults: list[Fault]
) -> str:
    """The event type, and what is wrong with the names of the call."""
    faults += [Fault("positional", "an argument")] * (len(positional) - row.open_family)
    if not row.open_family:
        faults += [Fault("unknown", str(name)) for name in given.keys() - _documented(row)]
        return row.name
    name = positional[0] if positional else ""
    text = name if isinstance(name, str) else printable(name)
    if not isinstance(name, str) or _NAME.fullmatch(text) is None:
        faults.append(Fault("name", "the event's name"))
    return text if text.startswith(row.name) else row.name + text


def _message(given: object, event_type: str, row: EventType) -> str:
    if given is not None:
        return given if type(given) is str else printable(given)
    return event_type[len(row.name) :].replace("_", " ") if row.open_family else _brief(row)


@cache
def _documented(row: EventType) -> frozenset[str]:
    return frozenset(fields_of(row.fields))


@cache
def _brief(row: EventType) -> str:
    return row.brief.rstrip(".")


def _failed(fields: Mapping[str, Any]) -> Level:
    return "ERROR" if "error_type" in fields or "error_message" in fields else "INFO"


def _called(fields: Mapping[str, Any]) -> Level:
    status = fields.get("status_code")
    return "ERROR" if isinstance(status, int) and status >= 500 else _failed(fields)


_LEVELS: dict[str, Callable[[Mapping[str, Any]], Level]] = {
    "database_operation": _failed,
    "external_api_call": _called,
    "bot_health_check": lambda fields: "INFO" if fields.get("status") == "healthy" else "WARNING",
    "performance_metric": lambda fields: "ERROR" if fields.get("status") == "error" else "INFO",
}
"""Rows whose level depends on their fields; `EventType.level_rules` says it in words."""
