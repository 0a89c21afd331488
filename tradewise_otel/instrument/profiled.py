"""One profiled call: a span while it runs, and `performance_metric` at its end (Performance Analysis)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from opentelemetry import context, trace
from opentelemetry.trace import Status, StatusCode

from tradewise_otel.record.build import automatic, living_request

if TYPE_CHECKING:
    from tradewise_otel.instrument.runtime import Runtime

SCOPE_NAME = "tradewise_otel"
"""Instrumentation scope of the spans."""


class Profiled:
    """A call that has begun. Its steps may raise: the caller shields."""

    def __init__(self, runtime: Runtime, operation: str) -> None:
        self._sink = runtime.sink
        self._operation = operation
        self._span = trace.get_tracer(SCOPE_NAME).start_span(operation)
        # The span's own times are those of the wall clock, which may be set while the call runs.
        self._started = time.perf_counter_ns()

    def resume(self) -> Any:
        """Makes the span the current one; give the token to `pause`."""
        return context.attach(trace.set_span_in_context(self._span))

    def pause(self, token: Any) -> None:
        """Ends what `resume` began."""
        context.detach(token)

    def end(self, error: BaseException | None) -> None:
        """The call has returned, or let `error` through."""
        duration_ms = round((time.perf_counter_ns() - self._started) / 1e6, 3)
        fields = {"operation": self._operation, "duration_ms": duration_ms, **_outcome(error)}
        try:
            self._emit(fields)
            self._describe(fields, error)
        finally:
            self._span.end()

    def _emit(self, fields: dict[str, Any]) -> None:
        failed = fields["status"] == "error"
        event = automatic(
            "performance_metric",
            "ERROR" if failed else "INFO",
            f"Performance: {self._operation} {'failed' if failed else 'completed'}",
            dict(fields),
            self._span.get_span_context(),
            living_request(),
        )
        self._sink.emit(event)

    def _describe(self, fields: dict[str, Any], error: BaseException | None) -> None:
        # `status` on a span would compete with the span's own (contract 4); the text is the exception's.
        attributes = {name: value for name, value in fields.items() if name not in ("status", "error")}
        attributes |= {"event_type": "performance_metric", "event.status": fields["status"]}
        self._span.set_attributes(attributes)
        if error is not None and "error" in fields:
            self._span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {fields['error']}"))
            self._span.record_exception(error)


def _outcome(error: BaseException | None) -> dict[str, Any]:
    """How a call has ended: what is no `Exception` is no failure of the app, as in the document."""
    if error is None or isinstance(error, GeneratorExit):
        # Whoever took values from a generator had enough of them.
        return {"status": "success"}
    if isinstance(error, Exception):
        return {"status": "error", "error": _text(error)}
    return {"status": "success", "cancelled": True}


def _text(error: Exception) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:
        return type(error).__name__
