"""The state's own thread: notes in, answers out, in transactions that no request waits for.

Steps and checks are asked about with every turn, because their events wait for it; what is only counted
is folded, and told about once a second.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tradewise_otel.state.abuse import Abuse, Rule
from tradewise_otel.state.bots import Bots
from tradewise_otel.state.inbox import LIMIT, BotChecked, BotUsed, Called, Inbox, LoginFailed, Note, StepTaken
from tradewise_otel.state.journey import Journeys, Work
from tradewise_otel.state.kpis import Kpis
from tradewise_otel.state.opening import LastingStore
from tradewise_otel.state.store import Tidy, Unavailable

STATE_THREAD = "tradewise-otel-state"
TURN_SECONDS = 0.1
_FINISHES_SECONDS = 0.05
_FOLDS_NS = 1_000_000_000
_TIDIES_NS = 60_000_000_000
_AT_ONCE = 1000


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
        name: a subject, user or bot to its keyed hash.
        clean: redacts what is kept in words.
    """

    calls: Rule
    logins: Rule
    name: Callable[[str], str]
    clean: Callable[[str], str]


class State:
    """Inbox, thread and store of one process; the thread starts with the first note.

    Args:
        opens: makes the store of this process; a forked child has its own.
        receiver: takes the answers.
    """

    def __init__(self, means: Means, opens: Callable[[], LastingStore], receiver: Receiver) -> None:
        self._means, self._opens, self._receiver = means, opens, receiver
        self._forgotten: list[LastingStore] = []
        self._forget()

    def _forget(self) -> None:
        self._pid = os.getpid()
        self._inbox = Inbox()
        self._store = self._opens()
        self._generation = 0
        self._tokens = itertools.count(1)
        self._tickets: dict[int, Any] = {}
        self._answered: deque[tuple[int, dict[str, Any]]] = deque()
        means, receiver = self._means, self._receiver
        self._journeys = Journeys(self._answer, means.clean)
        self._bots = Bots(self._answer, means.name, means.clean)
        self._abuse = Abuse(
            means.calls, means.logins, means.name, lambda fields, ticket: receiver.alarm(ticket, fields)
        )
        self._kpis = Kpis(means.name, self._figure)
        self._folds_at = self._tidies_at = 0
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._stop_signal: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stopping = False

    def after_fork(self) -> None:
        """A forked child begins anew; what waits is its parent's to finish."""
        # Kept, and so never closed here: the connection is the parent's.
        self._forgotten.append(self._store)
        self._forget()

    def put(self, note: Note) -> bool:
        """Notes something; False when it cannot be taken, so that the event has to go as it is."""
        if self._stopping or len(self._tickets) >= LIMIT or not self._inbox.put(note):
            return False
        if self._thread is None:
            self._ensure_running()
        return True

    def _ensure_running(self) -> None:
        if not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None and not self._stopping:
                thread = threading.Thread(target=self._run, name=STATE_THREAD, daemon=True)
                # Known before it runs: a signal handler may come in between and has to wait for it.
                self._thread = thread
                try:
                    thread.start()
                except RuntimeError:
                    self._thread = None
                    raise
        finally:
            self._starting.release()

    def stop(self, seconds: float) -> None:
        """Finishes what waits, within `seconds`; what has no answer by then goes without."""
        if self._stopping or self._pid != os.getpid():
            return
        self._stopping = True
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._stop_signal.put(None)
            # Interrupted within its start by the signal that ends the process, it will never run.
            with contextlib.suppress(RuntimeError):
                thread.join(seconds)
        self._let_go()

    def _let_go(self) -> None:
        self._finish(math.inf)
        for note in self._inbox.take():
            if isinstance(note, StepTaken | BotChecked):
                self._receiver.finish(note.ticket, {})
        self._answered.extend((token, {}) for token in list(self._tickets))
        self._finish(math.inf)

    def _answer(self, token: int, fields: dict[str, Any]) -> None:
        self._answered.append((token, fields))

    def _finish(self, seconds: float) -> None:
        """Lets events with an answer go, for so long: meanwhile nothing is handed in."""
        until = time.monotonic() + seconds
        while self._answered and time.monotonic() < until:
            try:
                token, fields = self._answered.popleft()
            except IndexError:
                return
            # Whoever takes the ticket finishes it: the end of the process may come to it first.
            ticket = self._tickets.pop(token, None)
            if ticket is not None:
                self._receiver.finish(ticket, fields)

    def _figure(self, kind: str, fields: dict[str, Any]) -> None:
        if self._store.is_shared:
            # Those of this process alone would be wrong.
            self._receiver.figure(kind, fields)

    def _run(self) -> None:
        while not self._stopped():
            self._turn(last=False)
        self._turn(last=True)
        self._store.close()

    def _stopped(self) -> bool:
        try:
            self._stop_signal.get(timeout=0.001 if self._answered else TURN_SECONDS)
        except queue.Empty:
            return False
        return True

    def _turn(self, last: bool) -> None:
        try:
            for _ in range(0, LIMIT, _AT_ONCE):
                now_ns = time.time_ns()
                notes = self._inbox.take(_AT_ONCE)
                for note in notes:
                    self._sort(note)
                if len(notes) < _AT_ONCE:
                    break
                now_ns = notes[-1].at_ns
                # A flood is passed on in parts, so that none of it piles up here.
                self._ask(self._work(now_ns, False))
            self._ask(self._work(now_ns, last))
        except Exception as error:
            self._receiver.fault(error)
        self._finish(math.inf if last else _FINISHES_SECONDS)

    def _sort(self, note: Note) -> None:
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
        self._tickets[token] = ticket
        return token

    def _work(self, now_ns: int, last: bool) -> list[Work]:
        work = [*self._journeys.work(now_ns, last), *self._bots.work()]
        if last or now_ns >= self._folds_at or self._abuse.is_large:
            self._folds_at = now_ns + _FOLDS_NS
            work += [*self._abuse.work(), *self._kpis.work()]
            if self._store.is_shared and not last:
                work += self._kpis.look(now_ns)
        if work and now_ns >= self._tidies_at:
            self._tidies_at = now_ns + _TIDIES_NS
            work.append((Tidy(now_ns), None))
        return work

    def _ask(self, work: list[Work]) -> None:
        for begin in range(0, len(work), _AT_ONCE):
            part = work[begin : begin + _AT_ONCE]
            try:
                answers = self._store.apply([operation for operation, _ in part])
            except Exception as error:
                if not isinstance(error, Unavailable):
                    self._receiver.fault(error)
                answers = [None] * len(part)
            for (_, take), answer in zip(part, answers, strict=True):
                if take is not None:
                    take(answer)
        self._notice_another_store()

    def _notice_another_store(self) -> None:
        if self._generation != self._store.generation:
            self._generation = self._store.generation
            self._journeys.hand_in_again()
            self._bots.tell_again()
            self._kpis.tell_again()
