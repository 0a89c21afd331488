"""SQLAlchemy 2.0 and 2.1: `database_operation`, `database_connection_error` and their metrics.

contrib makes the spans and offers no hook. Rows and table come from SQLAlchemy's own public events, heard
on the `Engine` class, where they fire while contrib's span is still open.
"""

from __future__ import annotations

import re
from typing import Any

from opentelemetry.instrumentation import sqlalchemy as contrib
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from tradewise_otel.instrument.runtime import Runtime
from tradewise_otel.pipeline.aggregate import Labels
from tradewise_otel.pipeline.processors import Attributes
from tradewise_otel.record.build import automatic, living_request

SCOPE_NAME = contrib.__name__
_CONNECTION_LOST = "db.connection.lost"

_TABLE_IN_TEXT = re.compile(
    r"\b(?:from|into|update|join|table)\s+(?:if\s+(?:not\s+)?exists\s+)?[\"`\[]?([\w.]+)", re.I
)
_LEADING_COMMENT = re.compile(r"^\s*(?:/\*.*?\*/|--[^\n]*\n)\s*", re.S)


class SQLAlchemyEvents:
    """Makes the database events. `translate` is this library's translator of ended spans."""

    def __init__(self, runtime: Runtime) -> None:
        self._sink = runtime.sink
        self._aggregate = runtime.aggregate
        self._ledger = runtime.ledger

    def install(self) -> None:
        """Listens to statements of every engine, present and future, sync and async."""
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        describe = self._ledger.shielded("describe statement", describe_statement, None)
        describe_failure = self._ledger.shielded("describe failure", describe_failed_statement, None)

        def after(
            conn: Any, cursor: Any, statement: Any, parameters: Any, execution: Any, many: bool
        ) -> None:
            describe(execution, cursor, str(statement))

        event.listen(Engine, "after_cursor_execute", after)
        event.listen(Engine, "handle_error", describe_failure)

    def translate(self, span: ReadableSpan) -> Attributes | None:
        """Emits the event of a statement or of a connection that failed; drops connections that did not."""
        if span.name == "connect":
            return self._connection_error(span) if span.status.status_code is StatusCode.ERROR else None
        if (span.attributes or {}).get(_CONNECTION_LOST):
            self._connection_error(span)
        return self._operation(span)

    def _connection_error(self, span: ReadableSpan) -> Attributes:
        fields = {"database": _database(span), "duration_ms": _ms(span), **_error(span)}
        self._aggregate.add("db.connection.errors", (("database", fields["database"]),))
        self._emit(
            "database_connection_error", "ERROR", f"no connection to {fields['database']}", fields, span
        )
        return {"event_type": "database_connection_error", **fields}

    def _operation(self, span: ReadableSpan) -> Attributes:
        attributes = span.attributes or {}
        operation = operation_of(
            str(attributes.get("db.query.text") or attributes.get("db.statement") or span.name)
        )
        table = str(attributes.get("db.collection.name", ""))
        fields: dict[str, Any] = {
            "operation": operation,
            "duration_ms": _ms(span),
            "database": _database(span),
        }
        if table:
            fields["table"] = table
        if (rows := attributes.get("rows_affected")) is not None:
            fields["rows_affected"] = rows
        failed = span.status.status_code is StatusCode.ERROR
        if failed:
            fields.update(_error(span))
        self._measure(fields)
        level = "ERROR" if failed else "INFO"
        self._emit("database_operation", level, f"{operation} {table}".rstrip(), fields, span)
        return {"event_type": "database_operation", "db.operation.name": operation, **fields}

    def _measure(self, fields: dict[str, Any]) -> None:
        table = fields.get("table", "")
        labels: Labels = (("operation", fields["operation"]), ("table", table))
        twin: Labels = (("db.operation.name", fields["operation"]), ("db.collection.name", table))
        self._aggregate.record("db.operations.duration", labels, fields["duration_ms"])
        self._aggregate.record("db.client.operation.duration", twin, fields["duration_ms"] / 1000)

    def _emit(
        self, event_type: str, level: Any, message: str, fields: dict[str, Any], span: ReadableSpan
    ) -> None:
        self._sink.emit(
            automatic(event_type, level, message, dict(fields), span.context, living_request(), span.end_time)
        )


def describe_statement(execution: Any, cursor: Any, statement: str) -> None:
    """Puts table and rows on contrib's span while it is open."""
    span = getattr(execution, "_otel_span", None)
    if span is None or not span.is_recording():
        return
    found: Attributes = {}
    if table := table_of(getattr(execution, "compiled", None), statement):
        found["db.collection.name"] = table
    rows = getattr(cursor, "rowcount", -1)
    if isinstance(rows, int) and rows >= 0:
        # -1 is the driver's way of not saying (contract 2).
        found["rows_affected"] = rows
    if found:
        span.set_attributes(found)


def describe_failed_statement(error: Any) -> None:
    """Puts what failed on contrib's span, which keeps only the text of the driver's error."""
    execution = error.execution_context
    describe_statement(execution, None, str(error.statement))
    span = getattr(execution, "_otel_span", None)
    if span is not None and span.is_recording():
        span.set_attribute("error.type", type(error.original_exception).__name__)
        if error.is_disconnect:
            span.set_attribute(_CONNECTION_LOST, True)


def table_of(compiled: Any, statement: str) -> str:
    """The table of a statement: from SQLAlchemy's own tree, else the first one named in the text."""
    tree: Any = getattr(compiled, "statement", None)
    table = getattr(tree, "table", None)
    if table is None and hasattr(tree, "get_final_froms"):
        froms = tree.get_final_froms()
        table = froms[0] if froms else None
    while table is not None and getattr(table, "left", None) is not None:
        table = table.left
    name = getattr(table, "name", None)
    if isinstance(name, str):
        return name
    match = _TABLE_IN_TEXT.search(statement)
    return match.group(1) if match else ""


def operation_of(statement: str) -> str:
    """First word of a statement in upper case; contrib's own name holds the database as well."""
    words = _LEADING_COMMENT.sub("", statement).split(None, 1)
    word = re.sub(r"\W.*", "", words[0]).upper() if words else ""
    return word[:32] or "UNKNOWN"


def _database(span: ReadableSpan) -> str:
    attributes = span.attributes or {}
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


def _ms(span: ReadableSpan) -> float:
    return round(((span.end_time or 0) - (span.start_time or 0)) / 1e6, 3)
