"""The typed calls of `tradewise_otel.events`: events like any other, logged by the module that calls."""

from __future__ import annotations

import time
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from tradewise_otel.bounded import keep
from tradewise_otel.record.build import Event, here
from tradewise_otel.record.statement import Call

if TYPE_CHECKING:
    from tradewise_otel.out.sink import Sink


def take(
    sink: Sink, call: Call, positional: tuple[object, ...], given: dict[str, Any], caller: FrameType
) -> None:
    """Makes an event of a call and sends it on its way; levels of loggers do not concern it."""
    event_type, level, message, fields, faults = call.understood(positional, given)
    (trace_id, span_id, _, flags, *_), request = here()
    event = Event(
        time.time_ns(),
        level,
        message,
        caller.f_globals.get("__name__", ""),
        event_type,
        fields,
        trace_id,
        span_id,
        flags,
        request,
        {},
        _place(caller),
    )
    for fault in faults:
        sink.complain(event, fault)
    sink.emit(event)


def _place(caller: FrameType) -> tuple[str, int, str]:
    """File, line and function of a call; remembered, since Python looks through a function for its lines."""
    code = caller.f_code
    key = id(code), caller.f_lasti
    known = _places.get(key)
    if known is not None and known[0] is code:
        return known[1]
    place = code.co_filename, caller.f_lineno, code.co_name
    return keep(_places, key, (code, place))[1]


_places: dict[tuple[int, int], tuple[CodeType, tuple[str, int, str]]] = {}
"""Places by code object, which is kept so that its id stays its own, and instruction."""
