"""The typed calls of `tradewise_otel.events`: events like any other, logged by the module that calls."""

from __future__ import annotations

import time
from types import FrameType
from typing import Any

from tradewise_otel.out.sink import Sink
from tradewise_otel.record.build import Event, here
from tradewise_otel.record.statement import Call


class StatedEvents:
    """Takes typed calls; levels of loggers do not concern them."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def take(
        self, call: Call, positional: tuple[object, ...], given: dict[str, Any], caller: FrameType
    ) -> None:
        """Makes an event of a call and sends it on its way."""
        event_type, level, message, fields, faults = call.understood(positional, given)
        (trace_id, span_id, _, flags, *_), request = here()
        code = caller.f_code
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
            (code.co_filename, caller.f_lineno, code.co_name),
        )
        for fault in faults:
            self._sink.complain(event, fault)
        self._sink.emit(event)
