"""The files under `deploy/datadog/`: read, by kind, in the order in which they are applied."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import placeholders
from .account import Remote
from .kinds import KINDS, Kind


class FolderError(ValueError):
    """A file that is not there, or is no JSON object; it names the file."""


@dataclass(frozen=True)
class Resource:
    """One file: a kind, a stem, and the body that Datadog's API takes, with placeholders."""

    kind: Kind
    stem: str
    body: dict[str, Any]
    path: Path

    @property
    def label(self) -> str:
        """What messages call it: `monitors/high_error_rate`."""
        return f"{self.kind.folder}/{self.stem}"

    def filled(self, values: dict[str, str], ids: dict[str, str]) -> Resource:
        """The same, with settings and ids in the place of placeholders."""
        body: dict[str, Any] = placeholders.filled(self.body, values, ids)
        return Resource(self.kind, self.stem, body, self.path)


def read(folder: Path) -> list[Resource]:
    """All resources of a folder.

    Raises:
        FolderError: see there; also for a body whose mark is not that of its file.
    """
    if not folder.is_dir():
        raise FolderError(f"{folder} is no folder: name the one with monitors/, dashboards/ … by --folder")
    return [resource for kind in KINDS for resource in _of_kind(folder, kind)]


def write(folder: Path, remotes: Iterable[Remote]) -> None:
    """Write what an organisation has as such files.

    Raises:
        FolderError: the folder is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise FolderError(f"{folder} is not empty: name a new folder, so that nothing is written over")
    for remote in remotes:
        path = folder / remote.kind.folder / f"{remote.stem}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(remote.body, indent=2) + "\n", encoding="utf-8")


def _of_kind(folder: Path, kind: Kind) -> Iterator[Resource]:
    for path in sorted((folder / kind.folder).glob("*.json")):
        body = _object(path)
        stem = kind.stem(body)
        # Indexes carry their place in their file's name: `10-security-events`.
        if not stem or path.stem.lstrip("0123456789").lstrip("-") != stem:
            raise FolderError(f"{path}: its body says {stem or 'nobody'!r}; ours say their file's name")
        yield Resource(kind, stem, body, path)


def _object(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise FolderError(f"{path} is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise FolderError(f"{path} is no JSON object")
    return body
