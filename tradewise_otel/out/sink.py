"""The one way out for events: complete, judge, redact once, write the line, queue the record.

Everything that the app, its libraries and our own hooks have to say passes `Sink.emit`, so that the JSON
line and the OTLP record of an event cannot differ (contract 1).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import orjson

from tradewise_otel.catalogue.lookup import max_length
from tradewise_otel.catalogue.sensitive import STRING_LIMIT
from tradewise_otel.context import Release, Request
from tradewise_otel.out.stdout import Lines, serialise
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.record.build import OWN_LOGGER, Event, ExceptionInfo
from tradewise_otel.record.check import wrong_fields
from tradewise_otel.record.verdict import judge
from tradewise_otel.redact import ending
from tradewise_otel.redact.walk import Redactor

_KNOWN_BY_EXTRA = frozenset({"user_id", "tenant_id", "session_id"})
_EXCEPTION_LIMIT = max_length("exception.message")
_STACK_LIMIT = max_length("exception.traceback")


class Writes(Protocol):
    """Takes whole lines; `reason` is what a line that it cannot take is counted under."""

    reason: str

    def write(self, line: bytes) -> None:
        """Writes one line, or raises OSError."""


class Sink:
    """Takes events from any thread.

    Args:
        writers: where lines go: stdout, and a file if there is one.
        rate: share of requests kept by ratio.
        pseudonymise: session id to pseudonym.
        queue: takes redacted events towards OTLP; None where the lines are the road (C10): then they wait
            for their request's verdict and carry it.
        feed: told of each redacted event, for the metrics.
    """

    def __init__(
        self,
        lines: Lines,
        writers: Sequence[Writes],
        redactor: Redactor,
        ledger: Ledger,
        rate: float,
        pseudonymise: Callable[[str], str],
        queue: Callable[[Event], None] | None,
        feed: Callable[[Event], None],
    ) -> None:
        self._lines, self._writers, self._redactor, self._ledger = lines, writers, redactor, ledger
        self._rate, self._pseudonymise, self._queue = rate, pseudonymise, queue
        # Whoever settles the request is not to blame for the record that waited.
        self._emit_held = ledger.shielded("held record", self.emit, None)
        self._feed = ledger.shielded("metrics of an event", feed, None, "metrics")

    @ending.door
    def emit(self, event: Event) -> None:
        """Sends one event on its way. The caller shields: what fails here must not reach the app."""
        self._ledger.add("emitted", "logs")
        if ending.is_shut():
            self._ledger.add("dropped", "logs", reason="shutdown")
            return
        self._complete(event)
        self._check(event)
        decided = judge(event, self._rate)
        line = self._redacted_line(event)
        self._feed(event)
        event.size = len(line)
        if self._queue is None:
            go: Release = functools.partial(self._write_stamped, line)
        else:
            # For people: at once, whatever becomes of the record.
            self._write(line)
            go = functools.partial(self._queue_judged, event)
        if decided or event.request is None:
            go(event.reason, event.weight)
        else:
            event.request.until_verdict(go, len(line))

    def _queue_judged(self, event: Event, reason: str, weight: float) -> None:
        event.reason, event.weight = reason, weight
        if self._queue is not None:
            self._queue(event)

    def _write_stamped(self, line: bytes, reason: str, weight: float) -> None:
        if self._write(self._lines.stamped(line, reason, weight)):
            self._ledger.add("delivered", "logs")
        else:
            self._ledger.add("dropped", "logs", reason="no_road")

    def _write(self, line: bytes) -> bool:
        """Tells whether anybody has taken it."""
        taken = False
        for writer in self._writers:
            try:
                writer.write(line)
                taken = True
            except OSError:
                # Nobody reads the other end, or the disk is full.
                self._ledger.add("dropped", "lines", reason=writer.reason)
        return taken

    def _check(self, event: Event) -> None:
        # Our own events are checked by the tests, once and for all.
        if event.logger_name != OWN_LOGGER and (wrong := wrong_fields(event)):
            self._ledger.add("invalid", "logs", len(wrong), "type")

    def hold(self, event: Event, request: Request) -> None:
        """Sends an event once its request has something to say: its user, a later record, an answer."""
        request.wait(functools.partial(self._emit_held, event))

    def _complete(self, event: Event) -> None:
        request = event.request
        if request is not None:
            request.learn_from_state()
            if not _KNOWN_BY_EXTRA.isdisjoint(event.fields):
                self._learn(request, event.fields)
            request.settle()
            self._name_session(request)
            event.identity = request.identity()
        session = event.fields.get("session_id")
        if session is not None:
            event.fields["session_id"] = self._pseudonymise(str(session))

    def _learn(self, request: Request, fields: Mapping[str, object]) -> None:
        for name in _KNOWN_BY_EXTRA:
            if getattr(request, name) is None and name in fields:
                request.learn(**{name: fields[name]})

    def know(self, request: Request) -> None:
        """Completes who is asking: from `request.state`, and the pseudonym of the session."""
        request.learn_from_state()
        self._name_session(request)

    def _name_session(self, request: Request) -> None:
        if request.session_id is not None and request.session_pseudonym is None:
            request.session_pseudonym = self._pseudonymise(request.session_id)

    def _redacted_line(self, event: Event) -> bytes:
        line = self._redactor.plain(self._lines.document(event), orjson.dumps)
        if line is not None:
            return self._lines.text(event, line)
        self._scrub(event)
        return self._lines.text(event, serialise(self._lines.document(event)))

    def _scrub(self, event: Event) -> None:
        """Redacts every part of the event in place; counts by rule."""
        event.fields, counts = self._redactor.mapping(event.fields)
        self._count(counts)
        event.message = self._text(event.message)
        event.logger_name = self._text(event.logger_name)
        event.event_type = self._text(event.event_type) if event.event_type else None
        event.identity = {name: self._text(value) for name, value in event.identity.items()}
        if event.source is not None:
            file, line, function = event.source
            event.source = self._text(file), line, self._text(function)
        if event.exception is not None:
            event.exception = ExceptionInfo(
                self._text(event.exception.type),
                self._text(event.exception.message, _EXCEPTION_LIMIT),
                self._stack(event.exception.traceback),
            )

    def _stack(self, lines: list[str]) -> list[str]:
        # Scanned as one text, because a secret may stand across two lines.
        return self._text("".join(lines), _STACK_LIMIT).splitlines(keepends=True)

    def _text(self, text: str, limit: int = STRING_LIMIT) -> str:
        clean, counts = self._redactor.text(text, limit)
        self._count(counts)
        return clean

    def _count(self, counts: Mapping[str, int]) -> None:
        for rule, count in counts.items():
            self._ledger.add("redacted", "logs", count, rule)
