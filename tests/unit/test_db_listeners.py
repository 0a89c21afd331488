"""Our listeners in contrib's SQLAlchemy instrumentation: the same spans as with contrib's own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy
from harness import told_spans
from opentelemetry.instrumentation.sqlalchemy import engine as contrib
from opentelemetry.metrics import NoOpMeter

from tradewise_otel.instrument import db_listeners
from tradewise_otel.pipeline.ledger import Ledger

REPLACED = ("_before_cur_exec", "_register_event_listener")
LISTENERS = ("_after_cur_exec", "_handle_error")


@pytest.fixture(autouse=True)
def contribs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test puts in contrib's place is taken back."""
    for name in REPLACED:
        monkeypatch.setattr(contrib.EngineTracer, name, contrib.EngineTracer.__dict__[name])
    for name in LISTENERS:
        monkeypatch.setattr(contrib, name, getattr(contrib, name))


def traced(url: str = "sqlite:///:memory:", **options: Any) -> tuple[sqlalchemy.Engine, told_spans.Ended]:
    """An engine with contrib's listeners, whichever they are now, and what becomes of its spans."""
    made, ended = told_spans.provider()
    engine = sqlalchemy.create_engine(url)
    contrib.EngineTracer(made.get_tracer("t"), engine, NoOpMeter("t").create_up_down_counter("u"), **options)
    return engine, ended


def spans_of(statements: list[str], **options: Any) -> list[dict[str, Any]]:
    """What the spans of some statements say; one that fails is one of them."""
    engine, ended = traced(**options)
    with engine.connect() as connection:
        for statement in statements:
            try:
                connection.execute(sqlalchemy.text(statement))
            except sqlalchemy.exc.OperationalError:
                continue
    return told_spans.told(ended)


def nothing(*_: object) -> None:
    """Has nothing to say."""


STATEMENTS = [
    *("select 1", "/* x */ select 2", "create table t (a int)", "insert into t values (1)"),
    *("select 1", "select * from missing", "-- only a comment", f"select '{'long' * 1000}'"),
]


@pytest.mark.parametrize(
    "options",
    [{}, {"url": "sqlite://"}, {"enable_commenter": True, "enable_attribute_commenter": True}],
    ids=str,
)
def test_statements_are_described_as_contrib_describes_them(options: dict[str, Any]) -> None:
    """Name, attributes, status and ids of a statement's span are what contrib makes of it."""
    theirs = spans_of(STATEMENTS, **options)
    db_listeners.install(Ledger(), nothing, nothing)
    ours = spans_of(STATEMENTS, **options)
    assert len(ours) == len(STATEMENTS)
    assert ours == theirs


@pytest.mark.parametrize("vendor", ["postgresql", "mysql", "mssql", "sqlite"])
@pytest.mark.parametrize("host", ["db.example", None])
def test_each_kind_of_database_is_described_as_by_contrib(vendor: str, host: str | None) -> None:
    """Host, port, database and user come from the URL or from the connection, as contrib has them."""
    url = sqlalchemy.engine.make_url(f"{vendor}://user:pw@{host or ''}{':5432' if host else ''}/shop")
    info = SimpleNamespace(dbname="from the connection", host="/run/postgresql", port=5433)
    cursor = SimpleNamespace(connection=SimpleNamespace(info=info, database="current"))
    conn = SimpleNamespace(engine=SimpleNamespace(url=url))

    def told() -> list[dict[str, Any]]:
        made, ended = told_spans.provider()
        engine = sqlalchemy.create_engine("sqlite://")
        listener = contrib.EngineTracer(made.get_tracer("t"), engine, None)
        listener.vendor = vendor
        context = SimpleNamespace()
        for port in (5433, 5434):
            info.port = port
            listener._before_cur_exec(conn, cursor, "select 1", {}, context, False)
            context._otel_span.end()
        return told_spans.told(ended)

    theirs = told()
    db_listeners.install(Ledger(), nothing, nothing)
    ours = told()
    assert len(ours) == 2
    assert ours == theirs


def test_our_words_come_before_contrib_ends_the_span() -> None:
    """Who is told of a statement, done or failed, finds its span open."""
    open_spans: list[bool] = []

    def executed(context: Any, cursor: Any, statement: str) -> None:
        open_spans.append(context._otel_span.is_recording())

    def failed(error: Any) -> None:
        open_spans.append(error.execution_context._otel_span.is_recording())

    db_listeners.install(Ledger(), executed, failed)
    spans_of(["select 1", "select * from missing"])
    assert open_spans == [True, True]


def test_nobody_listens_to_the_pool() -> None:
    """contrib's four listeners on a pool, which feed a metric that goes nowhere, are not registered."""
    before, _ = traced()
    db_listeners.install(Ledger(), nothing, nothing)
    after, _ = traced()
    for event in db_listeners.POOL:
        assert len(getattr(before.pool.dispatch, event)) == len(getattr(after.pool.dispatch, event)) + 1
