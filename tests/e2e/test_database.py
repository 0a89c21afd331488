"""SQLAlchemy under the launcher: one span and one event a statement, whatever engine and style (1.M2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from harness.database import DatabaseApp
from harness.holds import holds

FLAVOURS = ("sync", "async", "config")

Expected = list[tuple[str, "str | None", "int | None"]]

STATEMENTS: dict[str, Expected] = {
    "select": [("SELECT", "users", None)],
    "insert": [("INSERT", "users", 1)],
    "update": [("UPDATE", "users", 3)],
    "delete": [("DELETE", "users", 2)],
    "nothing": [("DELETE", "users", 0)],
    "text": [("SELECT", "users", None)],
    "comments": [("UPDATE", "users", 4)],
    "executemany": [("INSERT", "users", 3)],
    "returning": [("INSERT", "users", None)],
    "many_returning": [("INSERT", "users", None)],
    "join": [("SELECT", "users", None)],
    "alias": [("SELECT", "users", None)],
    "subquery": [("SELECT", "users", None)],
    "cte": [("SELECT", "users", None)],
    "no_table": [("SELECT", None, None)],
    "literal": [("SELECT", None, None)],
    "orm": [
        ("INSERT", "users", 1),
        ("SELECT", "users", None),
        ("UPDATE", "users", 1),
        ("DELETE", "users", 1),
    ],
    "ddl": [("CREATE", "made", None), ("CREATE", "made", None), ("DROP", "made", None)],
    "stream": [("SELECT", "users", None)],
    "rollback": [("SAVEPOINT", None, None), ("INSERT", "users", 1), ("ROLLBACK", None, None)],
}
"""Operation, table and rows of each statement of a scenario; rows None: the driver does not say."""

TOLD = ("operation", "table", "rows_affected", "database", "duration_ms")

SAID_BY_SOME = {"returning": 1, "many_returning": 3}
"""Rows that some drivers know before they are fetched; the others must not say 0."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseApp]:
    """One running app for the module."""
    with DatabaseApp(tmp_path_factory.mktemp("database")) as app:
        yield app


@dataclass
class Seen:
    """What every scenario gave, on every engine: request ids, and all spans by their id."""

    requests: dict[tuple[str, str], str]
    spans: dict[str, dict[str, Any]]

    def of(self, request_id: str) -> list[dict[str, Any]]:
        """The library's spans of a request."""
        spans = [span for span in self.spans.values() if span["scope"].endswith("sqlalchemy")]
        return [span for span in spans if span["attributes"].get("request_id") == request_id]


@pytest.fixture(scope="module")
def seen(database: DatabaseApp) -> Seen:
    """Runs every scenario on every engine, each on the same rows."""
    requests = {}
    for flavour in FLAVOURS:
        for name in STATEMENTS:
            database.reset(flavour)
            requests[flavour, name] = database.post(f"/run/{flavour}/{name}")
    database.spans(requests[flavour, name])
    return Seen(requests, {span["span_id"]: span for span in database.sink.spans})


def told(lines: list[dict[str, Any]]) -> Expected:
    """What the lines say of each statement."""
    return [(line["operation"], line.get("table"), line.get("rows_affected")) for line in lines]


@holds("1.M2")
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_each_statement_is_one_event_and_one_span(
    database: DatabaseApp, seen: Seen, flavour: str, name: str
) -> None:
    """Every statement gives one event with operation, table and rows, and one span that says the same."""
    request_id = seen.requests[flavour, name]
    lines = database.lines(request_id)
    assert told(lines) in (
        STATEMENTS[name],
        [(*said[:2], SAID_BY_SOME.get(name)) for said in STATEMENTS[name]],
    )
    assert sorted(s["span_id"] for s in seen.of(request_id)) == sorted(line["span_id"] for line in lines)
    for line in lines:
        span = seen.spans[line["span_id"]]
        assert seen.spans[span["parent_span_id"]]["parent_span_id"] == ""
        attributes = span["attributes"]
        assert {k: attributes.get(k) for k in TOLD} == {k: line.get(k) for k in TOLD}


@holds("1.M2")
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_documented_fields_stand_in_every_event(database: DatabaseApp, flavour: str) -> None:
    """An event names its database, its tenant once bound, a duration in ms, and is INFO without an error."""
    database.reset(flavour)
    request_id = database.post(f"/run/{flavour}/orm?tenant=acme")
    lines = database.lines(request_id)
    assert lines
    for line in lines:
        assert line["database"] == f"{flavour}.db"
        assert line["tenant_id"] == "acme"
        assert line["level"] == "INFO"
        assert 0 < line["duration_ms"] < 60_000
        assert not {"error_type", "error_message"} & set(line)


@holds("1.M2")
@pytest.mark.parametrize("flavour", ["async", "config"])
def test_an_async_session_is_told_statement_by_statement(database: DatabaseApp, flavour: str) -> None:
    """What an `AsyncSession` flushes, refreshes and streams is one event a statement, in that order."""
    database.reset(flavour)
    request_id = database.post(f"/session/{flavour}")
    assert [(op, table) for op, table, _ in told(database.lines(request_id))] == [
        ("INSERT", "users"),
        ("SELECT", "users"),
        ("SELECT", "users"),
    ]
    assert len(database.spans(request_id)) == 3


@holds("1.M2")
def test_threads_of_the_app_are_seen_too(database: DatabaseApp) -> None:
    """Statements in threads that the app starts itself give their events, without a request."""
    before = len(database.app.events("database_operation"))
    database.post("/threads")
    assert len(database.app.events("database_operation")) - before == 4


@holds("1.M2")
def test_checkouts_from_the_pool_are_no_spans(database: DatabaseApp) -> None:
    """Connections that come from the pool without a fault leave neither a span nor an event."""
    request_id = database.post("/checkouts")
    assert database.spans(request_id) == []
    assert [
        line for line in database.app.lines if line.get("request_id") == request_id and "database" in line
    ] == []
    assert not [span for span in database.sink.spans if span["name"] == "connect"]


@holds("1.M2")
def test_what_starts_ends_and_the_metric_counts_the_same(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Over all scenarios and engines spans started = ended = events + checkouts, and the metric agrees."""
    with DatabaseApp(tmp_path_factory.mktemp("counts")) as database:
        for flavour in FLAVOURS:
            for name in (*STATEMENTS, "integrity", "no_such_table"):
                database.reset(flavour)
                database.post(f"/run/{flavour}/{name}")
        database.post("/cancel")
        database.post("/fetch")
        counts = database.counts()
    assert sorted(counts["started"]) == sorted(counts["ended"])
    statements = [name for name in counts["started"] if name != "connect"]
    events = database.app.events("database_operation")
    assert len(events) == len(statements) == len({line["span_id"] for line in events})
    assert database.sink.total("db.operations.duration") == len(events)
    inserts = [e for e in events if (e["operation"], e.get("table")) == ("INSERT", "users")]
    assert database.sink.total("db.operations.duration", operation="INSERT", table="users") == len(inserts)
    assert {e["event_id"] for e in events} == {
        r["event_id"] for r in database.sink.events("database_operation")
    }
