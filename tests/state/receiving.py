"""A receiver that keeps what it is given, and a state around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from state.state_worker import Rule

from tradewise_otel.state.desk import Means, Receiver
from tradewise_otel.state.opening import LastingStore, open_store, place_of
from tradewise_otel.state.thread import State

CALLS = Rule("rapid_api_calls", 150, 60)
LOGINS = Rule("brute_force", 11, 300)


@dataclass
class Kept:
    """All answers, in their order."""

    finished: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)
    alarms: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)
    figures: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    said: list[tuple[str, str]] = field(default_factory=list)

    def finish(self, ticket: Any, fields: dict[str, Any]) -> None:
        """Keeps it."""
        self.finished.append((ticket, fields))

    def alarm(self, ticket: Any, fields: dict[str, Any]) -> None:
        """Keeps it."""
        self.alarms.append((ticket, fields))

    def figure(self, kind: str, fields: dict[str, Any]) -> None:
        """Keeps it."""
        self.figures.append((kind, fields))

    def say(self, level: str, message: str) -> None:
        """Keeps it."""
        self.said.append((level, message))


def state_at(url: str, kept: Kept, calls: Rule = CALLS) -> State:
    """A state whose names and words are as they are."""
    return State(
        Means(calls, LOGINS, lambda text: text, lambda text: text),
        lambda: LastingStore(lambda owner: open_store(url, "shop", owner), place_of(url), kept.say),
        Receiver(kept.finish, kept.alarm, kept.figure, kept.faults.append),
    )


def file_url(folder: Path) -> str:
    """A file of its own."""
    return f"sqlite://{folder / 'state.db'}"
