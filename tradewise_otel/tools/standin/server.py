"""The stand-in: Datadog's intake on a loopback port; it records, refuses as Datadog does, fails on demand."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

from typing_extensions import Self

from tradewise_otel.tools.ports import free_port
from tradewise_otel.tools.standin.intake import Answer, answer, refused
from tradewise_otel.tools.standin.listener import Listener
from tradewise_otel.tools.standin.recording import Recording, RecordingWriter

Action = int | Literal["hang", "cut"]
"""A status to answer, or: never answer until the stand-in goes down, or close the connection unanswered."""

STATUSES = frozenset({400, 403, 413, 429, 500, 503})


@dataclass
class _Fault:
    prefix: str
    action: Action
    left: float


class StandIn:
    """Datadog's intake on 127.0.0.1. A context manager: it listens while the block runs.

    Args:
        folder: where the recording goes; one that is there is continued.
        port: 0 takes a free one.
        api_key: the only key that is let in; "" lets everything in.

    Attributes:
        folder: the recording's folder.
        port: where it listens; it stays the same over `down` and `up`.
        url: `http://127.0.0.1:PORT`.
    """

    def __init__(self, folder: Path, port: int = 0, api_key: str = "") -> None:
        self.folder = folder
        # Never a port of the ephemeral range: while it is down, a client's own connection could get that.
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._api_key = api_key
        self._writer = RecordingWriter(folder)
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()
        self._listener: Listener | None = None

    @property
    def recording(self) -> Recording:
        """What has come so far."""
        return Recording(self.folder)

    def script(self, prefix: str, action: Action, times: int | None = None) -> None:
        """Fail requests whose path begins with `prefix`; of several scripts the latest that fits counts.

        Args:
            action: a status of `STATUSES`, "hang" or "cut".
            times: how many requests, or until `heal()`.

        Raises:
            ValueError: an action that Datadog's intake does not show.
        """
        if action not in ("hang", "cut") and action not in STATUSES:
            raise ValueError(f"action {action!r}: one of {sorted(STATUSES)}, 'hang' or 'cut'")
        with self._lock:
            self._faults.insert(0, _Fault(prefix, action, float("inf") if times is None else times))

    def heal(self) -> None:
        """Forget every script. Requests that hang go on hanging."""
        with self._lock:
            self._faults.clear()

    def down(self) -> None:
        """Close the listener and every connection; new ones are refused. Answers under way are finished."""
        if self._listener:
            self._listener.close()
            self._listener = None

    def up(self) -> None:
        """Listen, on the same port as before.

        Raises:
            OSError: somebody else has the port.
        """
        if not self._listener:
            self._listener = Listener(self.port, self._take)

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()
        self._writer.close()

    def _take(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer | None:
        action = self._fault(path)
        if isinstance(action, int):
            reply = refused(action, "scripted")
        elif action:
            reply = Answer(0)
        else:
            reply = answer(self._api_key, method, path, headers, body)
        self._writer.write(method, path, headers, body, reply.status)
        return None if action == "hang" else reply

    def _fault(self, path: str) -> Action | None:
        with self._lock:
            for fault in self._faults:
                if path.startswith(fault.prefix) and fault.left > 0:
                    fault.left -= 1
                    return fault.action
        return None
