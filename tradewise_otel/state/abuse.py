"""Who calls, or fails to log in, faster than people do: counted over all workers, told once a window.

Calls are folded by subject before the store hears of them, so a flood costs it one row a second. A window
begins with a subject's first call and does not slide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from tradewise_otel.state.inbox import Called, LoginFailed
from tradewise_otel.state.journey import Work
from tradewise_otel.state.store import Count

_SUBJECTS = 1000


@dataclass(frozen=True)
class Rule:
    """So many in so many seconds are too many."""

    activity: str
    count: int
    seconds: float


Alarm = Callable[[dict[str, Any], Any], None]
"""Takes the fields of the alarm, and the ticket of a call that was too many."""


class Abuse:
    """Counts between the notes and the alarm.

    Args:
        calls, logins: from which count on a window has its alarm.
        name: user, e-mail or address to the keyed hash that the store knows.
    """

    def __init__(self, calls: Rule, logins: Rule, name: Callable[[str], str], alarm: Alarm) -> None:
        self._calls, self._logins = calls, logins
        self._name, self._alarm = name, alarm
        self._counts: dict[tuple[Rule, str], tuple[int, int, Any]] = {}

    def call(self, note: Called) -> None:
        """An API call counts for its user, else for its address."""
        if note.user is not None:
            self._add(self._calls, f"user {note.user}", note.at_ns, note.ticket)
        elif note.address is not None:
            self._add(self._calls, f"address {note.address}", note.at_ns, note.ticket)

    def login(self, note: LoginFailed) -> None:
        """A failed login counts for the account and for the address."""
        if note.email is not None:
            self._add(self._logins, f"email {note.email.lower()}", note.at_ns, note.ticket)
        if note.address is not None:
            self._add(self._logins, f"address {note.address}", note.at_ns, note.ticket)

    def _add(self, rule: Rule, subject: str, at_ns: int, ticket: Any) -> None:
        count = self._counts.get((rule, subject), (0,))[0]
        self._counts[rule, subject] = (count + 1, at_ns, ticket)

    @property
    def is_large(self) -> bool:
        """True when the subjects are too many to keep any longer."""
        return len(self._counts) > _SUBJECTS

    def work(self) -> list[Work]:
        """What to ask the store now."""
        counts, self._counts = self._counts, {}
        return [
            (
                Count(rule.activity, self._name(subject), count, at_ns, rule.seconds),
                partial(self._counted, rule, count, ticket),
            )
            for (rule, subject), (count, at_ns, ticket) in counts.items()
        ]

    def _counted(self, rule: Rule, added: int, ticket: Any, total: int | None) -> None:
        # Exactly one of all workers sees the count pass the line.
        if total is None or not total - added < rule.count <= total:
            return
        fields = {
            "activity_type": rule.activity,
            "call_count": total,
            "time_window_seconds": int(rule.seconds) if rule.seconds == int(rule.seconds) else rule.seconds,
        }
        self._alarm(fields, ticket)
