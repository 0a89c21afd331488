"""The `connect` span of a checkout, made only where it fails.

contrib starts one for every `Engine.connect`, pooled or not, and all that succeed are dropped by design:
they cost a tenth of a request with one statement. Here contrib gets a stand-in that keeps what is said of
the connection, and a span is made of it when there is something to report.
"""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation import sqlalchemy as contrib

from tradewise_otel.pipeline import shield
from tradewise_otel.pipeline.ledger import Ledger


def install(ledger: Ledger) -> None:
    """Has contrib wrap `Engine.connect` with a tracer that makes stand-ins; upstream's way if that fails."""
    upstream: Any = contrib._wrap_connect  # type: ignore[attr-defined]

    def build(tracer: trace.Tracer) -> Any:
        return upstream(only_failures(tracer, ledger))

    contrib._wrap_connect = ledger.guarded("connect spans", build, upstream)  # type: ignore[attr-defined]


def only_failures(tracer: trace.Tracer, ledger: Ledger) -> SimpleNamespace:
    """What contrib uses of a tracer for checkouts; connections that succeed are counted as before."""

    def ended(attempt: shield.Attempt, started: int, name: str, error: BaseException | None) -> None:
        # As upstream: what is no `Exception`, such as a cancellation, is no failure of the connection.
        if not isinstance(error, Exception):
            ledger.add("emitted", "traces")
            ledger.add("sampled_out", "traces", reason="pooled_connect")
            return
        span: Any = tracer.start_span(
            name, kind=trace.SpanKind.CLIENT, attributes=attempt.attributes, start_time=started
        )
        # Notes the exception, sets the status and ends the span, as at the end of a `with`.
        span.__exit__(type(error), error, error.__traceback__)

    safe = ledger.shielded("connect", ended, None, "traces")

    def start(name: str, **_options: Any) -> shield.Attempt:
        return shield.Attempt(safe, time.time_ns(), name)

    guarded = ledger.guarded("connect", start, tracer.start_as_current_span, "traces")
    return SimpleNamespace(start_as_current_span=guarded)
