"""A few clients that keep an app busy from threads, and remember what was answered."""

from __future__ import annotations

import itertools
import threading
import time
from types import TracebackType

import httpx
from typing_extensions import Self


class Load:
    """Requests without a pause until the block ends; a refused connection is no fault of the test's.

    Attributes:
        answered: status by the path that was asked for; every path is asked for once.
    """

    def __init__(self, url: str, path: str = "/task/{n}", clients: int = 4) -> None:
        self._url, self._path = url, path
        self._numbers = itertools.count()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]
        self.answered: dict[str, int] = {}

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(15)

    def wait_for(self, answers: int, seconds: float = 30.0) -> None:
        """Returns once so many requests have been answered."""
        deadline = time.monotonic() + seconds
        while len(self.answered) < answers:
            assert time.monotonic() < deadline, f"only {len(self.answered)} answers"
            time.sleep(0.01)

    def _run(self) -> None:
        with httpx.Client(timeout=10) as client:
            while not self._over.is_set():
                path = self._path.format(n=next(self._numbers))
                try:
                    self.answered[path] = client.get(self._url + path).status_code
                except httpx.HTTPError:
                    self._over.wait(0.02)
