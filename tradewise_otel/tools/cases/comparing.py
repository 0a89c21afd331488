"""Expected against received: whole records in any order, and a difference that a person can read."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import yaml

ANY = "<any>"
"""Stands for whatever is there."""

Record = Mapping[str, Any]


def differences(expected: list[dict[str, Any]], received: list[dict[str, Any]]) -> list[str]:
    """What is missing, too much or different, each as readable text; empty when all is as expected."""
    left, missing = [*received], []
    for record in expected:
        twin = next((other for other in left if matches(record, other)), None)
        if twin is None:
            missing.append(record)
        else:
            left.remove(twin)
    said = []
    for record in missing:
        nearest = max(left, key=lambda other: _likeness(record, other), default=None)
        if nearest is not None:
            left.remove(nearest)
        said.append(_difference(record, nearest))
    return [*said, *(f"not expected:\n{_indented(text(record))}" for record in left)]


def matches(expected: Any, received: Any) -> bool:
    """Whether a received value is the expected one; `<any>` is like anything, 1 is not like 1.0 or true."""
    if expected == ANY:
        return True
    if isinstance(expected, dict):
        return (
            isinstance(received, dict)
            and expected.keys() == received.keys()
            and all(matches(item, received[name]) for name, item in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(received, list)
            and len(expected) == len(received)
            and all(matches(*pair) for pair in zip(expected, received, strict=True))
        )
    return type(expected) is type(received) and bool(expected == received)


def text(records: Any) -> str:
    """Records as they stand in a case file."""
    dumped: str = yaml.dump(records, Dumper=_InFull, sort_keys=False, allow_unicode=True, width=100)
    return dumped


class _InFull(yaml.SafeDumper):
    """Without anchors: what two records share is written in both."""

    def ignore_aliases(self, data: Any) -> bool:
        """All of it."""
        return True


def _difference(record: Record, nearest: Record | None) -> str:
    if nearest is None:
        return f"did not come:\n{_indented(text(dict(record)))}"
    lines = difflib.unified_diff(
        text(_sorted(_filled(record, nearest))).splitlines(),
        text(_sorted(nearest)).splitlines(),
        n=1,
        lineterm="",
    )
    body = "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))
    return f"differs (- expected, + received):\n{_indented(body)}"


def _filled(expected: Any, received: Any) -> Any:
    """What is expected, with what came in the place of `<any>`."""
    if expected == ANY:
        return received
    if isinstance(expected, Mapping) and isinstance(received, Mapping):
        return {name: _filled(item, received.get(name, ANY)) for name, item in expected.items()}
    return expected


def _sorted(of: Any) -> Any:
    if isinstance(of, Mapping):
        return {name: _sorted(of[name]) for name in sorted(of)}
    return of


def _likeness(one: Record, other: Record) -> float:
    return difflib.SequenceMatcher(None, text(_sorted(one)), text(_sorted(other))).ratio()


def _indented(block: str) -> str:
    return "\n".join(f"    {line}" for line in block.splitlines())
