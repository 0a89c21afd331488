"""The steps of sessions: each gets its place, in the order of time, over all workers.

Two workers may have two steps of one session at nearly the same time, and whoever asks the store first
would be first. So a step is handed in at once, and numbered only after a pause in which every other worker
has handed in what happened before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tradewise_otel.state.store import HandedIn, Number, Numbered, Step, storable

SETTLES_NS = 700_000_000
"""The pause. With a turn of the thread before it and one behind, a step is at most a second late."""

_NOTES_NS = 100_000_000
"""How long a step may take from its time to its note, in a busy worker."""

GIVES_UP_NS = 5_000_000_000

STEP_LIMIT = 256
"""Longest name of a step that is remembered, in characters."""

Work = tuple[Any, Callable[[Any], None] | None]
"""An operation, and who takes its answer; None in the place of an answer means that there is none."""

Finish = Callable[[int, dict[str, Any]], None]
"""Takes the fields of what waits under a token; without any, it has to go as it is."""


class Journeys:
    """Steps between the note and the number.

    Args:
        finish: takes a step's `step_sequence`, `previous_step`, `duration_since_last_step_ms`.
        clean: redacts a name, which is kept in the store.
    """

    def __init__(self, finish: Finish, clean: Callable[[str], str]) -> None:
        self._finish, self._clean = finish, clean
        self._new: list[Step] = []
        self._waiting: dict[int, Step] = {}
        self._under_way = False

    def take(self, token: int, session: str, step: str, at_ns: int) -> None:
        """A step that was taken."""
        handed_in = Step(token, session, storable(self._clean(step), STEP_LIMIT), at_ns)
        self._new.append(handed_in)
        self._waiting[token] = handed_in

    def hand_in_again(self) -> None:
        """The store is another one: what waits is not known there."""
        self._new = list(self._waiting.values())

    def work(self, now_ns: int, last: bool) -> list[Work]:
        """What to ask the store, all notes until `now_ns` having been taken; the last turn does not wait."""
        if not self._waiting:
            told, self._under_way = self._under_way, False
            return [(HandedIn(None, now_ns), None)] if told else []
        self._under_way = not last
        new, self._new = self._new, []
        until = now_ns if last else now_ns - SETTLES_NS
        work: list[Work] = [(step, None) for step in new]
        work.append((HandedIn(None if last else now_ns - _NOTES_NS, now_ns), None))
        if any(step.at_ns <= until for step in self._waiting.values()):
            work.append((Number(until, not last), self._numbered))
        self._give_up(now_ns - GIVES_UP_NS)
        return work

    def _give_up(self, before_ns: int) -> None:
        # A step whose time is in the future, or whose number got lost with a store.
        for token in [token for token, step in self._waiting.items() if step.at_ns < before_ns]:
            del self._waiting[token]
            self._finish(token, {})

    def _numbered(self, steps: list[Numbered] | None) -> None:
        for step in steps or ():
            if self._waiting.pop(step.token, None) is not None:
                self._finish(step.token, _fields(step))


def _fields(step: Numbered) -> dict[str, Any]:
    fields: dict[str, Any] = {"step_sequence": step.sequence}
    if step.previous is not None:
        fields["previous_step"] = step.previous
    if step.since_ms is not None:
        fields["duration_since_last_step_ms"] = step.since_ms
    return fields
