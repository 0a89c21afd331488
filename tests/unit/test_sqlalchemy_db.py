"""What is read out of a statement: its verb, its table, its rows, and a driver's message without values."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, aliased

from tradewise_otel.instrument import sqlalchemy_db
from tradewise_otel.instrument.sqlalchemy_db import operation_of, rows_of, table_of, without_values


class Base(DeclarativeBase):
    """ORM tables of this module."""


class User(Base):
    """A mapped class."""

    __tablename__ = "users"
    id = sa.Column(sa.Integer, primary_key=True)


class Bot(Base):
    """A class that refers to another."""

    __tablename__ = "bots"
    id = sa.Column(sa.Integer, primary_key=True)
    owner = sa.Column(sa.ForeignKey("users.id"))


USERS, BOTS = User.__table__, Bot.__table__
YOUNG = sa.select(USERS.c.id).where(USERS.c.id > 1)

TREES: list[tuple[Any, str]] = [
    (sa.select(USERS), "users"),
    (sa.select(User), "users"),
    (sa.select(User.id).join(Bot, Bot.owner == User.id), "users"),
    (sa.select(USERS.join(BOTS)), "users"),
    (sa.select(USERS.alias("u")), "users"),
    (sa.select(aliased(User)), "users"),
    (sa.select(YOUNG.subquery()), "users"),
    (sa.select(YOUNG.cte("young")), "users"),
    (sa.union(YOUNG, sa.select(BOTS.c.id)), "users"),
    (sa.insert(USERS), "users"),
    (sa.insert(BOTS).from_select(["id"], YOUNG), "bots"),
    (sa.update(User).values(id=2), "users"),
    (sa.delete(USERS), "users"),
    (sa.schema.CreateTable(USERS), "users"),
    (sa.schema.CreateIndex(sa.Index("ix", USERS.c.id)), "users"),
    (sa.select(sa.literal(1)), ""),
    (sa.text("delete from users"), "users"),
]

TEXTS = [
    ("SELECT * FROM users WHERE id = 1", "SELECT", "users"),
    ("  insert into app.users (id) values (1)", "INSERT", "app.users"),
    ('UPDATE "users" SET id = 1', "UPDATE", "users"),
    ("UPDATE `users` SET id = 1", "UPDATE", "users"),
    ("/* a */ -- from nowhere\n delete from [users]", "DELETE", "users"),
    ("(SELECT id FROM users) UNION (SELECT 1)", "SELECT", "users"),
    ("CREATE TABLE IF NOT EXISTS users (id int)", "CREATE", "users"),
    ("CREATE UNIQUE INDEX ix ON users (id)", "CREATE", "users"),
    ("DROP TABLE IF EXISTS users", "DROP", "users"),
    ("WITH a AS (SELECT 1), b AS (SELECT (2)) INSERT INTO users SELECT * FROM a", "INSERT", "users"),
    ("WITH", "WITH", ""),
    ("SELECT 'from hunter2'", "SELECT", ""),
    ("SELECT 'it''s from hunter2' FROM users", "SELECT", "users"),
    ("PRAGMA foreign_keys=ON", "PRAGMA", ""),
    ("SAVEPOINT sa_savepoint_1", "SAVEPOINT", ""),
    ("{call refresh()}", "UNKNOWN", ""),
    ("-- only a comment", "UNKNOWN", ""),
    ("", "UNKNOWN", ""),
    ("x" * 99, "X" * 32, ""),
]


@pytest.mark.parametrize(("tree", "table"), TREES, ids=lambda value: " ".join(str(value).split())[:40])
def test_the_table_comes_from_the_tree(tree: Any, table: str) -> None:
    """A statement of SQLAlchemy's own names the first table that it reaches, not an alias made up for it."""
    compiled = tree.compile()
    assert table_of(compiled, str(compiled)) == table


@pytest.mark.parametrize(("statement", "operation", "table"), TEXTS)
def test_verb_and_table_come_from_the_text(statement: str, operation: str, table: str) -> None:
    """SQL that comes as text gives its verb in upper case and the first table it names, never a literal."""
    assert (operation_of(statement), table_of(None, statement)) == (operation, table)


def test_a_tree_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiled statement is looked through once, since SQLAlchemy reuses it and the look is costly."""
    looked: list[object] = []
    monkeypatch.setattr(sqlalchemy_db, "_table_in_tree", lambda tree: looked.append(tree) or "users")
    compiled = sa.select(USERS).compile()
    assert [table_of(compiled, "") for _ in range(3)] == ["users"] * 3
    assert len(looked) == 1


@pytest.mark.parametrize(
    ("rowcount", "description", "rows"),
    [
        (3, None, 3),
        (0, None, 0),
        (-1, None, None),
        (0, [("id",)], None),
        (2, [("id",)], 2),
        (2**64 - 1, None, None),
        (None, None, None),
        ("3", None, None),
    ],
)
def test_rows_are_told_only_where_the_driver_knows(rowcount: Any, description: Any, rows: int | None) -> None:
    """A count is taken as it is; -1, an unsigned -1, and 0 before rows are fetched count as unknown."""
    assert rows_of(SimpleNamespace(rowcount=rowcount, description=description)) == rows


@pytest.mark.parametrize(
    ("message", "clean"),
    [
        ("no such table: users", "no such table: users"),
        ("UNIQUE constraint failed: users.email", "UNIQUE constraint failed: users.email"),
        ("Duplicate entry 'a@b.io' for key 'email'", "Duplicate entry ? for key ?"),
        ('invalid input syntax for type integer: "hunter2"', "invalid input syntax for type integer: ?"),
        ("relation \"users\" does not exist\nLINE 1: select 'x'", 'relation "users" does not exist'),
        (
            'duplicate key violates "users_email"\nDETAIL:  Key (email)=(a@b.io) already exists.',
            'duplicate key violates "users_email"',
        ),
        ("", ""),
    ],
)
def test_a_message_keeps_names_and_loses_values(message: str, clean: str) -> None:
    """What a driver says of an error stays, without the values of the statement that it quotes."""
    assert without_values(message) == clean


def test_a_cancelled_statement_counts_no_lost_connection() -> None:
    """A cancelled statement ends as an error of its own, not as a lost connection."""
    seen: dict[str, Any] = {}
    span = SimpleNamespace(
        is_recording=lambda: True,
        set_attributes=seen.update,
        set_attribute=seen.__setitem__,
        set_status=lambda status: seen.update(status=status.is_ok),
        end=lambda: seen.update(ended=True),
    )
    execution = SimpleNamespace(_otel_span=span, compiled=None)
    error = SimpleNamespace(
        execution_context=execution,
        statement="select 1",
        original_exception=KeyboardInterrupt(),
        is_disconnect=True,
    )
    sqlalchemy_db.describe_failed_statement(error)
    assert seen == {"error.type": "KeyboardInterrupt", "status": False, "ended": True}
    assert execution._otel_span is None
