"""The catalogue as tables for the hot path: compiled on first use, then only dictionary look-ups.

The rest of the program asks here, by name, and never walks the rows itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_origin

from typing_extensions import NotRequired, Required, get_type_hints, is_typeddict

from .common import SQL_ATTRIBUTES, SQL_LENGTH
from .envelope import ExceptionInfo, Line, SourceLocation
from .events import EVENTS, PLAIN
from .vocabulary import EventType, Field, RetentionClass

# Event types come from whoever logs. Names longer than any sensible one are answered but not remembered,
# and so many at most of the others.
_CACHED_NAMES = 512
_CACHED_NAME_LENGTH = 128

_DEFAULT_LENGTH = Field("", "").max_length
_NESTED: dict[str, Any] = {"source.": SourceLocation, "exception.": ExceptionInfo}

_EXACT = {event.name: event for event in EVENTS if not event.open_family}
_FAMILIES = sorted((event for event in EVENTS if event.open_family), key=lambda event: -len(event.name))


def event_for(event_type: object) -> EventType:
    """The row of an `event_type`: its own, else its open family's (longest prefix), else `PLAIN`.

    Takes any object, since an app may put anything into `extra=`; what is no string is `PLAIN`.
    """
    if not isinstance(event_type, str):
        return PLAIN
    exact = _EXACT.get(event_type)
    if exact is not None:
        return exact
    if len(event_type) > _CACHED_NAME_LENGTH:
        return _family_of(event_type)
    return _cached_family_of(event_type)


def field_types(event: EventType) -> Mapping[str, tuple[type, ...]]:
    """Field name to the types a value may have at run time, for `fits`. Empty types mean any value."""
    return _types_by_event()[event.name]


def fits(value: object, types: tuple[type, ...]) -> bool:
    """Whether a value has one of the types; `True` is no number here, though Python says it is an int."""
    if not types:
        return True
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def fields_of(shape: Any) -> Mapping[str, Field]:
    """Field name to its mark, in the order of declaration, of an event's `fields` or of the `Line`."""
    return {name: mark for name, _, mark in _declared(shape)}


def required_fields(event: EventType) -> frozenset[str]:
    """Names that are on every event of this kind."""
    filled = (name for name, mark in fields_of(event.fields).items() if mark.filled)
    return must_be_stated(event).union(filled)


def must_be_stated(event: EventType) -> frozenset[str]:
    """Names without which nobody can state this event; of the required ones, all but the filled."""
    keys: frozenset[str] = event.fields.__required_keys__  # type: ignore[attr-defined]
    return keys


def max_length(field_name: str) -> int:
    """Longest string, in characters, of a field or of a span attribute that a field is read from.

    Inside `source` and `exception` the name is the dotted path: `exception.message`.
    """
    return _lengths().get(field_name, _DEFAULT_LENGTH)


def edge_fields() -> dict[str, Field]:
    """Fields with names of their own at the Datadog edge; nested ones under their dotted path.

    A field of several events that go by different names there has all of them, in the order of declaration.
    """
    found: dict[str, Field] = {}
    for name, mark in _all_fields():
        if mark.datadog:
            before = found[name].datadog if name in found else ()
            found[name] = replace(mark, datadog=tuple(dict.fromkeys((*before, *mark.datadog))))
    return found


def personal_fields() -> frozenset[str]:
    """Names whose values a setting may mask or replace by a pseudonym (`TRADEWISE_EMAIL`)."""
    return _with_sensitivity("personal")


def pseudonym_fields() -> frozenset[str]:
    """Names whose values leave the process only as a keyed hash."""
    return _with_sensitivity("pseudonym")


def retention_for(event: EventType, level: str) -> RetentionClass:
    """The retention class of one record (contract 2: plain lines at DEBUG have one of their own)."""
    if event is PLAIN and level == "DEBUG":
        return "debug_logs"
    return event.retention


def runtime_types(hint: Any) -> tuple[type, ...]:
    """The classes for `isinstance` behind a type hint; a float may be written as an int."""
    origin = get_origin(hint)
    if origin in (Annotated, NotRequired, Required):
        return runtime_types(get_args(hint)[0])
    if origin is Literal:
        return tuple({type(value) for value in get_args(hint)})
    if is_typeddict(hint):
        return (dict,)
    if hint is Any:
        return ()
    return (float, int) if hint is float else (origin or hint,)


def _family_of(event_type: str) -> EventType:
    return next((family for family in _FAMILIES if event_type.startswith(family.name)), PLAIN)


_cached_family_of = lru_cache(maxsize=_CACHED_NAMES)(_family_of)


@cache
def _types_by_event() -> Mapping[str, Mapping[str, tuple[type, ...]]]:
    return {
        event.name: MappingProxyType({name: types for name, types, _ in _declared(event.fields)})
        for event in (*EVENTS, PLAIN)
    }


@cache
def _lengths() -> Mapping[str, int]:
    lengths = dict.fromkeys(SQL_ATTRIBUTES, SQL_LENGTH)
    for name, mark in _all_fields():
        for known_as in (name, *mark.semconv, *mark.datadog):
            lengths[known_as] = max(mark.max_length, lengths.get(known_as, 0))
    return lengths


@cache
def _with_sensitivity(sensitivity: str) -> frozenset[str]:
    return frozenset(name for name, mark in _all_fields() if mark.sensitivity == sensitivity)


def _all_fields() -> Iterator[tuple[str, Field]]:
    """Every field of the contract; those inside a nested object under their dotted path."""
    for shape in (Line, *(event.fields for event in EVENTS)):
        yield from fields_of(shape).items()
    for prefix, shape in _NESTED.items():
        for name, mark in fields_of(shape).items():
            yield prefix + name, mark


def _declared(shape: Any) -> Iterator[tuple[str, tuple[type, ...], Field]]:
    """Name, run-time types and mark of each key; own keys first, inherited ids after them."""
    for name, hint in get_type_hints(shape, include_extras=True).items():
        mark = _mark(hint)
        if mark is not None:
            yield name, runtime_types(hint), mark


def _mark(hint: Any) -> Field | None:
    if get_origin(hint) in (NotRequired, Required):
        return _mark(get_args(hint)[0])
    return next((mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Field)), None)
