"""Where notes are sorted by what they are about, and answers are turned into fields."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tradewise_otel.state.abuse import Abuse, Rule
from tradewise_otel.state.bots import Bots
from tradewise_otel.state.inbox import BotChecked, BotUsed, Called, LoginFailed, Note, StepTaken
from tradewise_otel.state.journey import Journeys, Work
from tradewise_otel.state.kpis import Kpis, Tell
from tradewise_otel.state.store import Tidy

_FOLDS_NS = 1_000_000_000
_TIDIES_NS = 60_000_000_000


@dataclass(frozen=True)
class Receiver:
    """What takes the answers, in the state's thread. None of it may raise.

    Args:
        finish: the event behind a ticket can go, with the fields that the state knows; maybe none.
        alarm: the call behind a ticket was one too many; with the fields of the alarm.
        figure: kind and fields of a figure of a day that is over.
        fault: told of a fault of ours.
    """

    finish: Callable[[Any, dict[str, Any]], None]
    alarm: Callable[[Any, dict[str, Any]], None]
    figure: Callable[[str, dict[str, Any]], None]
    fault: Callable[[Exception], None]


@dataclass(frozen=True)
class Means:
    """What the state is made of, apart from its store.

    Args:
        calls, logins: from which count on a window has its alarm.
        name: a subject, user or bot to its keyed hash.
        clean: redacts what is kept in words.
    """

    calls: Rule
    logins: Rule
    name: Callable[[str], str]
    clean: Callable[[str], str]


class Desk:
    """Notes in, operations out; answers in, fields out. Used by one thread.

    Args:
        figure: takes the figures of a day.

    Attributes:
        tickets: of the events that wait for an answer, by token.
        answered: tokens with their fields, in the order of the answers.
    """

    def __init__(self, means: Means, receiver: Receiver, figure: Tell) -> None:
        self._tokens = itertools.count(1)
        self.tickets: dict[int, Any] = {}
        self.answered: deque[tuple[int, dict[str, Any]]] = deque()
        self._journeys = Journeys(self._answer, means.clean)
        self._bots = Bots(self._answer, means.name, means.clean)
        self._abuse = Abuse(
            means.calls, means.logins, means.name, lambda fields, ticket: receiver.alarm(ticket, fields)
        )
        self._kpis = Kpis(means.name, figure)
        self._folds_at = self._tidies_at = 0

    def sort(self, note: Note) -> None:
        """Takes a note."""
        if isinstance(note, Called):
            self._abuse.call(note)
            if note.user is not None:
                self._kpis.see(note.user, note.at_ns)
        elif isinstance(note, StepTaken):
            self._journeys.take(self._keep(note.ticket), note.session, note.step, note.at_ns)
        elif isinstance(note, BotChecked):
            self._bots.check(self._keep(note.ticket), note.bot, note.status, note.user, note.at_ns)
        elif isinstance(note, LoginFailed):
            self._abuse.login(note)
        elif isinstance(note, BotUsed):
            self._bots.use(note.bot, note.user, note.at_ns)

    def _keep(self, ticket: Any) -> int:
        token = next(self._tokens)
        self.tickets[token] = ticket
        return token

    def _answer(self, token: int, fields: dict[str, Any]) -> None:
        self.answered.append((token, fields))

    def work(self, now_ns: int, last: bool, tells: bool) -> list[Work]:
        """What to ask the store, all notes until `now_ns` having been sorted.

        Steps and checks are asked about with every turn, because their events wait for it; what is only
        counted is folded, and told about once a second, and with the last turn.

        Args:
            tells: whether this process may be the one that tells the figures of a day.
        """
        work = [*self._journeys.work(now_ns, last), *self._bots.work()]
        if last or now_ns >= self._folds_at or self._abuse.is_large:
            self._folds_at = now_ns + _FOLDS_NS
            work += [*self._abuse.work(), *self._kpis.work()]
            if tells and not last:
                work += self._kpis.look(now_ns)
        if work and now_ns >= self._tidies_at:
            self._tidies_at = now_ns + _TIDIES_NS
            work.append((Tidy(now_ns), None))
        return work

    def another_store(self) -> None:
        """Another store answers from now on, and knows nothing of what the one before was told."""
        self._journeys.hand_in_again()
        self._bots.tell_again()
        self._kpis.tell_again()

    def give_up(self) -> None:
        """Whatever has no answer yet goes without."""
        self.answered.extend((token, {}) for token in list(self.tickets))
