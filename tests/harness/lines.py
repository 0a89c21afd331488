"""Is a stdout line what the catalogue documents? Types, envelope, timestamps, the exception object."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from typing_extensions import get_type_hints

from tradewise_otel.catalogue.envelope import ExceptionInfo, Line, SourceLocation
from tradewise_otel.catalogue.lookup import event_for, field_types, fits, runtime_types

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
# Automatic and printed lines have no caller.
_REQUIRED = Line.__required_keys__ - {"source"}
_NESTED = {"source": SourceLocation, "exception": ExceptionInfo}


def faults(line: dict[str, Any]) -> list[str]:
    """What is wrong with one line, in words; empty when it is as documented."""
    found = [f"{name} is missing" for name in sorted(_REQUIRED - line.keys())]
    found += _mistyped(line, _types(Line))
    found += _mistyped(line, dict(field_types(event_for(line.get("event_type")))))
    for name, shape in _NESTED.items():
        if name in line:
            found += [f"{name}: {fault}" for fault in _nested_faults(line[name], shape)]
    if not _TIMESTAMP.fullmatch(str(line.get("timestamp"))):
        found.append(f"timestamp is {line.get('timestamp')}")
    return [*found, *(f"{name} is null" for name, value in line.items() if value is None)]


def assert_documented(lines: list[dict[str, Any]]) -> None:
    """Fails with every fault of every line."""
    bad = [(fault, line) for line in lines for fault in faults(line)]
    assert not bad, bad


def assert_once_on_both_roads(lines: list[dict[str, Any]], records: list[dict[str, Any]]) -> None:
    """Fails unless lines and records at the sink are the same by `event_id`, each once."""
    printed, sent = (Counter(item["event_id"] for item in items) for items in (lines, records))
    assert set(printed.values()) == set(sent.values()) == {1}
    assert printed == sent


def _nested_faults(value: Any, shape: Any) -> list[str]:
    if not isinstance(value, dict):
        return ["is no object"]
    types = _types(shape)
    return [f"{name} is missing" for name in types.keys() - value.keys()] + _mistyped(value, types)


def _mistyped(values: dict[str, Any], types: dict[str, tuple[type, ...]]) -> list[str]:
    return [
        f"{name} is a {type(value).__name__}"
        for name, value in values.items()
        if not fits(value, types.get(name, ()))
    ]


def _types(shape: Any) -> dict[str, tuple[type, ...]]:
    return {name: runtime_types(hint) for name, hint in get_type_hints(shape, include_extras=True).items()}
