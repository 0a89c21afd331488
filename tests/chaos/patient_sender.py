"""A sender with endless patience, and the ledger of what it was promised."""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

from chaos_records import Signal, new_ids, payload
from typing_extensions import Self

RETRYABLE = frozenset({429, 502, 503, 504})
"""What OTLP over HTTP lets a sender try again; a request without an answer is tried again too."""
NO_ANSWER = 0

_BATCH = 10
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Sent:
    """What is known of one record.

    Attributes:
        phase: what the sender was told was going on when it made the record.
        acknowledged: when it was answered 200, by `time.monotonic`; 0 before.
    """

    phase: str
    acknowledged: float = 0.0


class PatientSender(threading.Thread):
    """Sends records of one signal at a steady rate, and each request until it is answered 200.

    A context manager: it sends while the block runs, and sees its last request through before the block ends.

    Args:
        http: the Collector's door.
        rate: records a second; time lost waiting for answers is made up for.
        rng: where ids come from.

    Attributes:
        phase: given to the records that are made from now on.
        ledger: every record that was sent, by its id.
        answers: how often each status came, `NO_ANSWER` for none.
    """

    def __init__(self, http: str, signal: Signal, rate: float, rng: random.Random) -> None:
        super().__init__(name=f"sender of {signal}", daemon=True)
        self.phase = "before"
        self.signal = signal
        self.ledger: dict[str, Sent] = {}
        self.answers: Counter[int] = Counter()
        self._url = f"{http}/v1/{signal}"
        self._interval = _BATCH / rate
        self._rng = rng
        self._over = threading.Event()
        self._error: Exception | None = None

    def acknowledged(self) -> dict[str, Sent]:
        """The records that were answered 200: those that must not be lost."""
        return {made: sent for made, sent in dict(self.ledger).items() if sent.acknowledged}

    def run(self) -> None:
        """The thread's work; an error ends it, and is raised where the block ends."""
        due = time.monotonic()
        try:
            while not self._over.wait(max(0.0, due - time.monotonic())):
                self._send()
                due += self._interval
        except Exception as error:
            self._error = error

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        # Not for ever where the test has failed: nobody may be there to answer.
        self.join(timeout=1.0 if error else 60.0)
        if self._error and not error:
            raise self._error

    def _send(self) -> None:
        phase, ids = self.phase, new_ids(self._rng, self.ledger, _BATCH)
        body = payload(self.signal, ids, phase)
        self.ledger |= dict.fromkeys(ids, Sent(phase))
        for status in self._answers(body):
            self.answers[status] += 1
            if status == 200:
                self.ledger |= dict.fromkeys(ids, Sent(phase, time.monotonic()))
                return
            if status != NO_ANSWER and status not in RETRYABLE:
                raise AssertionError(f"{self._url} answered {status}: a sender has to drop that")
            time.sleep(_PAUSE_SECONDS)

    def _answers(self, body: bytes) -> Iterator[int]:
        while True:
            yield post(self._url, body)


def post(url: str, body: bytes) -> int:
    """One try: the status, or `NO_ANSWER`; a 200 that took only a part raises."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            said = json.loads(answer.read() or b"{}").get("partialSuccess", {})
            assert not any(said.values()), f"{url} took only a part: {said}"
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        with contextlib.closing(refusal):
            return refusal.code
    # A connection that was refused or cut, also within an answer, and JSON that was cut with it.
    except (OSError, ValueError):
        return NO_ANSWER
