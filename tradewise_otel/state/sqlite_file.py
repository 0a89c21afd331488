"""The file behind the store in SQLite: how it is opened, what is in it, and of which version."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from tradewise_otel.state.store import VERSION

MEMORY = ":memory:"
MEMORY_PAGES = 4096
"""What a store in memory may take, in pages of 4 KiB; past it, it is full."""

BUSY_SECONDS = 2.0
"""How long one worker waits for the transaction of another."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS journey(
    session TEXT PRIMARY KEY, sequence INTEGER, step TEXT, at_ns INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS step(
    id INTEGER PRIMARY KEY, owner TEXT, token INTEGER, session TEXT, step TEXT, at_ns INTEGER,
    sequence INTEGER, previous TEXT, before_ns INTEGER, UNIQUE(owner, token));
CREATE TABLE IF NOT EXISTS worker(
    owner TEXT PRIMARY KEY, until_ns INTEGER, heard_ns INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bot_health(
    bot TEXT PRIMARY KEY, status TEXT, failures INTEGER NOT NULL DEFAULT 0, answered_ns INTEGER,
    day INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bot_user(bot TEXT, user TEXT, PRIMARY KEY(bot, user)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS daily_bot(day INTEGER, bot TEXT, PRIMARY KEY(day, bot)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS daily_user(day INTEGER, user TEXT, PRIMARY KEY(day, user)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS known_user(user TEXT PRIMARY KEY, day INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS known_user_day ON known_user(day);
CREATE TABLE IF NOT EXISTS window_count(
    rule TEXT, subject TEXT, ends_ns INTEGER, count INTEGER, PRIMARY KEY(rule, subject)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS window_count_ends ON window_count(ends_ns);
CREATE TABLE IF NOT EXISTS lease(name TEXT PRIMARY KEY, until_ns INTEGER NOT NULL) WITHOUT ROWID;
"""


def connect(path: str) -> sqlite3.Connection:
    """A connection that begins its transactions itself; a new file is its owner's only.

    Raises:
        sqlite3.Error, OSError: it cannot be opened, or is no database.
    """
    if path != MEMORY:
        _make_private(Path(path))
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    if path == MEMORY:
        connection.execute(f"PRAGMA max_page_count = {MEMORY_PAGES}")
    else:
        _use_wal(connection)
        # A crash of the process loses nothing by it; one of the machine the last moments.
        connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def prepare(connection: sqlite3.Connection) -> int:
    """Makes the tables of a new file, within the caller's transaction; the version that it now has."""
    made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone()
    if made is None:
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO meta(version) VALUES (?)", (VERSION,))
    return int(connection.execute("SELECT max(version) FROM meta").fetchone()[0])


def _use_wal(connection: sqlite3.Connection) -> None:
    # Several workers may do this to a new file at once, and SQLite does not wait for its turn here.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _make_private(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
