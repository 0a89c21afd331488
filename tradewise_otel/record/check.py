"""Does an event say what the catalogue documents? Mended where that loses nothing, named, never raised.

What an app hands over may be anything. Ids become text, times become UTC, numbers that are none go; any
other value of a wrong type stays as given (contract 1). Each fault is counted by its kind, and the first of
a kind is told in one line.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, timezone
from functools import cache
from typing import Any, NamedTuple

from tradewise_otel.bounded import keep
from tradewise_otel.catalogue.common import Context
from tradewise_otel.catalogue.lookup import event_for, field_types, fields_of, fits, must_be_stated
from tradewise_otel.record.build import Event, automatic
from tradewise_otel.texts import printable

_IDS = frozenset(fields_of(Context))
_ID_LENGTH = 1024
_NAME_LENGTH = 128
_LONGEST_FORM = 1024
_TOLD = 100
"""Faults that are told in a line, each once a process; all are counted."""

_WORDS = {
    "type": "has another type than documented",
    "missing": "is missing",
    "unknown": "is not among its fields",
    "number": "is not a number",
    "id": "is too long for an id, or not printable",
    "time": "has no time zone, UTC is assumed",
    "positional": "was not given by name, and is left out",
    "name": "is no name: lower case letters, digits and underscores, at most 64",
}


class Fault(NamedTuple):
    """What is wrong with a field: a kind, one of `_WORDS`, and the field's name."""

    kind: str
    field: str


def mend(event: Event) -> list[Fault]:
    """Makes the event's fields fit for a line, in place; answers what was wrong with them.

    Unknown fields are welcome: they pass through, redacted.
    """
    fields = event.fields
    form = (event.event_type, *fields, *map(type, fields.values()))
    varying = _FORMS.get(form)
    if varying is None:
        return _mend_all(event, form)
    faults: list[Fault] = []
    for name in varying:
        if not _is_fit(fields[name]):
            faults += _mend_field(event, name, fields[name])
    return faults


def is_fit_id(text: str) -> bool:
    """Whether a text is what ids are like: printable, and not beyond all measure."""
    return _is_fit(text)


class Complaints:
    """Tells the first fault of each kind: one WARNING line, then silence."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str, str]] = set()

    def first(self, event: Event, fault: Fault) -> Event | None:
        """The line that names event and field, unless that has been said before."""
        about = (event_for(event.event_type).name, fault.kind, fault.field[:_NAME_LENGTH])
        if about in self._told or len(self._told) >= _TOLD:
            return None
        self._told.add(about)
        place = f" ({event.source[0]}:{event.source[1]})" if event.source else ""
        text = f"event {event.event_type}: {fault.field} {_WORDS[fault.kind]}{place}; more are only counted"
        return automatic(None, "WARNING", text, {}, None, None)


def _mend_all(event: Event, form: tuple[object, ...]) -> list[Fault]:
    fields, row = event.fields, event_for(event.event_type)
    types_of = _types(row.name).get
    odd = [name for name, value in fields.items() if type(value) not in types_of(name, _PLAIN)]
    varying = [name for name, value in fields.items() if name in _IDS or type(value) is float]
    missing = must_be_stated(row).difference(fields)
    if not odd and not missing:
        _remember(form, tuple(varying))
    odd += [name for name in varying if name not in odd and not _is_fit(fields[name])]
    faults = [fault for name in odd for fault in _mend_field(event, name, fields[name])]
    return faults + [Fault("missing", name) for name in sorted(missing) if not _known(event, name)]


def _remember(form: tuple[object, ...], varying: tuple[str, ...]) -> None:
    # Names come from whoever logs.
    if sum(len(part) for part in form if isinstance(part, str)) <= _LONGEST_FORM:
        keep(_FORMS, form, varying)


def _is_fit(value: Any) -> bool:
    if type(value) is float:
        # What is infinite or no number, less itself, is not nothing.
        return value - value == 0.0
    return 0 < len(value) <= _ID_LENGTH and bool(value.isprintable())


def _mend_field(event: Event, name: str, value: object) -> list[Fault]:
    types = field_types(event_for(event.event_type)).get(name, ())
    if name in _IDS:
        return _mend_id(event, name, value)
    if isinstance(value, float) and not math.isfinite(value):
        del event.fields[name]
        return [Fault("number", name)]
    if isinstance(value, date):
        return _mend_time(event, name, value, documented=bool(types))
    return [] if fits(value, types) else [Fault("type", name)]


def _mend_id(event: Event, name: str, value: object) -> list[Fault]:
    text = event.fields[name] = str.__str__(value) if isinstance(value, str) else printable(value)
    if not text:
        # Absent when unknown, never empty.
        del event.fields[name]
        return [Fault("missing", name)] if name in must_be_stated(event_for(event.event_type)) else []
    if not isinstance(value, str):
        return [Fault("type", name)]
    return [] if is_fit_id(text) else [Fault("id", name)]


def _mend_time(event: Event, name: str, value: date, documented: bool) -> list[Fault]:
    faults = [Fault("type", name)] if documented else []
    if isinstance(value, datetime) and value.tzinfo is None:
        value = value.replace(tzinfo=timezone.utc)
        faults.append(Fault("time", name))
    event.fields[name] = _utc(value)
    return faults


def _utc(value: date) -> str:
    if not isinstance(value, datetime):
        return value.isoformat()
    try:
        return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    except Exception:
        # Beyond the years that there are in UTC, or a time zone that raises.
        return printable(value)


def _known(event: Event, name: str) -> bool:
    """Whether the request knows an id that the event lacks."""
    if name not in _IDS or event.request is None:
        return False
    event.request.learn_from_state()
    return getattr(event.request, name) is not None


@cache
def _types(event_name: str) -> Mapping[str, frozenset[type]]:
    return {name: frozenset(kinds) for name, kinds in field_types(event_for(event_name)).items() if kinds}


_PLAIN = frozenset({str, int, bool, float, list, dict, tuple, type(None)})
_FORMS: dict[tuple[object, ...], tuple[str, ...]] = {}
"""Forms in which nothing was odd (event type, names, types of values); whose values may be all the same."""
