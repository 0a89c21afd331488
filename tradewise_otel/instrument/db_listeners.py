"""contrib's listeners on an engine, without what leads nowhere here.

contrib listens to the pool to feed a metric that our no-op meter throws away, four times a checkout; it looks
at the URL of the engine and at the whole text of a statement each time, and notes attributes one by one. And
what SQLAlchemy's events tell us has its place in the same listeners: each further one costs every statement.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.instrumentation._semconv import _set_db_operation, _set_db_statement, _set_db_system
from opentelemetry.instrumentation.sqlalchemy import engine as contrib
from opentelemetry.trace import SpanKind

from tradewise_otel.bounded import keep
from tradewise_otel.instrument.switched_off import is_switched_off
from tradewise_otel.pipeline import shield
from tradewise_otel.pipeline.ledger import Ledger

POOL = frozenset({"connect", "close", "checkin", "checkout"})
"""Events that contrib listens to for its metric only."""

_REMEMBERED = 256
_LONGEST = 2048
Described = tuple[str, dict[str, Any]]


def install(ledger: Ledger, executed: Callable[[Any, Any, str], None], failed: Callable[[Any], None]) -> None:
    """Has engines that are made from now on begin their spans in our way, and tell us before they end them.

    Args:
        executed: told of a statement's execution context, cursor and text.
        failed: told of SQLAlchemy's exception context.
    """
    tracer: Any = contrib.EngineTracer
    begin = tracer._before_cur_exec
    tracer._before_cur_exec = ledger.guarded("statement span", Begin(begin).begin, begin, "traces")
    tracer._register_event_listener = classmethod(_without_pool(tracer._register_event_listener.__func__))
    for name, told in (("_after_cur_exec", _told_of(executed)), ("_handle_error", failed)):
        safe = ledger.shielded(f"describe {name}", told, None)
        setattr(contrib, name, shield.then(safe, getattr(contrib, name)))


class Begin:
    """In the place of contrib's listener at the start of a statement; `upstream` is that.

    What a span says at its start depends on the engine, the text and the database: it is remembered.
    """

    def __init__(self, upstream: Callable[..., tuple[Any, Any]]) -> None:
        self._upstream = upstream

    def begin(
        self, listener: Any, conn: Any, cursor: Any, statement: Any, parameters: Any, context: Any, many: bool
    ) -> tuple[Any, Any]:
        """Starts the span of a statement; the statement and its parameters go on as they are."""
        if _is_unusual(listener, conn, statement):
            return self._upstream(listener, conn, cursor, statement, parameters, context, many)
        if not is_switched_off():
            name, attributes = _known(listener, conn, cursor, statement)
            context._otel_span = listener.tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
        return statement, parameters


def _is_unusual(listener: Any, conn: Any, statement: Any) -> bool:
    """Whether contrib would change the statement, or must ask the connection where it leads."""
    asks = listener.vendor == "postgresql" and not conn.engine.url.host
    return bool(listener.enable_commenter or asks or type(statement) is not str or len(statement) > _LONGEST)


def _known(listener: Any, conn: Any, cursor: Any, statement: str) -> Described:
    database = _database(listener.vendor, conn, cursor)
    known: dict[tuple[str, str | None], Described] = listener.__dict__.setdefault("_known_statements", {})
    described = known.get((statement, database))
    if described is None:
        made = _describe(listener, conn, cursor, statement, database)
        described = keep(known, (statement, database), made, _REMEMBERED)
    return described


def _describe(listener: Any, conn: Any, cursor: Any, statement: str, database: str | None) -> Described:
    """Name and attributes of a statement's span, as contrib has them."""
    modes = listener._sem_conv_opt_in_mode_db, listener._sem_conv_opt_in_mode_http
    attributes, found = _of_url(conn.engine.url, *modes)
    if not found:
        attributes = _of_connection(listener.vendor, conn, cursor, attributes, *modes)
    name = listener._operation_name(database, statement)
    _set_db_statement(attributes, statement, modes[0])
    _set_db_system(attributes, listener.vendor, modes[0])
    _set_db_operation(attributes, name, modes[0])
    return name, attributes


_database: Callable[..., str | None] = contrib._get_db_name_from_cursor_or_conn
_of_url: Callable[..., tuple[dict[str, Any], bool]] = contrib._get_attributes_from_url
_of_connection: Callable[..., dict[str, Any]] = contrib._get_attributes_from_cursor_or_conn


def _without_pool(register: Callable[..., None]) -> Callable[..., None]:
    def registers(cls: Any, target: Any, identifier: str, *words: Any, **options: Any) -> None:
        if identifier not in POOL:
            register(cls, target, identifier, *words, **options)

    return registers


def _told_of(executed: Callable[[Any, Any, str], None]) -> Callable[..., None]:
    def after(conn: Any, cursor: Any, statement: Any, parameters: Any, context: Any, many: bool) -> None:
        executed(context, cursor, str(statement))

    return after
