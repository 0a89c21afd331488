"""The state's own thread: notes in, answers out, in transactions that no request waits for."""

from __future__ import annotations

import contextlib
import math
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from tradewise_otel.state.desk import Desk, Means, Receiver
from tradewise_otel.state.inbox import LIMIT, BotChecked, Inbox, Note, StepTaken
from tradewise_otel.state.journey import Work
from tradewise_otel.state.opening import LastingStore
from tradewise_otel.state.store import Unavailable

STATE_THREAD = "tradewise-otel-state"
TURN_SECONDS = 0.1
_FINISHES_SECONDS = 0.05
_FORK_WAITS_SECONDS = 0.5
_AT_ONCE = 1000


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
        self._desk = Desk(self._means, self._receiver, self._figure)
        self._thread: threading.Thread | None = None
        self._starting, self._asking = threading.Lock(), threading.Lock()
        self._stop_signal: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stopping = False
        self._is_quiet = True

    def before_fork(self) -> None:
        """Lets go of the store: the child of a process with an open file would take the locks for its own.

        Waits for a transaction that is under way; the thread opens the store again with the next one.
        """
        self._is_quiet = self._asking.acquire(timeout=_FORK_WAITS_SECONDS)
        if self._is_quiet:
            self._store.close()

    def forked(self) -> None:
        """The parent goes on."""
        if self._is_quiet:
            self._asking.release()

    def after_fork(self) -> None:
        """A forked child begins anew; what waits is its parent's to finish."""
        # Kept, since its end would close what may be the parent's.
        self._forgotten.append(self._store)
        was_quiet = self._is_quiet
        self._forget()
        if not was_quiet:
            self._store.stay_alone()

    def put(self, note: Note) -> bool:
        """Notes something; False when it cannot be taken, so that the event has to go as it is."""
        if self._stopping or len(self._desk.tickets) >= LIMIT or not self._inbox.put(note):
            return False
        if self._thread is None:
            self._ensure_running()
        return True

    def _ensure_running(self) -> None:
        if not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None and not self._stopping:
                self._start()
        finally:
            self._starting.release()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name=STATE_THREAD, daemon=True)
        # Known before it runs: a signal handler may come in between and has to wait for it.
        self._thread = thread
        try:
            thread.start()
        except RuntimeError:
            self._thread = None
            raise

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
        self._desk.give_up()
        self._finish(math.inf)

    def _finish(self, seconds: float) -> None:
        """Lets events with an answer go, for so long: meanwhile nothing is handed in."""
        answered, until = self._desk.answered, time.monotonic() + seconds
        while answered and time.monotonic() < until:
            try:
                token, fields = answered.popleft()
            except IndexError:
                return
            # Whoever takes the ticket finishes it: the end of the process may come to it first.
            ticket = self._desk.tickets.pop(token, None)
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
        with self._asking:
            self._store.close()

    def _stopped(self) -> bool:
        try:
            self._stop_signal.get(timeout=0.001 if self._desk.answered else TURN_SECONDS)
        except queue.Empty:
            return False
        return True

    def _turn(self, last: bool) -> None:
        try:
            for _ in range(0, LIMIT, _AT_ONCE):
                now_ns = time.time_ns()
                notes = self._inbox.take(_AT_ONCE)
                for note in notes:
                    self._desk.sort(note)
                if len(notes) < _AT_ONCE:
                    break
                # A flood is passed on in parts, so that none of it piles up here.
                now_ns = notes[-1].at_ns
                self._ask(self._desk.work(now_ns, False, self._store.is_shared))
            self._ask(self._desk.work(now_ns, last, self._store.is_shared))
        except Exception as error:
            self._receiver.fault(error)
        self._finish(math.inf if last else _FINISHES_SECONDS)

    def _ask(self, work: list[Work]) -> None:
        for begin in range(0, len(work), _AT_ONCE):
            part = work[begin : begin + _AT_ONCE]
            answers = self._answers([operation for operation, _ in part])
            for (_, take), answer in zip(part, answers, strict=True):
                if take is not None:
                    take(answer)
        if self._generation != self._store.generation:
            self._generation = self._store.generation
            self._desk.another_store()

    def _answers(self, operations: list[Any]) -> list[Any]:
        try:
            with self._asking:
                return self._store.apply(operations)
        except Exception as error:
            if not isinstance(error, Unavailable):
                self._receiver.fault(error)
            return [None] * len(operations)
