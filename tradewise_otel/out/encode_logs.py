"""A log record in OTLP's bytes, put together from parts: what records share is written once and kept.

Shared are the head, by place in the code, thread and verdict, and who is asking, by span; left for each
record are its time, id, text and fields. The whole way, which is upstream's message field by field, is for
what has more to say, and says what the parts must say.
"""

from __future__ import annotations

import functools
from typing import Any

from tradewise_otel.bounded import keep
from tradewise_otel.catalogue.vocabulary import Level
from tradewise_otel.out import wire
from tradewise_otel.out.parts import PartOfWhom
from tradewise_otel.out.projection import FIXED, log_attributes, place_attributes, whole_milliseconds
from tradewise_otel.record.build import SEVERITY, Event

_TIME, _OBSERVED_TIME = wire.tag(1, 1), wire.tag(11, 1)
_TRACE_ID, _SPAN_ID = wire.tag(9, 2) + b"\x10", wire.tag(10, 2) + b"\x08"
_ATTRIBUTES = 6
_LONGEST = 512


class LogParts:
    """Writes records; safe to share between threads and across forks."""

    def __init__(self) -> None:
        self._heads: dict[tuple[Any, ...], bytes] = {}
        self._texts: dict[str, bytes] = {}
        self._who = PartOfWhom(_who, functools.partial(wire.attributes, _ATTRIBUTES))

    def record(self, event: Event) -> bytes:
        """A `LogRecord`."""
        fields = event.fields
        doubled = not FIXED.isdisjoint(fields) or not event.identity.keys().isdisjoint(fields)
        if doubled or event.exception is not None:
            return log_record(event)
        place = (
            event.level,
            event.logger_name,
            event.event_type,
            event.source,
            event.thread_id,
            event.trace_flags,
            event.reason,
            event.weight,
        )
        time_ns = wire.FIXED64(whole_milliseconds(event.timestamp_ns))
        message = event.message
        parts = (
            _TIME,
            time_ns,
            _OBSERVED_TIME,
            time_ns,
            self._heads.get(place) or keep(self._heads, place, _head(event)),
            self._texts.get(message) or self._text(message),
            self._who.of(event),
            wire.attributes(_ATTRIBUTES, {"event_id": event.event_id, **fields}),
        )
        return b"".join(parts)

    def _text(self, message: str) -> bytes:
        part = _text(message)
        return part if len(part) > _LONGEST else keep(self._texts, message, part)


def log_record(event: Event) -> bytes:
    """A `LogRecord`, written whole."""
    time_ns = wire.FIXED64(whole_milliseconds(event.timestamp_ns))
    attributes = wire.attributes(_ATTRIBUTES, log_attributes(event))
    ids = _ids(event.trace_id, event.span_id)
    return b"".join(
        (_TIME, time_ns, _OBSERVED_TIME, time_ns, _kind(event), _text(event.message), attributes, ids)
    )


def _head(event: Event) -> bytes:
    return _kind(event) + wire.attributes(_ATTRIBUTES, place_attributes(event))


def _kind(event: Event) -> bytes:
    return _severity(event.level) + wire.fixed32(8, event.trace_flags) + wire.text(12, event.event_type)


def _who(event: Event, identity: bytes) -> bytes:
    return _ids(event.trace_id, event.span_id) + identity


def _ids(trace_id: int, span_id: int) -> bytes:
    trace = _TRACE_ID + trace_id.to_bytes(16, "big") if trace_id else b""
    return trace + _SPAN_ID + span_id.to_bytes(8, "big") if span_id else trace


def _text(message: str) -> bytes:
    return wire.nested(5, wire.any_value(message))


@functools.lru_cache(maxsize=16)
def _severity(level: Level) -> bytes:
    return wire.number(2, SEVERITY[level]) + wire.text(3, level)
