"""The health of bots: failures in a row and the last good check, kept over restarts; who uses which bot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from typing import Any

from tradewise_otel.state.journey import Finish, Work
from tradewise_otel.state.store import DAY_NS, BotSeen, Check, Health, storable

CHANGED = "changed"
"""Among the fields of a check, for whoever judges it: the status is another one than before."""

_FAILED = "unhealthy"
_STATUS_LIMIT = 64
_REMEMBERED = 10_000


class Bots:
    """Checks between the note and the answer.

    Args:
        finish: takes a check's `consecutive_failures`, `last_successful_ping`, and `changed`.
        name: bot or user to the keyed hash that the store knows.
        clean: redacts a status, which is kept in the store.
    """

    def __init__(self, finish: Finish, name: Callable[[str], str], clean: Callable[[str], str]) -> None:
        self._finish, self._name, self._clean = finish, name, clean
        self._work: list[Work] = []
        self._seen: set[tuple[int, str, str | None]] = set()
        self._told: set[BotSeen] = set()

    def check(self, token: int, bot: str, status: str, user: str | None, at_ns: int) -> None:
        """A bot was looked at."""
        # What another worker asks of the same bot must find the same word.
        known = Check(self._name(bot), storable(self._clean(status), _STATUS_LIMIT), status != _FAILED, at_ns)
        self._work.append((known, partial(self._checked, token)))
        self.use(bot, user, at_ns)

    def use(self, bot: str, user: str | None, at_ns: int) -> None:
        """A bot was in use."""
        self._seen.add((at_ns // DAY_NS, bot, user))

    def tell_again(self) -> None:
        """The store is another one, and knows nothing of what the one before was told."""
        self._work += [(seen, None) for seen in self._told]

    def work(self) -> list[Work]:
        """What to ask the store now."""
        work, self._work = self._work, []
        for day, bot, user in self._seen:
            seen = BotSeen(day, self._name(bot), self._name(user) if user is not None else None)
            if seen not in self._told:
                self._told.add(seen)
                work.append((seen, None))
        self._seen.clear()
        if len(self._told) > _REMEMBERED:
            self._told.clear()
        return work

    def _checked(self, token: int, health: Health | None) -> None:
        self._finish(token, {} if health is None else _fields(health))


def _fields(health: Health) -> dict[str, Any]:
    fields: dict[str, Any] = {"consecutive_failures": health.failures, CHANGED: health.changed}
    if health.answered_ns is not None:
        moment = datetime.fromtimestamp(health.answered_ns / 1e9, timezone.utc)
        fields["last_successful_ping"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return fields
