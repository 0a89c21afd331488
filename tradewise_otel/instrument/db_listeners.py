"""contrib's listeners on an engine, without what leads nowhere here.

contrib listens to the pool to feed a metric that our no-op meter throws away, four times a checkout, and
notes a statement's attributes one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.instrumentation._semconv import _set_db_operation, _set_db_statement, _set_db_system
from opentelemetry.instrumentation.sqlalchemy import engine as contrib

from tradewise_otel.pipeline.ledger import Ledger

POOL = ("_pool_connect", "_pool_close", "_pool_checkin", "_pool_checkout")


def install(ledger: Ledger) -> None:
    """Puts our listeners in the place of contrib's, for engines that are made from now on."""
    tracer: Any = contrib.EngineTracer
    nothing = ledger.shielded("pool listener", _nothing, None, "traces")
    for name in POOL:
        setattr(tracer, name, nothing)
    upstream = tracer._set_db_client_span_attributes
    tracer._set_db_client_span_attributes = ledger.guarded("statement span", note, upstream, "traces")


def note(listener: Any, span: Any, statement: str, database: str | None, known: Mapping[str, Any]) -> None:
    """Notes statement, system and operation on the open span of a statement, in one step."""
    mode = listener._sem_conv_opt_in_mode_db
    attributes = dict(known)
    _set_db_statement(attributes, statement, mode)
    _set_db_system(attributes, listener.vendor, mode)
    # The span was named by the same words a moment ago.
    _set_db_operation(attributes, span.name, mode)
    span.set_attributes(attributes)


def _nothing(*_: Any) -> None:
    """What the pool has to tell goes to a metric that nobody reads."""
