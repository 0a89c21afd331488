"""A worker process without an app: notes what it is told, and writes what comes of it.

Usage: python state_worker.py URL SERVICE JOB NUMBER WORKERS; one JSON object a line on stdout.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import threading
import time
from typing import Any

from tradewise_otel.state.abuse import Rule
from tradewise_otel.state.desk import Means, Receiver
from tradewise_otel.state.inbox import Called, LoginFailed, StepTaken
from tradewise_otel.state.opening import LastingStore, open_store, place_of
from tradewise_otel.state.thread import State

STEPS, SESSIONS, USERS, CALLS = 10_000, 500, 1000, 150


class Printed:
    """Takes the answers, and prints them."""

    def __init__(self) -> None:
        self.finished = threading.Semaphore(0)

    def finish(self, ticket: Any, fields: dict[str, Any]) -> None:
        """A step or a check."""
        self._print({"ticket": ticket, **fields})
        self.finished.release()

    def alarm(self, ticket: Any, fields: dict[str, Any]) -> None:
        """A call too many."""
        self._print({"alarm": ticket, **fields})

    def figure(self, kind: str, fields: dict[str, Any]) -> None:
        """A figure of a day."""
        self._print({"figure": kind, **fields})

    def fault(self, error: Exception) -> None:
        """A fault."""
        self._print({"fault": repr(error)})

    def _print(self, line: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(line) + "\n")


def state_of(url: str, service: str, printed: Printed) -> State:
    """A state as the app has it; subjects by a plain hash, words as they are."""
    return State(
        Means(
            Rule("rapid_api_calls", CALLS, 60),
            Rule("brute_force", 11, 300),
            lambda text: hashlib.sha256(text.encode()).hexdigest()[:16],
            lambda text: text,
        ),
        lambda: LastingStore(lambda owner: open_store(url, service, owner), place_of(url), _say),
        Receiver(printed.finish, printed.alarm, printed.figure, printed.fault),
    )


def _say(level: str, message: str) -> None:
    sys.stdout.write(json.dumps({"said": message, "level": level}) + "\n")


def steps(state: State, printed: Printed, number: int, workers: int) -> None:
    """Its share of the steps, of sessions that all workers have."""
    dice, mine = random.Random(number), STEPS // workers
    for _ in range(mine):
        session = f"s{dice.randrange(SESSIONS)}"
        now = time.time_ns()
        assert state.put(StepTaken(session, f"step{dice.randrange(9)}", now, (session, now)))
        time.sleep(0.0004)
    for _ in range(mine):
        assert printed.finished.acquire(timeout=10)


def users(state: State, number: int, workers: int) -> None:
    """Users that all workers see, each of them several times."""
    for user in range(USERS):
        for _ in range(3):
            state.put(Called(f"u{(user * 7 + number) % USERS}", "10.0.0.1", time.time_ns(), None))


def calls(state: State, number: int, workers: int) -> None:
    """Its share of so many calls of one user that they are just too many, and logins that are not."""
    for call in range(number, CALLS, workers):
        state.put(Called("hasty", "10.0.0.2", time.time_ns(), call))
        time.sleep(0.01)
    time.sleep(1.5)
    for call in range(20):
        state.put(Called("hasty", "10.0.0.2", time.time_ns(), call))
    for login in range(number, 10, workers):
        state.put(LoginFailed("a@b.example", None, time.time_ns(), login))


def main() -> None:
    """Runs one job."""
    url, service, job = sys.argv[1:4]
    number, workers = int(sys.argv[4]), int(sys.argv[5])
    printed = Printed()
    state = state_of(url, service, printed)
    if job == "steps":
        steps(state, printed, number, workers)
    elif job == "users":
        users(state, number, workers)
    else:
        calls(state, number, workers)
    state.stop(5)


if __name__ == "__main__":
    main()
