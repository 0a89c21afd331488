"""Carrying a plan out, change by change, so that one that was cut off is gone on with by the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from . import placeholders
from .account import AbsentError, Account, Remote
from .kinds import KINDS
from .planning import Change, Plan

Say = Callable[[str], None]


def apply(account: Account, plan: Plan, say: Say) -> list[str]:
    """Do what a plan says; returns what has to wait, such as tags of a metric that nobody has sent yet.

    Raises:
        AccountError: something was refused; what came before it is done.
    """
    ids, waiting = dict(plan.ids), []
    for number, change in enumerate(plan.changes, 1):
        try:
            _carry_out(account, change, ids)
        except AbsentError as error:
            # Datadog configures the tags only of metrics that it has seen.
            if change.kind.folder != "metric-tags":
                raise
            waiting.append(f"{change.label} waits until the metric has been sent: {error}")
            continue
        say(f"[{number}/{len(plan.changes)}] {change.action}d {change.label}".replace("orderd", "ordered"))
    return waiting


def destroy(account: Account, stems: Iterable[str], with_data: bool, say: Say) -> int:
    """Take away what is ours; returns how many.

    Args:
        stems: of the metrics whose tags are ours to configure.
        with_data: also what holds records: indexes and archives.

    Raises:
        AccountError: see there.
    """
    count = 0
    for remote in ours(account, stems):
        if remote.kind.keeps_data and not with_data:
            say(f"kept {remote.kind.folder}/{remote.stem}: records are in it (--with-data)")
            continue
        account.delete(remote)
        count += 1
        say(f"deleted {remote.kind.folder}/{remote.stem}")
    return count


def ours(account: Account, stems: Iterable[str]) -> list[Remote]:
    """Everything of ours in an organisation, in the order in which it can be taken away.

    Raises:
        AccountError: see there.
    """
    stems = list(stems)
    return [remote for kind in reversed(KINDS) for remote in account.ours(kind, stems)]


def _carry_out(account: Account, change: Change, ids: dict[str, str]) -> None:
    if change.action == "order":
        account.order_indexes(change.kind, change.body["index_names"])
    elif change.action == "delete" and change.remote:
        account.delete(change.remote)
    else:
        # An id that another change has just brought.
        body = placeholders.filled(change.body, {}, ids)
        if change.remote:
            account.update(change.remote, body)
        else:
            made = account.create(change.kind, body)
            ids[f"{change.kind.folder.removesuffix('s')}:{change.label.rpartition('/')[2]}"] = made
