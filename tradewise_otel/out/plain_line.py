"""The line of an event that may leave as it is, in one step: most events of a running app.

What all lines from one place in the code have in common is judged once and kept as bytes; the rest of each
line is serialised and judged anew. Both halves hold whole names and values, so that nothing secret can
stand across them.
"""

from __future__ import annotations

import orjson

from tradewise_otel.out.stdout import Lines
from tradewise_otel.record.build import Event
from tradewise_otel.redact.walk import Redactor

_REMEMBERED = 1024
_LONGEST = 512


class PlainLine:
    """Gives lines of plain events; safe to share between threads and across forks."""

    def __init__(self, lines: Lines, redactor: Redactor) -> None:
        self._lines, self._redactor = lines, redactor
        self._heads: dict[object, bytes] = {}

    def of(self, event: Event) -> bytes | None:
        """The JSON of the event; None where it has to be looked through."""
        fields = event.fields
        if "service" in fields:
            # The called one, in the place of ours.
            return self._redactor.plain(self._lines.document(event), orjson.dumps)
        place = (event.level, event.logger_name, event.event_type, event.source)
        head = self._heads.get(place) or self._learn(place, event)
        if head is None:
            return None
        own = fields if event.exception is None else None
        tail = self._redactor.plain(self._lines.tail(event), orjson.dumps, own)
        if tail is None:
            return None
        return b'{"timestamp":"' + self._lines.clock(event).encode() + head + tail[1:]

    def _learn(self, place: object, event: Event) -> bytes | None:
        raw = self._redactor.plain(self._lines.head(event), orjson.dumps)
        if raw is None:
            return None
        if len(self._heads) >= _REMEMBERED:
            self._heads.clear()
        head = b'",' + raw[1:-1] + b","
        if len(head) <= _LONGEST:
            self._heads[place] = head
        return head
