"""What became of every record: counts that add up, `emitted = delivered + sampled_out + dropped{reason}`.

Also the shield: our code runs inside the app's requests, and whatever goes wrong in it ends here, as a
count of `internal_error` and one line on stderr, never in the app.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
Key = tuple[str, str, str]


class Ledger:
    """Counts by (what, signal, reason); safe across threads and inside signal handlers.

    Counting takes no lock: a signal handler that interrupts it waits for the exporter thread, which
    counts too. `next` on a counter is one step that nothing can interrupt.
    """

    def __init__(self) -> None:
        self._counters: dict[Key, itertools.count[int]] = {}
        self._told_of: dict[Key, int] = {}
        self._offered: dict[Key, int] = {}
        self._told: set[str] = set()

    def add(self, what: str, signal: str, count: int = 1, reason: str = "") -> None:
        """Adds to `emitted`, `delivered`, `sampled_out`, `dropped` or `redacted` of a signal."""
        key = (what, signal, reason)
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters.setdefault(key, itertools.count())
        if count == 1:
            next(counter)
        else:
            deque(itertools.islice(counter, count), maxlen=0)

    def count(self, what: str, signal: str | None = None, reason: str | None = None) -> int:
        """Sum since the start over what matches; None matches everything."""
        return sum(
            n
            for (w, s, r), n in self._counts().items()
            if w == what and signal in (None, s) and reason in (None, r)
        )

    def _counts(self) -> dict[Key, int]:
        # A counter shows its value without moving only in its repr, `count(7)`.
        return {key: int(repr(counter)[6:-1]) for key, counter in list(self._counters.items())}

    def news(self) -> dict[Key, int]:
        """What was added and not yet told, for the metrics; `told` says that they have arrived."""
        self._offered = self._counts()
        news = {key: n - self._told_of.get(key, 0) for key, n in self._offered.items()}
        return {key: n for key, n in news.items() if n}

    def told(self) -> None:
        """The last `news` have arrived."""
        self._told_of = self._offered

    def internal_error(self, where: str, error: BaseException, signal: str = "logs") -> None:
        """Counts a fault of ours and says it once a place and kind on stderr."""
        self.add("dropped", signal, reason="internal_error")
        told = f"{where}: {type(error).__name__}"
        if told in self._told or len(self._told) > 100:
            return
        self._told.add(told)
        # The error's text stays out: it may quote what redaction has not seen.
        _say(f"tradewise-otel: internal error in {told}; the app goes on, further ones are counted\n")

    def reset(self) -> None:
        """Forgets everything; a forked child starts its own account."""
        self._counters, self._told_of, self._offered = {}, {}, {}

    def shielded(
        self, where: str, call: Callable[..., T], default: T, signal: str = "logs"
    ) -> Callable[..., T]:
        """`call`, but whatever it raises is counted and `default` returned."""
        return self.guarded(where, call, lambda *args, **kwargs: default, signal)

    def guarded(
        self, where: str, call: Callable[..., T], fallback: Callable[..., T], signal: str = "logs"
    ) -> Callable[..., T]:
        """`call`, but whatever it raises is counted and `fallback` asked instead."""

        @functools.wraps(call)
        def safe(*args: Any, **kwargs: Any) -> T:
            try:
                return call(*args, **kwargs)
            except Exception as error:
                self.internal_error(where, error, signal)
            return fallback(*args, **kwargs)

        return safe


def _say(text: str) -> None:
    try:
        if sys.__stderr__ is not None:
            sys.__stderr__.write(text)
    except (OSError, ValueError):
        # Closed by the app or by whoever read it: the count is all that can be left.
        return
