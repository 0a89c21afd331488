"""The one way out for events: complete, judge, redact once, write the line, queue the record.

Everything that the app, its libraries and our own hooks have to say passes `Sink.emit`, so that the JSON
line and the OTLP record of an event cannot differ (contract 1).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from tradewise_otel.catalogue.lookup import max_length
from tradewise_otel.catalogue.sensitive import STRING_LIMIT
from tradewise_otel.context import Request
from tradewise_otel.out.plain_line import PlainLine
from tradewise_otel.out.stdout import Lines, serialise
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.pipeline.workers import on_fork
from tradewise_otel.record.build import OWN_LOGGER, Event, ExceptionInfo
from tradewise_otel.record.check import Complaints, Fault, is_fit_id, mend
from tradewise_otel.record.verdict import judge
from tradewise_otel.redact import ending
from tradewise_otel.redact.walk import Redactor
from tradewise_otel.texts import UNPRINTABLE

_IDS = frozenset({"request_id", "user_id", "tenant_id", "session_id"})
_KNOWN_BY_EXTRA = _IDS - {"request_id"}
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
        self._feed = feed
        self._plain = PlainLine(lines, redactor)
        on_fork(self._plain)
        self._complaints = Complaints()
        self._diverted: dict[str | None, Callable[[Event], bool]] = {}

    def divert(self, takers: Mapping[str, Callable[[Event], bool]]) -> None:
        """Shows events of some kinds to others first; whoever answers True will `finish` the event."""
        for kind, take in takers.items():
            self._diverted[kind] = self._ledger.shielded(f"divert {kind}", take, False)

    @ending.door
    def emit(self, event: Event) -> None:
        """Sends one event on its way. The caller shields: what fails here must not reach the app."""
        self._ledger.add("emitted", "logs")
        if ending.is_shut():
            self._ledger.add("dropped", "logs", reason="shutdown")
            return
        # Our own events are checked by the tests, once and for all.
        if event.logger_name != OWN_LOGGER:
            self._check(event)
        self._complete(event)
        take = self._diverted.get(event.event_type)
        if take is None or not take(event):
            self._finish(event)

    @ending.door
    def finish(self, event: Event) -> None:
        """Sends an event whose identity is known; whatever took it from its way hands it back here."""
        if ending.is_shut():
            self._ledger.add("dropped", "logs", reason="shutdown")
        else:
            self._finish(event)

    def _finish(self, event: Event) -> None:
        decided = judge(event, self._rate)
        line = self._plain.of(event)
        if line is None or not self._lines.are_json:
            line = self._redacted_line(event, line)
        try:
            self._feed(event)
        except Exception as error:
            # The record itself is whole, and goes.
            self._ledger.internal_error("metrics of an event", error, "metrics")
        event.size = len(line)
        if self._queue is not None:
            # For people: at once, whatever becomes of the record.
            self._write(line)
            line = b""
        if decided or event.request is None:
            self._send(event, line)
        else:
            event.request.until_verdict(functools.partial(self._send_judged, event, line), event.size)

    def _send_judged(self, event: Event, line: bytes, reason: str, weight: float) -> None:
        event.reason, event.weight = reason, weight
        self._send(event, line)

    def _send(self, event: Event, line: bytes) -> None:
        """Sends a judged event on its road; `line` is the record where lines are the road."""
        if self._queue is not None:
            self._queue(event)
        elif self._write(self._lines.stamped(line, event.reason, event.weight)):
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
        for fault in mend(event):
            self.complain(event, fault)

    def complain(self, event: Event, fault: Fault) -> None:
        """Counts what is wrong with an event of the app; the first of a kind is told in a line."""
        self._ledger.add("invalid", "logs", reason=fault.kind)
        complaint = self._complaints.first(event, fault)
        if complaint is not None:
            self.emit(complaint)

    def hold(self, event: Event, request: Request) -> None:
        """Sends an event once its request has something to say: its user, a later record, an answer."""
        request.wait(functools.partial(self._emit_held, event))

    def _complete(self, event: Event) -> None:
        request, fields = event.request, event.fields
        ids = _IDS.intersection(fields)
        if request is not None:
            self.know(request)
            if ids:
                self._learn(request, ids & _KNOWN_BY_EXTRA, fields)
            if request.pending:
                request.settle()
            event.identity = request.identity()
        if ids:
            self._settle_ids(event, ids)

    def _learn(self, request: Request, brought: Iterable[str], fields: Mapping[str, object]) -> None:
        """Takes what a record brings of who is asking, as far as nobody has said it."""
        news = {name: fields[name] for name in brought if getattr(request, name) is None}
        if news:
            request.learn(**news)
            self.know(request)

    def _settle_ids(self, event: Event, ids: Iterable[str]) -> None:
        """What the event says of who is asking stands in the place of what its request says."""
        fields, identity = event.fields, event.identity
        if "session_id" in fields:
            fields["session_id"] = self._pseudonymise(str(fields["session_id"]))
        said = {name: fields.pop(name) for name in ids if name in identity}
        if not said.items() <= identity.items():
            event.identity = {**identity, **said}

    def trust(self, text: str) -> None:
        """Says of a text that it is our own, so that it is not looked through."""
        self._redactor.trust(text)

    def know(self, request: Request) -> None:
        """Completes who is asking: from `request.state`, and the pseudonym of the session."""
        if request.scope is not None and request.scope.get("state"):
            request.learn_from_state()
        if request.session_id is not None and request.session_pseudonym is None:
            self._name_session(request, request.session_id)

    def _name_session(self, request: Request, session_id: str) -> None:
        if not is_fit_id(session_id) or session_id.startswith(UNPRINTABLE):
            self._ledger.add("invalid", "logs", reason="id")
        request.name_session(self._pseudonymise(session_id))

    def _redacted_line(self, event: Event, line: bytes | None) -> bytes:
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
