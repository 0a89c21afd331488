"""The typed calls of `tradewise_otel.events`: events like any other, logged by the module that calls."""

from __future__ import annotations

import time
from types import FrameType
from typing import Any

from tradewise_otel.catalogue.vocabulary import EventType
from tradewise_otel.out.sink import Sink
from tradewise_otel.record.build import Event, here
from tradewise_otel.record.statement import statement


class StatedEvents:
    """Takes typed calls; levels of loggers do not concern them."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def take(
        self, row: EventType, positional: tuple[object, ...], given: dict[str, Any], caller: FrameType
    ) -> None:
        """Makes an event of a call and sends it on its way."""
        said = statement(row, positional, given)
        event = event_of(said.event_type, caller)
        event.level, event.message, event.fields = said.level, said.message, said.fields
        for fault in said.faults:
            self._sink.complain(event, fault)
        self._sink.emit(event)


def event_of(event_type: str, caller: FrameType) -> Event:
    """An event that happens here and now, in the words of nobody yet."""
    context, request = here()
    code = caller.f_code
    return Event(
        timestamp_ns=time.time_ns(),
        level="INFO",
        message="",
        logger_name=str(caller.f_globals.get("__name__")),
        event_type=event_type,
        trace_id=context.trace_id,
        span_id=context.span_id,
        trace_flags=int(context.trace_flags),
        request=request,
        source=(code.co_filename, caller.f_lineno, code.co_name),
    )
