"""Your app's events in your app's tests: a pytest fixture that catches them, with fixed ids and clock.

In `conftest.py`:

    pytest_plugins = ["tradewise_otel.testing"]

In a test:

    def test_a_failed_login_is_told(tradewise_events):
        client.post("/login", json={"email": "user@example.com", "password": "wrong"})
        event = tradewise_events.one("security_login_failed")
        assert event["email"] == "user@example.com"

Typed calls, `profile_performance`, `bot_connection_test` and `logger.info(…, extra={"event_type": …})` are
caught, in any thread, completed and redacted as in production; nothing is exported. The automatic events
(`api_response`, …) need the launcher, and what the state store fills in is absent. The plugin does not load
itself, so that no other run pays for it.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson
import pytest

from tradewise_otel import running
from tradewise_otel.catalogue.envelope import Line
from tradewise_otel.catalogue.lookup import event_for, field_types, fields_of, fits, must_be_stated
from tradewise_otel.context import Request, enter, leave
from tradewise_otel.instrument.runtime import Runtime
from tradewise_otel.out.sink import Sink
from tradewise_otel.out.stdout import Lines
from tradewise_otel.pipeline import shield
from tradewise_otel.pipeline.aggregate import Aggregate
from tradewise_otel.pipeline.feed import Feed
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.record.build import Event, from_log_record
from tradewise_otel.record.verdict import Verdicts
from tradewise_otel.redact.pseudonym import pseudonym
from tradewise_otel.redact.walk import Redactor
from tradewise_otel.settings import load

SERVICE, ENVIRONMENT = "tradewise-backend", "test"
"""What the lines of a test say of their service."""

_KEY = b"testing"


class CaughtEvents:
    """The lines of one test, as documented objects, in the order in which they were told.

    Attributes:
        lines: every line; ids of events count from 1, process and thread are 1, the time is `now`.
        now: the clock of the lines, which stands still until it is moved.
    """

    reason = "test"

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.now = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
        self._numbers = itertools.count(1)

    def advance(self, **time: float) -> None:
        """Moves the clock on: `advance(seconds=30)`; takes what `timedelta` takes."""
        self.now += timedelta(**time)

    def of(self, event_type: str) -> list[dict[str, Any]]:
        """All events of a kind, which must be as documented.

        Raises:
            AssertionError: one lacks a documented field, or has another type in it, or an unknown one.
        """
        found = [line for line in self.lines if line.get("event_type") == event_type]
        _assert_documented(found, ())
        return found

    def one(self, event_type: str) -> dict[str, Any]:
        """The only event of a kind, which must be as documented.

        Raises:
            AssertionError: there is none, or more than one, or it is not as documented.
        """
        found = self.of(event_type)
        seen = [line.get("event_type", line["message"]) for line in self.lines]
        assert len(found) == 1, f"{len(found)} events {event_type} among {seen}"
        return found[0]

    def assert_documented(self, also: Collection[str] = ()) -> None:
        """Every line is as documented, but for fields named in `also`, which may be free ones.

        Raises:
            AssertionError: the message names each event and field.
        """
        _assert_documented(self.lines, also)

    def write(self, line: bytes) -> None:
        """Takes a line; the sink calls it."""
        self.lines.append({**orjson.loads(line), "process_id": 1})

    def stamp(self, event: Event) -> None:
        """Gives an event its id and its time."""
        event.event_id = f"{next(self._numbers):016x}"
        event.timestamp_ns = round(self.now.timestamp() * 1000) * 1_000_000
        event.thread_id = 1


@pytest.fixture
def tradewise_events(monkeypatch: pytest.MonkeyPatch) -> Iterator[CaughtEvents]:
    """What the app states in this test, by typed calls and by logging."""
    caught = CaughtEvents()
    runtime = _runtime(caught)
    sink = runtime.sink
    take = shield.log_calls(
        lambda record: sink.emit(from_log_record(record)), lambda *_: None, logging.Logger.callHandlers
    )
    monkeypatch.setattr(logging.Logger, "callHandlers", take)
    root = logging.getLogger()
    level = root.level
    if level == logging.WARNING:
        root.setLevel(logging.INFO)
    before = running.started(runtime)
    token = enter(Request())
    yield caught
    leave(token)
    running.started(before)
    root.setLevel(level)


def faults(line: dict[str, Any], also: Collection[str] = ()) -> list[str]:
    """What is wrong with the fields of one line, in words; empty when it is as documented."""
    row = event_for(line.get("event_type"))
    known, types = {*fields_of(row.fields), *fields_of(Line), *also}, field_types(row)
    name = line.get("event_type") or "plain line"
    found = [f"{name}: {field} is missing" for field in sorted(must_be_stated(row) - line.keys())]
    for field, value in line.items():
        if field in types and not fits(value, types[field]):
            found.append(f"{name}: {field} is a {type(value).__name__}")
        if field not in known and row.name and not row.open_family:
            found.append(f"{name}: {field} is not documented")
    return found


def _assert_documented(lines: list[dict[str, Any]], also: Collection[str]) -> None:
    found = [fault for line in lines for fault in faults(line, also)]
    assert not found, "; ".join(found)


def _runtime(caught: CaughtEvents) -> Runtime:
    def named(text: str) -> str:
        return pseudonym(text, _KEY)

    ledger = _StrictLedger()
    feed = Feed(Aggregate(ledger))
    sink = _StampingSink(caught, Redactor(pseudonymise=named), ledger, named, feed)
    return Runtime(load({})[0], sink, feed, ledger, Verdicts(lambda: None))


class _StrictLedger(Ledger):
    def internal_error(self, where: str, error: BaseException, signal: str = "logs") -> None:
        """A fault of ours fails the test."""
        raise error


class _StampingSink(Sink):
    def __init__(
        self,
        caught: CaughtEvents,
        redactor: Redactor,
        ledger: Ledger,
        named: Callable[[str], str],
        feed: Feed,
    ) -> None:
        lines = Lines(SERVICE, "", ENVIRONMENT)
        super().__init__(lines, [caught], redactor, ledger, 1.0, named, lambda event: None, feed)
        self._caught = caught

    def emit(self, event: Event) -> None:
        """Sends an event on its way, with the id and the time of the test."""
        self._caught.stamp(event)
        super().emit(event)
