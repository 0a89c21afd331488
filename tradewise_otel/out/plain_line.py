"""The line of an event that may leave as it is, put together from bytes: most events of a running app.

What lines share is serialised and judged once: the head by place in the code, texts, and who is asking by
span. Left for each line are its fields, a clock and an id. Every part holds whole names and values, so that
nothing secret can stand across two of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import orjson

from tradewise_otel.bounded import keep
from tradewise_otel.out.parts import PartOfWhom
from tradewise_otel.out.stdout import Lines
from tradewise_otel.record.build import Event
from tradewise_otel.redact.walk import Redactor

_LONGEST = 512


class PlainLine:
    """Gives lines of plain events; safe to share between threads and across forks.

    Parts are written `"name":value,` without braces.
    """

    def __init__(self, lines: Lines, redactor: Redactor) -> None:
        self._lines, self._redactor = lines, redactor
        self._heads: dict[object, bytes] = {}
        self._texts: dict[str, bytes] = {}
        self._who = PartOfWhom(_part_of_whom, self._part)
        self.after_fork()

    def after_fork(self) -> None:
        """A forked child has another id, and threads of its own."""
        self._threads: dict[int, bytes] = {}

    def of(self, event: Event) -> bytes | None:
        """The line of the event; None where it has to be looked through."""
        fields = event.fields
        if event.exception is not None:
            return self._whole(event)
        place = (event.level, event.logger_name, event.event_type, event.source, "service" in fields)
        head = self._heads.get(place) or self._learn(self._heads, place, self._lines.head(event))
        text = self._texts.get(event.message) or self._learn(
            self._texts, event.message, {"message": event.message}
        )
        who = self._who.of(event)
        own = self._redactor.plain(fields, orjson.dumps)
        if head is None or text is None or who is None or own is None:
            return None
        parts = (
            b'{"timestamp":"',
            self._lines.clock(event).encode(),
            b'",',
            head,
            text,
            who,
            self._threads.get(event.thread_id) or self._thread(event.thread_id),
            b'"event_id":"',
            event.event_id.encode(),
            b'",' if fields else b'"',
            own[1:],
            b"\n",
        )
        return b"".join(parts)

    def _whole(self, event: Event) -> bytes | None:
        raw = self._redactor.plain(self._lines.document(event), orjson.dumps)
        return raw if raw is None else raw + b"\n"

    def _thread(self, thread: int) -> bytes:
        return keep(self._threads, thread, b'"process_id":%d,"thread_id":%d,' % (os.getpid(), thread))

    def _learn(self, known: dict[Any, bytes], key: object, fields: Mapping[str, object]) -> bytes | None:
        part = self._part(fields)
        return part if part is None or len(part) > _LONGEST else keep(known, key, part)

    def _part(self, fields: Mapping[str, object]) -> bytes | None:
        raw = self._redactor.plain(fields, orjson.dumps)
        if raw is None:
            return None
        return raw[1:-1] + b"," if fields else b""


def _part_of_whom(event: Event, identity: bytes | None) -> bytes | None:
    if identity is None or not event.trace_id:
        return identity
    return b'%b"trace_id":"%032x","span_id":"%016x",' % (identity, event.trace_id, event.span_id)
