"""One exporter thread a process: drains the queues, sends, survives forks, ends in time (decision P12)."""

from __future__ import annotations

import os
import queue
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from tradewise_otel.pipeline.lanes import Lane, Limits
from tradewise_otel.pipeline.ledger import Ledger

EXPORT_THREAD = "tradewise-otel-export"


class Worker:
    """The thread behind the lanes. Starts with the first record; a forked child starts its own.

    Args:
        lanes: what to drain, in the order of their importance.
        tend: work on the metrics that should not pile up; called with every round over the lanes.
        metrics: sends the metrics; called every `limits.metrics_every` seconds and at the end.
        abort: makes an export that is under way give up.
        outage: True while the Collector is known to be out of reach.

    Attributes:
        stopping: True once `stop` was called: what is queued from then on is not sent.
    """

    def __init__(
        self,
        lanes: Sequence[Lane[Any]],
        tend: Callable[[], None],
        metrics: Callable[[], None],
        abort: Callable[[], None],
        outage: Callable[[], bool],
        limits: Limits,
        ledger: Ledger,
    ) -> None:
        self._lanes, self._tend, self._metrics, self._abort = lanes, tend, metrics, abort
        self._outage = outage
        self._limits = limits
        self._ledger = ledger
        self._forget()

    def _forget(self) -> None:
        self._pid = os.getpid()
        self._thread: threading.Thread | None = None
        self._stop_signal: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.stopping = False
        self._starting = threading.Lock()

    def after_fork(self) -> None:
        """Fresh queues and no thread; the next record starts one."""
        self._forget()
        for lane in self._lanes:
            lane.reset()

    def ensure_running(self) -> None:
        """Starts the thread if this process has none yet. Cheap when it runs."""
        if self._thread is not None or self.stopping:
            return
        if not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None:
                self._start()
        finally:
            self._starting.release()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name=EXPORT_THREAD, daemon=True)
        # Known before it runs: a signal handler may come in between and has to wait for it.
        self._thread = thread
        try:
            thread.start()
        except RuntimeError:
            self._thread = None
            raise

    def stop(self, seconds: float) -> bool:
        """Sends what is queued and ends, within `seconds`; what cannot be sent by then is counted.

        False when there is nothing to stop: the second call, or another process's worker.
        """
        if self.stopping or self._pid != os.getpid():
            return False
        self.stopping = True
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._end(thread, time.monotonic() + seconds)
        for lane in self._lanes:
            lane.abandon()
        return True

    def _end(self, thread: threading.Thread, deadline: float) -> None:
        self._stop_signal.put(None)
        if self._outage():
            # Nothing will get through in time: do not sit out the retries.
            self._abort()
        _join(thread, deadline - 0.2)
        if thread.is_alive():
            self._abort()
            _join(thread, deadline)

    def _run(self) -> None:
        next_metrics = time.monotonic() + self._limits.metrics_every
        while not self._stopped():
            for lane in self._lanes:
                lane.drain(lambda: True)
            self._guarded(self._tend)
            if time.monotonic() >= next_metrics:
                next_metrics = time.monotonic() + self._limits.metrics_every
                self._guarded(self._metrics)
        self._last_words()

    def _last_words(self) -> None:
        for lane in self._lanes:
            lane.drain(lambda: not self._outage())
        # Counted last, so that the figures of the last batches are among the metrics.
        self._guarded(self._metrics)

    def _stopped(self) -> bool:
        try:
            self._stop_signal.get(timeout=self._limits.delay)
        except queue.Empty:
            return False
        return True

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:
            self._ledger.internal_error(getattr(step, "__qualname__", "step"), error, "metrics")


def _join(thread: threading.Thread, deadline: float) -> None:
    try:
        thread.join(max(deadline - time.monotonic(), 0.05))
    except RuntimeError:
        # Interrupted within its start by the signal that ends the process: it will never run.
        return


_FORK_AWARE: weakref.WeakSet[Any] = weakref.WeakSet()


def on_fork(listener: Any) -> None:
    """Has `listener.after_fork()` called in every forked child, for as long as the listener lives.

    In the parent `before_fork()` and `forked()` are called before and after, of those that have them.
    """
    if not _FORK_AWARE:
        os.register_at_fork(
            before=lambda: _tell("before_fork"),
            after_in_parent=lambda: _tell("forked"),
            after_in_child=lambda: _tell("after_fork"),
        )
    _FORK_AWARE.add(listener)


def _tell(what: str) -> None:
    for listener in list(_FORK_AWARE):
        hear = getattr(listener, what, None)
        if hear is not None:
            hear()
