"""A case as its file says it, checked: whatever is wrong is named with file, place and remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tradewise_otel.tools.collector.config import CollectorError, overlay_names, role_names

SIGNALS = ("traces", "logs", "metrics")
LINES = ("pods", "docker", "files", "plain")
"""Forms of tailed files: CRI, Docker's json-file, lines of ours, plain text."""

_RECORDS = {"traces": "spans", "logs": "records", "metrics": "metrics"}
_TOP: dict[str, tuple[type, str]] = {
    "name": (str, "text"),
    "role": (str, "text"),
    "overlays": (list, "a list"),
    "settings": (dict, "a map"),
    "extras": (dict, "a map"),
    "send": (list, "a list"),
    "expect": (dict, "a map"),
}
_REQUIRED = ("name", "send")


class CaseError(CollectorError):
    """A case that cannot be run as it is written."""

    exit_code = 2


@dataclass(frozen=True)
class Case:
    """One test of a configuration.

    Attributes:
        file: where it stands.
        settings: of the Collector, on top of what the runner needs.
        extras: a layer of one's own, loaded as `--extras` is.
        send: what goes in, in order; each `{traces|logs|metrics: …}`, `{otlp: …}` or `{lines: …}`.
        expect: whole records by signal; None where the file says nothing yet (`--write` fills it in).
    """

    file: Path
    name: str
    role: str
    overlays: tuple[str, ...]
    settings: Mapping[str, str]
    extras: Mapping[str, Any]
    send: tuple[Mapping[str, Any], ...]
    expect: Mapping[str, list[dict[str, Any]]] | None


def load(file: Path) -> Case:
    """Reads a case.

    Raises:
        CaseError: it is not YAML, or a key, type, role or overlay is wrong.
    """
    content = _yaml(file)
    _check_keys(file, "", content, set(_TOP), _REQUIRED)
    for key, (kind, said) in _TOP.items():
        if content.get(key) is not None and not isinstance(content[key], kind):
            raise CaseError(f"{file}: {key} is {content[key]!r}, must be {said}")
    role, overlays = content.get("role", "laptop"), content.get("overlays") or []
    for what, chosen, known in (("role", [role], role_names()), ("overlay", overlays, overlay_names())):
        if unknown := [name for name in chosen if name not in known]:
            raise CaseError(f"{file}: unknown {what} {unknown[0]!r}; there is {', '.join(known)}")
    for number, step in enumerate(content["send"]):
        _check_step(file, f"send[{number}]", step)
    return Case(
        file=file,
        name=content["name"],
        role=role,
        overlays=tuple(overlays),
        settings={name: str(text) for name, text in (content.get("settings") or {}).items()},
        extras=content.get("extras") or {},
        send=tuple(content["send"]),
        expect=_expected(file, content),
    )


def find(places: list[Path]) -> list[Path]:
    """The case files that are meant: files as they are, of folders every `*.yaml`.

    Raises:
        CaseError: a place does not exist, or a folder has none.
    """
    found: list[Path] = []
    for place in places:
        here = [place] if place.is_file() else sorted(place.glob("*.yaml"))
        if not here:
            raise CaseError(f"{place}: {'no *.yaml in it' if place.is_dir() else 'no such file or folder'}")
        found += here
    return found


def _yaml(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise CaseError(f"{file}: no YAML: {' '.join(str(error).split())}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CaseError(f"{file}: cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise CaseError(f"{file}: must be a map with {', '.join(_TOP)}")
    return content


def _expected(file: Path, content: Mapping[str, Any]) -> Mapping[str, list[dict[str, Any]]] | None:
    if content.get("expect") is None:
        return None
    _check_keys(file, "expect.", content["expect"], set(SIGNALS), ())
    expect = {signal: content["expect"].get(signal) or [] for signal in SIGNALS}
    for signal, records in expect.items():
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            raise CaseError(f"{file}: expect.{signal} must be a list of records")
    return expect


def _check_step(file: Path, place: str, step: object) -> None:
    ways = (*SIGNALS, "otlp", "lines")
    if not isinstance(step, dict) or len(step) != 1 or not set(step) <= set(ways):
        raise CaseError(f"{file}: {place} must have one of {', '.join(ways)}")
    ((way, what),) = step.items()
    if not isinstance(what, dict):
        raise CaseError(f"{file}: {place}.{way} must be a map")
    if way in SIGNALS:
        allowed = {"resource", "scope", _RECORDS[way]}
        _check_keys(file, f"{place}.{way}.", what, allowed, (_RECORDS[way],))
    if way == "lines":
        _check_keys(file, f"{place}.lines.", what, {"form", "text"}, ("form", "text"))
        if what["form"] not in LINES:
            raise CaseError(f"{file}: {place}.lines.form is {what['form']!r}; there is {', '.join(LINES)}")


def _check_keys(file: Path, place: str, have: Any, allowed: set[str], required: tuple[str, ...]) -> None:
    if unknown := [key for key in have if key not in allowed]:
        raise CaseError(f"{file}: unknown key {place}{unknown[0]}; there is {', '.join(sorted(allowed))}")
    if missing := [key for key in required if key not in have]:
        raise CaseError(f"{file}: {place}{missing[0]} is missing")
