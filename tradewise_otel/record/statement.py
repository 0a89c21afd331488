"""What a typed call says, whichever way it goes on: event type, level, text and fields.

A call may be wrong in any way; what can be told of it is told, and the rest is named.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tradewise_otel.catalogue.lookup import fields_of
from tradewise_otel.catalogue.vocabulary import EventType, Level
from tradewise_otel.record.build import extra_of
from tradewise_otel.record.check import Fault
from tradewise_otel.texts import printable

_NAME = frozenset(string.ascii_lowercase + string.digits + "_")
_NAME_LENGTH = 64


Statement = tuple[str, Level, str, dict[str, Any], Sequence[Fault]]
"""One typed call, understood: event type, level, message, fields, faults."""


class Call:
    """A typed call of the catalogue's: what is known of it before it is made."""

    __slots__ = ("_brief", "_documented", "_family", "_level", "_name", "_usual_level")

    def __init__(self, row: EventType) -> None:
        self._name, self._family, self._usual_level = row.name, row.open_family, row.level
        self._documented = frozenset(fields_of(row.fields))
        self._brief = row.brief.rstrip(".")
        self._level = _LEVELS.get(row.name)

    def understood(self, positional: tuple[object, ...], given: dict[str, Any]) -> Statement:
        """What a call with these arguments says.

        Args:
            positional: of an open family the name of the event, else nothing.
            given: fields by name, and `message` and `extra` of the call. Taken apart.
        """
        message = given.pop("message", None)
        if self._family:
            return self._of_family(positional, given, message)
        faults: Sequence[Fault] = ()
        if positional or not given.keys() <= self._documented:
            given, faults = self._loosely(positional, given)
        # By type: `None in` would ask objects of the app whether they equal it.
        if type(None) in map(type, given.values()):
            given = {name: value for name, value in given.items() if value is not None}
        text = self._brief if message is None else printable(message)
        return self._name, self.level(given), text, given, faults

    def level(self, fields: Mapping[str, Any]) -> Level:
        """The level of the event with these fields (contract 2)."""
        return self._usual_level if self._level is None else self._level(fields)

    def _of_family(self, positional: tuple[object, ...], given: dict[str, Any], message: object) -> Statement:
        """An event of an open family: its name is the first argument, and all fields are welcome."""
        name = positional[0] if positional else ""
        faults = [Fault("positional", "an argument")] * (len(positional) - 1)
        if not is_name(name):
            faults.append(Fault("name", "the event's name"))
        text = printable(name)
        event_type = text if text.startswith(self._name) else self._name + text
        fields = extra_of(given)[0]
        said = event_type[len(self._name) :].replace("_", " ") if message is None else printable(message)
        return event_type, self._usual_level, said, fields, faults

    def _loosely(
        self, positional: tuple[object, ...], given: dict[str, Any]
    ) -> tuple[dict[str, Any], list[Fault]]:
        """The fields of a call with further ones, wanted or not; what was not wanted."""
        extra = given.pop("extra", None)
        faults = [Fault("positional", "an argument")] * len(positional)
        faults += [Fault("unknown", name) for name in given.keys() - self._documented]
        if isinstance(extra, Mapping):
            given = {**extra, **{name: value for name, value in given.items() if value is not None}}
        elif extra is not None:
            faults.append(Fault("type", "extra"))
        return extra_of({**given, "event_type": self._name})[0], faults


def is_name(name: object) -> bool:
    """Whether this names an event of an open family: lower case letters, digits, underscores, at most 64."""
    return isinstance(name, str) and 0 < len(name) <= _NAME_LENGTH and _NAME.issuperset(name)


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
