"""What became of every record: counts that add up, `emitted = delivered + sampled_out + dropped{reason}`.

Also the shield: our code runs inside the app's requests, and whatever goes wrong in it ends here, as a
count of `internal_error` and one line on stderr, never in the app.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
Key = tuple[str, str, str]


class Ledger:
    """Counts by (what, signal, reason); safe across threads and inside signal handlers."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._counts: dict[Key, int] = {}
        self._taken: dict[Key, int] = {}
        self._told: set[str] = set()

    def add(self, what: str, signal: str, count: int = 1, reason: str = "") -> None:
        """Adds to `emitted`, `delivered`, `sampled_out`, `dropped` or `redacted` of a signal."""
        if not count:
            return
        key = (what, signal, reason)
        with self._lock:
            self._counts[key] = self._counts.get(key, 0) + count

    def count(self, what: str, signal: str | None = None, reason: str | None = None) -> int:
        """Sum since the start over what matches; None matches everything."""
        with self._lock:
            return sum(
                n
                for (w, s, r), n in self._counts.items()
                if w == what and signal in (None, s) and reason in (None, r)
            )

    def take(self) -> dict[Key, int]:
        """What was added since the last `take`, for the metrics."""
        with self._lock:
            news = {key: n - self._taken.get(key, 0) for key, n in self._counts.items()}
            self._taken = dict(self._counts)
        return {key: n for key, n in news.items() if n}

    def internal_error(self, where: str, error: BaseException, signal: str = "logs") -> None:
        """Counts a fault of ours and says it once a place and kind on stderr."""
        self.add("dropped", signal, reason="internal_error")
        told = f"{where}: {type(error).__name__}"
        if told in self._told or len(self._told) > 100:
            return
        self._told.add(told)
        stderr = sys.__stderr__
        if stderr is not None:
            # The error's text stays out: it may quote what redaction has not seen.
            stderr.write(
                f"tradewise-otel: internal error in {told}; the app goes on, further ones are counted\n"
            )

    def reset(self) -> None:
        """Forgets everything; a forked child starts its own account."""
        self._lock = threading.RLock()
        self._counts.clear()
        self._taken.clear()

    def shielded(self, where: str, call: Callable[..., T], default: T) -> Callable[..., T]:
        """`call`, but whatever it raises is counted and `default` returned."""

        @functools.wraps(call)
        def safe(*args: Any, **kwargs: Any) -> T:
            try:
                return call(*args, **kwargs)
            except Exception as error:
                self.internal_error(where, error)
                return default

        return safe
