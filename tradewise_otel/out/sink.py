"""The one way out for events: complete, judge, redact once, write the line, queue the record.

Everything that the app, its libraries and our own hooks have to say passes `Sink.emit`, so that the JSON
line and the OTLP record of an event cannot differ (contract 1).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from tradewise_otel.catalogue.lookup import max_length
from tradewise_otel.catalogue.sensitive import STRING_LIMIT
from tradewise_otel.context import Request
from tradewise_otel.out.stdout import Lines, Writer, serialise
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.record.build import OWN_LOGGER, Event, ExceptionInfo
from tradewise_otel.record.check import wrong_fields
from tradewise_otel.record.verdict import judge
from tradewise_otel.redact import gate
from tradewise_otel.redact.walk import Redactor

_IDENTITY = ("user_id", "tenant_id")
_KNOWN_BY_EXTRA = (*_IDENTITY, "session_id")
_EXCEPTION_LIMIT = max_length("exception.message")
_STACK_LIMIT = max_length("exception.traceback")


class Sink:
    """Takes events from any thread.

    Args:
        rate: share of requests kept by ratio.
        pseudonymise: session id to pseudonym.
        queue: takes redacted events towards OTLP; None where nothing is exported.
    """

    def __init__(
        self,
        lines: Lines,
        writer: Writer,
        redactor: Redactor,
        ledger: Ledger,
        rate: float,
        pseudonymise: Callable[[str], str],
        queue: Callable[[Event], None] | None,
    ) -> None:
        self._lines, self._writer, self._redactor, self._ledger = lines, writer, redactor, ledger
        self._rate, self._pseudonymise, self._queue = rate, pseudonymise, queue

    def emit(self, event: Event) -> None:
        """Sends one event on its way. The caller shields: what fails here must not reach the app."""
        self._ledger.add("emitted", "logs")
        self._complete(event)
        self._check(event)
        # Redaction may put a clean copy in its place, which is nobody's holder.
        request = event.request
        decided = judge(event, self._rate)
        line = self._redacted_line(event)
        self._write(line)
        if self._queue is None:
            return
        if decided or request is None:
            self._queue(event)
        else:
            request.until_verdict(functools.partial(self._judged, event), len(line))

    def _judged(self, event: Event, reason: str, weight: float) -> None:
        event.reason, event.weight = reason, weight
        if self._queue is not None:
            self._queue(event)

    def _write(self, line: bytes) -> None:
        try:
            self._writer.write(line)
        except OSError:
            # Nobody reads the other end, or the disk is full; the record still goes by OTLP.
            self._ledger.add("dropped", "lines", reason="stdout_failed")

    def _check(self, event: Event) -> None:
        # Our own events are checked by the tests, once and for all.
        if event.logger_name != OWN_LOGGER and (wrong := wrong_fields(event)):
            self._ledger.add("invalid", "logs", len(wrong), "type")

    def hold(self, event: Event, request: Request) -> None:
        """Sends an event once its request has something to say: its user, a later record, an answer."""
        # Whoever settles the request is not to blame for the record that waited.
        request.wait(functools.partial(self._ledger.shielded("held record", self.emit, None), event))

    def _complete(self, event: Event) -> None:
        request = event.request
        if request is not None:
            request.learn_from_state()
            for name in _KNOWN_BY_EXTRA:
                if getattr(request, name) is None and name in event.fields:
                    request.learn(**{name: event.fields[name]})
            request.settle()
            self._name_session(request)
        session = event.fields.get("session_id")
        if session is not None:
            event.fields["session_id"] = self._pseudonymise(str(session))

    def know(self, request: Request) -> None:
        """Completes who is asking: from `request.state`, and the pseudonym of the session."""
        request.learn_from_state()
        self._name_session(request)

    def _name_session(self, request: Request) -> None:
        if request.session_id is not None and request.session_pseudonym is None:
            request.session_pseudonym = self._pseudonymise(request.session_id)

    def _redacted_line(self, event: Event) -> bytes:
        document = self._lines.document(event)
        if self._redactor.is_plain(document):
            line = serialise(document)
            if not gate.hit(line):
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
        if event.request is not None:
            event.request = self._scrubbed(event.request)
        if event.exception is not None:
            event.exception = ExceptionInfo(
                event.exception.type,
                self._text(event.exception.message, _EXCEPTION_LIMIT),
                self._stack(event.exception.traceback),
            )

    def _stack(self, lines: list[str]) -> list[str]:
        # Scanned as one text, because a secret may stand across two lines.
        return self._text("".join(lines), _STACK_LIMIT).splitlines(keepends=True)

    def _scrubbed(self, request: Request) -> Request:
        clean = Request(self._text(request.request_id) if request.request_id else None)
        clean.session_pseudonym = request.session_pseudonym
        clean.learn(**{name: self._text(getattr(request, name) or "") for name in _IDENTITY})
        return clean

    def _text(self, text: str, limit: int = STRING_LIMIT) -> str:
        clean, counts = self._redactor.text(text, limit)
        self._count(counts)
        return clean

    def _count(self, counts: Mapping[str, int]) -> None:
        for rule, count in counts.items():
            self._ledger.add("redacted", "logs", count, rule)
