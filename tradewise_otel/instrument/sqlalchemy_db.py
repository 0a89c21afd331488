"""SQLAlchemy 2.0 and 2.1: `database_operation`, `database_connection_error` and their metrics.

contrib makes the spans and offers no hook. Rows and table come from SQLAlchemy's own public events, heard
in contrib's listeners, while their span is still open.
"""

from __future__ import annotations

import functools
import re
from collections.abc import MutableMapping
from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry.instrumentation import sqlalchemy as contrib
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Status, StatusCode
from sqlalchemy.sql.expression import TableClause

from tradewise_otel.instrument import db_connects, db_listeners
from tradewise_otel.instrument.runtime import Runtime
from tradewise_otel.pipeline.processors import Attributes, duration_ms
from tradewise_otel.record.build import automatic, living_request
from tradewise_otel.redact.sql import placeholders

SCOPE_NAME = contrib.__name__
_CONNECTION_LOST = "db.connection.lost"

_TABLE_IN_TEXT = re.compile(
    r"\b(?:from|into|update|join|table|index\s+(?:if\s+not\s+exists\s+)?\S+\s+on)"
    r"\s+(?:if\s+(?:not\s+)?exists\s+)?[\"`\[]?([\w.]+)",
    re.I,
)
_BEFORE_THE_VERB = re.compile(r"^(?:\s|\(|/\*.*?\*/|--[^\n]*\n)+", re.S)
_INNERMOST_PARENTHESES = re.compile(r"\([^()]*\)")
_VERB = re.compile(r"\b(?:select|insert|update|delete|merge)\b", re.I)
# PostgreSQL: invalid input syntax for type integer: "x"; names stand in quotes of the same kind elsewhere.
_QUOTED_INPUT = re.compile(r": \".*\"$")
_LEVELS = 16
# Statements come again, with other parameters; long ones are not worth their memory.
_REMEMBERED_LENGTH = 1024
_MOST_ROWS = 2**63

_tables: MutableMapping[Any, str] = WeakKeyDictionary()
"""Table by compiled statement, which SQLAlchemy keeps and reuses: to ask its tree costs up to 1 ms."""


class SQLAlchemyEvents:
    """Makes the database events. `translate` is this library's translator of ended spans."""

    def __init__(self, runtime: Runtime) -> None:
        self._sink = runtime.sink
        self._ledger = runtime.ledger

    def install(self) -> None:
        """Listens to statements of every engine, present and future, sync and async."""
        db_connects.install(self._ledger)
        db_listeners.install(self._ledger, describe_statement, describe_failed_statement)

    def translate(self, span: ReadableSpan, attributes: Attributes) -> bool:
        """Emits the event of a statement or of a connection that failed; drops connections that did not."""
        if span.name == "connect":
            if span.status.status_code is not StatusCode.ERROR:
                return False
            attributes.update(self._connection_error(span, attributes))
            return True
        if attributes.get(_CONNECTION_LOST):
            self._connection_error(span, attributes)
        attributes.update(self._operation(span, attributes))
        return True

    def _connection_error(self, span: ReadableSpan, attributes: Attributes) -> Attributes:
        database = _database(attributes)
        fields = {"database": database, "duration_ms": duration_ms(span), **_error(span)}
        self._emit("database_connection_error", "ERROR", f"no connection to {database}", fields, span)
        return {"event_type": "database_connection_error", **fields}

    def _operation(self, span: ReadableSpan, attributes: Attributes) -> Attributes:
        operation = operation_of(
            str(attributes.get("db.query.text") or attributes.get("db.statement") or span.name)
        )
        table = str(attributes.get("db.collection.name", ""))
        fields: dict[str, Any] = {
            "operation": operation,
            "duration_ms": duration_ms(span),
            "database": _database(attributes),
        }
        if table:
            fields["table"] = table
        if (rows := attributes.get("rows_affected")) is not None:
            fields["rows_affected"] = rows
        failed = span.status.status_code is StatusCode.ERROR
        if failed:
            fields.update(_error(span))
        level = "ERROR" if failed else "INFO"
        self._emit("database_operation", level, f"{operation} {table}".rstrip(), fields, span)
        return {"event_type": "database_operation", "db.operation.name": operation, **fields}

    def _emit(
        self, event_type: str, level: Any, message: str, fields: dict[str, Any], span: ReadableSpan
    ) -> None:
        self._sink.emit(
            automatic(event_type, level, message, dict(fields), span.context, living_request(), span.end_time)
        )


def describe_statement(execution: Any, cursor: Any, statement: str) -> None:
    """Puts table and rows on contrib's span while it is open."""
    span = getattr(execution, "_otel_span", None)
    if span is not None and span.is_recording():
        _describe(span, execution, cursor, statement)


def _describe(span: Any, execution: Any, cursor: Any, statement: str) -> None:
    """Puts on the span what is known; `cursor` is None where the statement failed."""
    found: Attributes = {}
    if table := table_of(getattr(execution, "compiled", None), statement):
        found["db.collection.name"] = table
    if (rows := rows_of(cursor)) is not None:
        found["rows_affected"] = rows
    if found:
        span.set_attributes(found)


def rows_of(cursor: Any) -> int | None:
    """Rows that a statement has changed, None where the driver does not say (contract 2)."""
    rows = getattr(cursor, "rowcount", -1)
    # -1 and MySQL's 2**64 - 1 mean unknown; so does 0 beside rows that sqlite3 has yet to produce.
    if not isinstance(rows, int) or not 0 <= rows < _MOST_ROWS:
        return None
    return None if rows == 0 and getattr(cursor, "description", None) else rows


def describe_failed_statement(error: Any) -> None:
    """Says on contrib's span what failed, and ends it; contrib would copy the driver's text as it is."""
    execution = error.execution_context
    span = getattr(execution, "_otel_span", None)
    if span is None:
        return
    if span.is_recording():
        _describe(span, execution, None, str(error.statement))
        _fail(span, error)
    # Contrib's listener comes next and would end it again; it has ended before where only the rows failed.
    execution._otel_span = None


def _fail(span: Any, error: Any) -> None:
    cause = error.original_exception
    span.set_attribute("error.type", type(cause).__name__)
    # SQLAlchemy calls a cancelled statement a disconnect too, because it drops the connection.
    if error.is_disconnect and isinstance(cause, Exception):
        span.set_attribute(_CONNECTION_LOST, True)
    span.set_status(Status(StatusCode.ERROR, without_values(str(cause))))
    span.end()


def without_values(message: str) -> str:
    """A driver's message without the values that it quotes: bound parameters leave no process.

    What follows the first line is details of the row (`Key (email)=(…) already exists`) or the statement.
    """
    first, _, _ = message.partition("\n")
    return _QUOTED_INPUT.sub(": ?", placeholders(first))


def table_of(compiled: Any, statement: str) -> str:
    """The table of a statement: from SQLAlchemy's own tree, else the first one named in the text."""
    if compiled is None:
        return _table_in_text(statement)
    table = _tables.get(compiled)
    if table is None:
        tree = getattr(compiled, "statement", None)
        table = _tables[compiled] = _table_in_tree(tree) or _table_in_text(statement)
    return table


def _table_in_tree(node: Any) -> str:
    """The first table that a statement reaches, through joins, aliases, subqueries and unions."""
    for _ in range(_LEVELS):
        if isinstance(node, TableClause):
            return str(node.name)
        node = _next_in_tree(node)
    return ""


def _next_in_tree(node: Any) -> Any:
    for step in ("table", "left", "element"):
        if (further := getattr(node, step, None)) is not None:
            return further
    if hasattr(node, "get_final_froms"):
        return next(iter(node.get_final_froms()), None)
    return next(iter(getattr(node, "selects", ())), None)


def _table_in_text(statement: str) -> str:
    # A quoted literal may read like a clause, and its words are nobody's business.
    text = placeholders(statement) if "'" in statement else statement
    match = _TABLE_IN_TEXT.search(_BEFORE_THE_VERB.sub("", text))
    return match.group(1) if match else ""


def operation_of(statement: str) -> str:
    """The verb of a statement in upper case; contrib's own name holds the database as well."""
    return _known_operation(statement) if len(statement) <= _REMEMBERED_LENGTH else _operation(statement)


def _operation(statement: str) -> str:
    text = _BEFORE_THE_VERB.sub("", statement)
    word = (re.match(r"\w{0,32}", text) or [""])[0].upper()
    return _verb_after_ctes(text) if word == "WITH" else word or "UNKNOWN"


_known_operation = functools.lru_cache(maxsize=512)(_operation)


def _verb_after_ctes(text: str) -> str:
    """What a statement that begins with `WITH` does in the end: its verb outside all parentheses."""
    for _ in range(_LEVELS):
        shorter = _INNERMOST_PARENTHESES.sub("", text)
        if shorter == text:
            break
        text = shorter
    verb = _VERB.search(text)
    return verb.group().upper() if verb else "WITH"


def _database(attributes: Attributes) -> str:
    name = attributes.get("db.namespace") or attributes.get("db.name")
    return str(name or attributes.get("db.system.name") or attributes.get("db.system") or "unknown")


def _error(span: ReadableSpan) -> dict[str, Any]:
    kind = str((span.attributes or {}).get("error.type", "error"))
    message = span.status.description or ""
    for event in span.events or ():
        if event.name == "exception" and event.attributes:
            kind = str(event.attributes.get("exception.type", kind))
            message = str(event.attributes.get("exception.message", message))
    return {"error_type": kind.rpartition(".")[2], "error_message": message}
