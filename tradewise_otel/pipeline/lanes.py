"""The queues towards the exporters, one a signal: bounded, without locks, every loss counted.

Appending takes no lock, because a signal handler may run between any two steps of the main thread, and
the handler of SIGTERM waits for the thread that drains (decision P12).
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tradewise_otel.pipeline.ledger import Ledger

T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """Queue length and batch size in records, batch size in bytes as well, schedule in seconds."""

    queue: int = 16384
    batch: int = 512
    batch_bytes: int = 2 << 20
    delay: float = 0.5
    metrics_every: float = 10.0


class Lane(Generic[T]):
    """A bounded queue of one signal: when it is full the oldest goes, and is counted.

    Args:
        send: sends a batch; False when it is lost.
        size: about how many bytes an item takes.
    """

    def __init__(
        self,
        signal: str,
        send: Callable[[Sequence[T]], bool],
        limits: Limits,
        ledger: Ledger,
        size: Callable[[T], int] = lambda item: 1,
    ) -> None:
        self.signal = signal
        self._send = send
        self._size = ledger.shielded(f"size of {signal}", size, 0, signal)
        self._limits = limits
        self._ledger = ledger
        self.reset()

    def reset(self) -> None:
        """Forgets what is queued: a forked child must not send its parent's records again."""
        self._items: deque[T] = deque(maxlen=self._limits.queue)
        self._arrivals = itertools.count()
        self._settled = 0
        self._under_way = 0

    def put(self, item: T) -> None:
        """Queues an item; never blocks."""
        self._items.append(item)
        next(self._arrivals)

    def drain(self, go_on: Callable[[], bool]) -> None:
        """Sends batches until what was queued at the start is gone or `go_on` says no."""
        self._count_overflow()
        left = len(self._items)
        while left > 0 and self._items and go_on():
            batch = self._next_batch(self._limits.batch, self._limits.batch_bytes)
            left -= len(batch)
            self._send_batch(batch)
        self._count_overflow()

    def abandon(self) -> None:
        """Counts what is still queued, or in an export that nobody waits for, as lost at shutdown."""
        self._count_overflow()
        left = self._next_batch(self._limits.queue)
        self._ledger.add("dropped", self.signal, len(left) + self._under_way, "shutdown")

    def _send_batch(self, batch: list[T]) -> None:
        self._under_way = len(batch)
        try:
            delivered = self._send(batch)
            self._under_way = 0
        except Exception as error:
            self._under_way = 0
            self._ledger.internal_error(f"send {self.signal}", error, self.signal)
            self._ledger.add("dropped", self.signal, len(batch) - 1, "internal_error")
            return
        if delivered:
            self._ledger.add("delivered", self.signal, len(batch))
        else:
            self._ledger.add("dropped", self.signal, len(batch), "export_failed")

    def _next_batch(self, records: int, size: float = math.inf) -> list[T]:
        """At most so many records, and no more of them once they take `size` bytes: receivers refuse more."""
        batch: list[T] = []
        while len(batch) < records and size > 0:
            try:
                item = self._items.popleft()
            except IndexError:
                break
            size -= self._size(item)
            batch.append(item)
        self._settled += len(batch)
        return batch

    def _count_overflow(self) -> None:
        # Arrivals are read by drawing a number, which itself counts as one more to settle.
        self._settled += 1
        arrived = next(self._arrivals) + 1
        lost = arrived - self._settled - len(self._items)
        if lost > 0:
            self._settled += lost
            self._ledger.add("dropped", self.signal, lost, "queue_full")
