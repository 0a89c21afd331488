"""The figures of a day: which users and bots were there, told once by one worker of all.

The day is UTC's. It is told a while after midnight, so that every worker has handed in its last notes; a
day that nobody told, because nothing ran, is told later.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

from tradewise_otel.state.journey import Work
from tradewise_otel.state.store import DAY_NS, Claim, Day, Done, Figures, UserSeen

SETTLES_NS = 60 * 10**9
_CLAIMED_NS = 60 * 10**9
_LOOKS_NS = 30 * 10**9
_BACK_DAYS = 7
_REMEMBERED = 10_000

DAILY_USERS = "metric_daily_active_users"
BOT_USAGE = "metric_bot_usage"

Tell = Callable[[str, dict[str, Any]], None]
"""Takes the kind of a figure and its fields."""


class Kpis:
    """Users between the note and the figure.

    Args:
        name: user to the keyed hash that the store knows.
        tell: takes the figures of a day that is over.
    """

    def __init__(self, name: Callable[[str], str], tell: Tell) -> None:
        self._name, self._tell = name, tell
        self._seen: set[tuple[int, str]] = set()
        self._told: set[UserSeen] = set()
        self._again: list[Work] = []
        self._due_ns = 0
        self._figures: list[Work] = []

    def see(self, user: str, at_ns: int) -> None:
        """A user was active."""
        self._seen.add((at_ns // DAY_NS, user))

    def tell_again(self) -> None:
        """The store is another one, and knows nothing of what the one before was told."""
        self._again = [(seen, None) for seen in self._told]

    def work(self) -> list[Work]:
        """What to tell the store of users now."""
        work, self._again = self._again, []
        for day, user in self._seen:
            seen = UserSeen(day, self._name(user))
            if seen not in self._told:
                self._told.add(seen)
                work.append((seen, None))
        self._seen.clear()
        if len(self._told) > _REMEMBERED:
            self._told.clear()
        return work

    def look(self, now_ns: int) -> list[Work]:
        """What to ask about the days that are over; at times nothing."""
        figures, self._figures = self._figures, []
        if now_ns < self._due_ns:
            return figures
        # What was missed while nothing ran is asked for once.
        back = 1 if self._due_ns else _BACK_DAYS
        self._due_ns = now_ns + _LOOKS_NS
        today = (now_ns - SETTLES_NS) // DAY_NS
        for day in range(today - back, today):
            claim = Claim(f"kpis:{day}", now_ns, now_ns + _CLAIMED_NS)
            figures.append((claim, partial(self._claimed, day, day == today - 1, now_ns)))
        return figures

    def _claimed(self, day: int, latest: bool, now_ns: int, mine: bool | None) -> None:
        if mine:
            # Both in the next transaction: the one that reads the figures ends the matter.
            self._figures.append((Day(day), partial(self._told_of, day, latest)))
            self._figures.append((Done(f"kpis:{day}", now_ns), None))

    def _told_of(self, day: int, latest: bool, figures: Figures | None) -> None:
        if figures is None:
            return
        # Bots are known at once, also where nothing ran on that day.
        if not figures.users and not figures.active_bots:
            return
        if figures.users:
            self._tell(DAILY_USERS, daily_users(day, figures))
        if latest and figures.bots:
            self._tell(BOT_USAGE, bot_usage(figures))


def daily_users(day: int, figures: Figures) -> dict[str, Any]:
    """The fields of `metric_daily_active_users` of a day."""
    return {
        "date": date_of(day),
        "active_users": figures.users,
        "new_users": figures.new_users,
        "returning_users": figures.users - figures.new_users,
    }


def bot_usage(figures: Figures) -> dict[str, Any]:
    """The fields of `metric_bot_usage`: a bot in use is shared, or else its one user's own."""
    return {
        "total_bots": figures.bots,
        "active_bots": figures.active_bots,
        "external_bots": figures.active_bots - figures.shared_bots,
        "shared_bots": figures.shared_bots,
        "avg_bots_per_user": round(figures.bots_per_user, 2),
    }


def date_of(day: int) -> str:
    """A day as the documents write it: 2024-01-01."""
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()
