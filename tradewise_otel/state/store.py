"""What a store is asked, and what it answers: plain operations, one transaction a batch.

A store knows neither events nor requests. Subjects, users and bots arrive as keyed hashes, sessions as
pseudonyms; days are whole UTC days since 1970, times nanoseconds of Unix time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

VERSION = 1
"""Form of what is kept; a store of a newer one is left alone."""

DAY_NS = 86_400 * 10**9
KEPT_DAYS = 40
"""How long the users and bots of a day are remembered one by one."""

KEPT_IDLE_DAYS = 90
"""How long a bot is known that nobody has seen."""

PATIENCE_NS = 2 * 10**9
"""How long the steps of all wait for a worker that is held up, or dead."""

SESSION_DAYS = 7
"""How long a session may rest before its next step is a first one again."""


class Unavailable(Exception):
    """The store cannot be used now: its text says why, without addresses or passwords."""


class Step(NamedTuple):
    """Hands in a step of a session, to be numbered later; `token` is known to the one who asks. No answer."""

    token: int
    session: str
    step: str
    at_ns: int


class HandedIn(NamedTuple):
    """The asker has handed in all that happened until a time; None: it has nothing under way. No answer."""

    until_ns: int | None
    now_ns: int


class Number(NamedTuple):
    """Numbers what all workers have handed in and happened until `until_ns`, in the order of time.

    What a worker that has steps under way may still hand in is waited for, unless `patient` is False or
    nothing was heard of that worker for `PATIENCE_NS`. Answers with the asker's own steps, as a list of
    `Numbered`, each once.
    """

    until_ns: int
    patient: bool = True


class Numbered(NamedTuple):
    """One step with its place: sequence from 1, the step before, milliseconds since."""

    token: int
    sequence: int
    previous: str | None
    since_ms: float | None


class Check(NamedTuple):
    """A bot was looked at; `answered` is False for a failed check. Answers with `Health`."""

    bot: str
    status: str
    answered: bool
    at_ns: int


class Health(NamedTuple):
    """What is known of a bot: failures in a row, the last good check, whether `status` is another one."""

    failures: int
    answered_ns: int | None
    changed: bool


class Count(NamedTuple):
    """Adds to the count of a subject; a window begins with its first one. Answers with the window's count."""

    rule: str
    subject: str
    times: int
    at_ns: int
    seconds: float


class UserSeen(NamedTuple):
    """A user was active on a day. No answer."""

    day: int
    user: str


class BotSeen(NamedTuple):
    """A bot was in use on a day, by a user if one is known. No answer."""

    day: int
    bot: str
    user: str | None


class Claim(NamedTuple):
    """Asks to be the one who does a piece of work until a time. Answers with True for one of all who ask."""

    name: str
    now_ns: int
    until_ns: int


class Done(NamedTuple):
    """The work that was claimed is done for good. No answer."""

    name: str
    now_ns: int


class Day(NamedTuple):
    """Asks for the figures of a day. Answers with `Figures`."""

    day: int


class Figures(NamedTuple):
    """Users of a day, bots known, bots of the day, those of them with several users, bots per user."""

    users: int
    new_users: int
    bots: int
    active_bots: int
    shared_bots: int
    bots_per_user: float


class Tidy(NamedTuple):
    """Forgets some of what nobody will ask for any more. No answer."""

    now_ns: int


class Store(Protocol):
    """One place that remembers. Used by one thread, shared by many processes."""

    def apply(self, operations: Sequence[Any]) -> list[Any]:
        """Does all of them in one transaction, or none; the answers stand in the order of the operations.

        Raises:
            Unavailable: nothing was done, as far as can be known.
        """

    def close(self) -> None:
        """Lets go of the connection. Never raises."""


def numbered(token: int, sequence: int, previous: str | None, before_ns: int | None, at_ns: int) -> Numbered:
    """A step with its place, from the time of the step before and its own; one that came late waited 0 ms."""
    since = None if before_ns is None else max(round((at_ns - before_ns) / 1e6, 3), 0.0)
    return Numbered(token, sequence, previous, since)


def storable(text: str, limit: int) -> str:
    """A text that every store gives back: cut, and without what is no UTF-8 or ends a text for some."""
    return text[:limit].encode("utf-8", "replace").decode().replace("\0", "?")
