"""What the app's side notes, and the bounded queue in which the notes wait for the state's thread.

Noting is one append: no lock, no hash, nothing that could wait.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

LIMIT = 8192
"""Notes that may wait, and events that may wait for an answer; forty thousand a second would fill it."""


class StepTaken(NamedTuple):
    """A step of a session, by its pseudonym; `ticket` comes back with the fields of its event."""

    session: str
    step: str
    at_ns: int
    ticket: Any


class BotChecked(NamedTuple):
    """A bot was looked at by somebody; `ticket` comes back with the fields of its event."""

    bot: str
    status: str
    user: str | None
    at_ns: int
    ticket: Any


class BotUsed(NamedTuple):
    """A bot was connected or tested by a user."""

    bot: str
    user: str | None
    at_ns: int


class Called(NamedTuple):
    """An API call; `ticket` comes back with the alarm if it was one too many."""

    user: str | None
    address: str | None
    at_ns: int
    ticket: Any


class LoginFailed(NamedTuple):
    """A failed login; `ticket` comes back with the alarm if it was one too many."""

    email: str | None
    address: str | None
    at_ns: int
    ticket: Any


Note = StepTaken | BotChecked | BotUsed | Called | LoginFailed


class Inbox:
    """Notes on their way to the thread. Written by any thread, also inside signal handlers."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._notes: deque[Note] = deque()

    def put(self, note: Note) -> bool:
        """False when it is full. Two threads in one instant may put one more than the limit."""
        if len(self._notes) >= self._limit:
            return False
        self._notes.append(note)
        return True

    def take(self, most: int = LIMIT) -> list[Note]:
        """Those that have waited longest, in the order in which they came."""
        taken: list[Note] = []
        while self._notes and len(taken) < most:
            try:
                taken.append(self._notes.popleft())
            except IndexError:
                break
        return taken
