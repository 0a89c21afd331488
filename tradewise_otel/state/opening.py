"""From the setting to a store that is always there: the one asked for, else one of this process alone.

What cannot be reached, or was written by a newer version, is left alone: the process remembers for itself,
says so once, and tries again.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import math
import os
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from tradewise_otel.settings import Settings, state_dir
from tradewise_otel.state.redis_store import RedisStore
from tradewise_otel.state.sqlite import SqliteStore
from tradewise_otel.state.sqlite_file import MEMORY
from tradewise_otel.state.store import Store, Unavailable

RETRY_SECONDS = 5.0

Say = Callable[[str, str], None]
"""Takes a level and a message for people."""


def open_store(url: str, service: str, owner: str) -> Store:
    """The store behind `TRADEWISE_STATE_URL`.

    Raises:
        Unavailable: it cannot be used now; the text says why, and what to do where that is known.
    """
    if url.startswith("sqlite:"):
        return SqliteStore(urlsplit(url).path, owner)
    return _open_redis(url, service, owner)


def agree_on_secret(url: str, service: str, fresh: str) -> str:
    """The secret of all hosts that share a store: `fresh` where nobody was earlier, or nothing is shared.

    Waits for the store, for some seconds at most.

    Raises:
        Unavailable: it cannot be asked now.
    """
    if url.startswith("sqlite:"):
        return fresh
    store = _open_redis(url, service, "")
    try:
        return store.shared_secret(fresh)
    finally:
        store.close()


def import_client(url: str) -> None:
    """Imports now what the store will need: in its thread, in a busy worker, that would take a second."""
    if not url.startswith("sqlite:"):
        # A missing one is said when it is needed.
        with contextlib.suppress(ImportError):
            importlib.import_module("redis")


def url_of(settings: Settings, environ: Mapping[str, str]) -> str:
    """`TRADEWISE_STATE_URL`, else the file that is used without one."""
    return settings.state_url or default_url(settings.service_name, state_dir(environ))


def default_url(service: str, folder: str) -> str:
    """One file a host and service name, in the folder for what must outlive the process."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", service)[:80]
    if name != service:
        name += "-" + hashlib.sha256(service.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"sqlite://{os.path.abspath(os.path.join(folder, f'state-{name}.db'))}"


def _open_redis(url: str, service: str, owner: str) -> RedisStore:
    try:
        return RedisStore(url, service, owner)
    except ModuleNotFoundError as error:
        remedy = "pip install 'tradewise-otel[redis]'"
        raise Unavailable(f"the module {error.name} is missing: {remedy}") from error


def place_of(url: str) -> str:
    """A state's address as people may see it: without user, password and query."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return parts.path
    return f"{parts.scheme}://{parts.hostname or ''}:{parts.port or 6379}{parts.path}"


class LastingStore:
    """The store asked for whenever it is there, one in memory meanwhile. Used by one thread.

    Args:
        opens: makes the store asked for, of this owner, or raises Unavailable.
        place: its address for people.
        say: told when it is out of reach, and when it is back.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        opens: Callable[[str], Store],
        place: str,
        say: Say,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._opens, self._place, self._say, self._clock = opens, place, say, clock
        # The same after a reconnection, so that a step that is handed in twice counts once.
        self._owner = uuid.uuid4().hex
        self._shared: Store | None = None
        self._own: Store | None = None
        self._retry_at = 0.0
        self.generation = 0
        """Another number means that another store answers, which knows nothing of the one before."""

    @property
    def is_shared(self) -> bool:
        """False while this process remembers for itself."""
        return self._shared is not None

    def apply(self, operations: Sequence[Any]) -> list[Any]:
        """The answers, from the one or the other; raises Unavailable if neither has any."""
        self.reach()
        if self._shared is not None:
            try:
                return self._shared.apply(operations)
            except Unavailable as error:
                self._lose(error)
        return self._alone(operations)

    def reach(self) -> None:
        """Opens the store asked for, unless that has just failed."""
        if self._shared is not None or self._clock() < self._retry_at:
            return
        try:
            self._shared = self._opens(self._owner)
        except Unavailable as error:
            self._lose(error)
            return
        if self._own is not None:
            self._own.close()
            self._own = None
            self.generation += 1
            self._say("INFO", f"the state at {self._place} is in use again")

    def stay_alone(self) -> None:
        """Leaves the store asked for alone for good: a copy of its open connection is in this process."""
        self._lose(Unavailable("the process was forked while it was in use"))
        self._retry_at = math.inf

    def _lose(self, error: Unavailable) -> None:
        self._retry_at = self._clock() + RETRY_SECONDS
        if self._shared is not None:
            self._shared.close()
            self._shared = None
        if self._own is None:
            self._own = SqliteStore(MEMORY, self._owner)
            self.generation += 1
            self._say(
                "WARNING",
                f"the state at {self._place} cannot be used ({error}); "
                "this process remembers for itself and tries again",
            )

    def _alone(self, operations: Sequence[Any]) -> list[Any]:
        if self._own is None:
            self._own = SqliteStore(MEMORY, self._owner)
        try:
            return self._own.apply(operations)
        except Unavailable:
            # It is full: what it knows goes, since it must not grow.
            self._own.close()
            self._own = SqliteStore(MEMORY, self._owner)
            self.generation += 1
            raise

    def close(self) -> None:
        """Lets go of both."""
        for store in (self._shared, self._own):
            if store is not None:
                store.close()
        self._shared = self._own = None
