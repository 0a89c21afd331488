"""What would have to change for an organisation to be as the files say; nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from . import placeholders
from .account import Account, Remote
from .folder import Resource
from .kinds import KINDS, Kind

Action = Literal["create", "update", "delete", "order", "skip"]
_SIGNS: dict[Action, str] = {"create": "+", "update": "~", "delete": "-", "order": "~", "skip": "!"}
_UNORDERED = frozenset({"tags", "rehydration_tags"})


@dataclass(frozen=True)
class Change:
    """One thing to do.

    Attributes:
        label: of the resource: `monitors/high_error_rate`.
        body: what is to be there, with settings filled in and ids as far as they are known.
        remote: what is there.
        details: how they differ, a line each; why it is skipped.
    """

    action: Action
    kind: Kind
    label: str
    body: dict[str, Any] = field(default_factory=dict)
    remote: Remote | None = None
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"{_SIGNS[self.action]} {self.label}", *(f"    {line}" for line in self.details)])


@dataclass(frozen=True)
class Plan:
    """What is to be done, and what is left as it is.

    Attributes:
        changes: in the order in which they must happen.
        skipped: resources whose settings are missing.
        ids: `slo:STEM` and `monitor:STEM` of what is there.
    """

    changes: tuple[Change, ...]
    skipped: tuple[Change, ...]
    ids: dict[str, str]


def plan(account: Account, resources: list[Resource], values: Mapping[str, str]) -> Plan:
    """Compare an organisation with some resources.

    Raises:
        AccountError: the organisation cannot be asked.
    """
    there = {kind: _there(account, kind, resources) for kind in KINDS}
    ids = {
        f"{kind.folder.removesuffix('s')}:{stem}": remotes[0].id
        for kind, found in there.items()
        for stem, remotes in found.items()
    }
    wanted = [resource for resource in resources if not placeholders.missing(resource.body, values)]
    changes = [change for kind in KINDS for change in _of_kind(kind, wanted, there[kind], dict(values), ids)]
    changes += _gone(resources, there)
    changes += _order(account, wanted)
    return Plan(tuple(changes), tuple(_skipped(resources, values)), ids)


def differences(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """How what is there differs from what we say; what we say nothing about is left alone."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            yield from differences(value, theirs.get(key), f"{path}.{key}" if path else key)
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        if path.rpartition(".")[2] in _UNORDERED:
            ours, theirs = sorted(ours), sorted(theirs)
        for number, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(mine, other, f"{path}[{number}]")
    elif ours != theirs:
        yield f"{path}: {_short(theirs)} -> {_short(ours)}"


def _there(account: Account, kind: Kind, resources: list[Resource]) -> dict[str, list[Remote]]:
    stems = [resource.stem for resource in resources if resource.kind == kind]
    found: dict[str, list[Remote]] = {}
    for remote in account.ours(kind, stems):
        found.setdefault(remote.stem, []).append(remote)
    return found


def _of_kind(
    kind: Kind,
    resources: list[Resource],
    there: dict[str, list[Remote]],
    values: dict[str, str],
    ids: dict[str, str],
) -> Iterator[Change]:
    for resource in resources:
        if resource.kind != kind:
            continue
        wanted = resource.filled(values, ids)
        if resource.stem not in there:
            yield Change("create", kind, resource.label, wanted.body)
            continue
        remote, *copies = there[resource.stem]
        details = tuple(differences(kind.attributes(wanted.body), kind.attributes(remote.body)))
        if details:
            yield Change("update", kind, resource.label, wanted.body, remote, details)
        for copy in copies:
            # Of a creation that was sent twice, since its answer was lost.
            yield Change("delete", kind, resource.label, remote=copy, details=("a second copy",))


def _gone(resources: list[Resource], there: dict[Kind, dict[str, list[Remote]]]) -> Iterator[Change]:
    named = {(resource.kind, resource.stem) for resource in resources}
    # What needs others goes before them.
    for kind in reversed(KINDS):
        for stem, remotes in there[kind].items():
            if (kind, stem) not in named and not kind.keeps_data:
                for remote in remotes:
                    yield Change(
                        "delete", kind, f"{kind.folder}/{stem}", remote=remote, details=("no such file",)
                    )


def _order(account: Account, wanted: list[Resource]) -> Iterator[Change]:
    """Ours first, in the order of their files; others behind them, in the order that they have."""
    ours = [resource.body["name"] for resource in wanted if resource.kind.folder == "log-indexes"]
    if not ours:
        return
    kind = next(kind for kind in KINDS if kind.folder == "log-indexes")
    # A new index is the last of all.
    is_now = account.index_order(kind)
    will_be = [*is_now, *(name for name in ours if name not in is_now)]
    others = [name for name in is_now if name not in ours]
    if will_be != [*ours, *others]:
        details = (f"{', '.join(will_be)} -> {', '.join([*ours, *others])}",)
        yield Change(
            "order", kind, "log-indexes, their order", {"index_names": [*ours, *others]}, None, details
        )


def _skipped(resources: list[Resource], values: Mapping[str, str]) -> Iterator[Change]:
    for resource in resources:
        if missing := placeholders.missing(resource.body, values):
            details = (f"left out: set {', '.join(missing)}",)
            yield Change("skip", resource.kind, resource.label, details=details)


def _short(value: Any) -> str:
    text = "absent" if value is None else repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
