"""The store in one SQLite file: shared by all workers of a service on a host, kept over restarts."""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from tradewise_otel.state import store
from tradewise_otel.state.sqlite_file import connect, prepare

_TIDIED_AT_ONCE = 2000
_ORPHAN_NS = 60 * 10**9

_COUNT = """
INSERT INTO window_count(rule, subject, ends_ns, count) VALUES (?, ?, ?, ?)
ON CONFLICT(rule, subject) DO UPDATE SET
    count = CASE WHEN ? >= ends_ns THEN excluded.count ELSE count + excluded.count END,
    ends_ns = CASE WHEN ? >= ends_ns THEN excluded.ends_ns ELSE ends_ns END
"""

_CHECK = """
INSERT INTO bot_health(bot, status, failures, answered_ns, day) VALUES (?, ?, ?, ?, ?)
ON CONFLICT(bot) DO UPDATE SET
    status = excluded.status,
    failures = CASE WHEN excluded.failures THEN failures + 1 ELSE 0 END,
    answered_ns = COALESCE(excluded.answered_ns, answered_ns),
    day = max(day, excluded.day)
"""

_FIGURES = """
SELECT
    (SELECT count(*) FROM daily_user WHERE day = :day),
    (SELECT count(*) FROM known_user WHERE day = :day),
    (SELECT count(*) FROM bot_health),
    (SELECT count(*) FROM daily_bot WHERE day = :day),
    (SELECT count(*) FROM daily_bot AS seen WHERE day = :day
        AND (SELECT count(*) FROM bot_user WHERE bot_user.bot = seen.bot) > 1),
    (SELECT COALESCE(1.0 * count(*) / NULLIF(count(DISTINCT user), 0), 0.0) FROM bot_user)
"""


class SqliteStore:
    """A file, or memory of this process alone. Opens, and makes what is missing; used by one thread.

    Raises:
        Unavailable: the file cannot be opened, or was written by a newer version.
    """

    def __init__(self, path: str) -> None:
        self._owner = uuid.uuid4().hex
        try:
            self._connection = connect(path)
        except (sqlite3.Error, OSError) as error:
            raise store.Unavailable(type(error).__name__) from error
        self._answer: dict[type, Callable[[Any], Any]] = {
            store.Step: self._step,
            store.Number: self._number,
            store.Check: self._check,
            store.Count: self._count,
            store.UserSeen: self._user,
            store.BotSeen: self._bot,
            store.Claim: self._claim,
            store.Done: self._done,
            store.Day: self._day,
            store.Tidy: self._tidy,
        }
        self._prepare()

    def _prepare(self) -> None:
        try:
            with self._transaction():
                found = prepare(self._connection)
        except sqlite3.Error as error:
            self.close()
            raise store.Unavailable(type(error).__name__) from error
        if found > store.VERSION:
            self.close()
            raise store.Unavailable(f"it has version {found}, and only {store.VERSION} is known here")

    def apply(self, operations: Sequence[Any]) -> list[Any]:
        """See `Store`."""
        try:
            with self._transaction():
                return [self._answer[type(operation)](operation) for operation in operations]
        except sqlite3.Error as error:
            raise store.Unavailable(type(error).__name__) from error

    def close(self) -> None:
        """See `Store`."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    @contextlib.contextmanager
    def _transaction(self) -> Any:
        # At once a writer's: one that began as a reader could not wait for another writer.
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    def _run(self, statement: str, *values: Any) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)

    def _one(self, statement: str, *values: Any) -> Any:
        return self._run(statement, *values).fetchone()

    def _step(self, step: store.Step) -> None:
        self._run(
            "INSERT OR IGNORE INTO step(owner, token, session, step, at_ns) VALUES (?, ?, ?, ?, ?)",
            self._owner,
            *step,
        )

    def _number(self, order: store.Number) -> list[store.Numbered]:
        due = self._run(
            "SELECT id, session, step, at_ns FROM step WHERE sequence IS NULL AND at_ns <= ? "
            "ORDER BY at_ns, id",
            order.until_ns,
        ).fetchall()
        for number, session, step, at_ns in due:
            place = self._next(session, step, at_ns)
            self._run("UPDATE step SET sequence = ?, previous = ?, since_ms = ? WHERE id = ?", *place, number)
        mine = self._run(
            "SELECT token, sequence, previous, since_ms FROM step "
            "WHERE owner = ? AND sequence IS NOT NULL ORDER BY at_ns, id",
            self._owner,
        ).fetchall()
        self._run("DELETE FROM step WHERE owner = ? AND sequence IS NOT NULL", self._owner)
        return [store.Numbered(*row) for row in mine]

    def _next(self, session: str, step: str, at_ns: int) -> tuple[int, str | None, float | None]:
        before = self._one("SELECT sequence, step, at_ns FROM journey WHERE session = ?", session)
        sequence = before[0] + 1 if before else 1
        # One that comes late keeps its place, so time does not run backwards for the next.
        self._run(
            "REPLACE INTO journey(session, sequence, step, at_ns) VALUES (?, ?, ?, ?)",
            session,
            sequence,
            step,
            max(at_ns, before[2]) if before else at_ns,
        )
        if before is None:
            return sequence, None, None
        return sequence, before[1], store.milliseconds(before[2], at_ns)

    def _check(self, check: store.Check) -> store.Health:
        before = self._one("SELECT status FROM bot_health WHERE bot = ?", check.bot)
        day = check.at_ns // store.DAY_NS
        answered = check.at_ns if check.answered else None
        self._run(_CHECK, check.bot, check.status, int(not check.answered), answered, day)
        failures, last = self._one("SELECT failures, answered_ns FROM bot_health WHERE bot = ?", check.bot)
        known = before is not None and before[0] is not None
        return store.Health(failures, last, known and before[0] != check.status)

    def _count(self, more: store.Count) -> int:
        ends = more.at_ns + int(more.seconds * 1e9)
        self._run(_COUNT, more.rule, more.subject, ends, more.times, more.at_ns, more.at_ns)
        row = self._one(
            "SELECT count FROM window_count WHERE rule = ? AND subject = ?", more.rule, more.subject
        )
        return int(row[0])

    def _user(self, seen: store.UserSeen) -> None:
        self._run("INSERT OR IGNORE INTO daily_user(day, user) VALUES (?, ?)", *seen)
        self._run(
            "INSERT INTO known_user(user, day) VALUES (?, ?) "
            "ON CONFLICT(user) DO UPDATE SET day = min(day, excluded.day)",
            seen.user,
            seen.day,
        )

    def _bot(self, seen: store.BotSeen) -> None:
        self._run("INSERT OR IGNORE INTO daily_bot(day, bot) VALUES (?, ?)", seen.day, seen.bot)
        self._run(
            "INSERT INTO bot_health(bot, day) VALUES (?, ?) "
            "ON CONFLICT(bot) DO UPDATE SET day = max(day, excluded.day)",
            seen.bot,
            seen.day,
        )
        if seen.user is not None:
            self._run("INSERT OR IGNORE INTO bot_user(bot, user) VALUES (?, ?)", seen.bot, seen.user)

    def _claim(self, claim: store.Claim) -> bool:
        held = self._one("SELECT until_ns FROM lease WHERE name = ?", claim.name)
        if held is not None and held[0] > claim.now_ns:
            return False
        self._run("REPLACE INTO lease(name, until_ns) VALUES (?, ?)", claim.name, claim.until_ns)
        return True

    def _done(self, done: store.Done) -> None:
        until = done.now_ns + store.KEPT_DAYS * store.DAY_NS
        self._run("REPLACE INTO lease(name, until_ns) VALUES (?, ?)", done.name, until)

    def _day(self, asked: store.Day) -> store.Figures:
        return store.Figures(*self._connection.execute(_FIGURES, {"day": asked.day}).fetchone())

    def _tidy(self, order: store.Tidy) -> None:
        now, today = order.now_ns, order.now_ns // store.DAY_NS
        old, idle = today - store.KEPT_DAYS, today - store.KEPT_IDLE_DAYS
        self._forget("window_count", "rule, subject", "ends_ns <= ?", now)
        self._forget("journey", "session", "at_ns <= ?", now - store.SESSION_DAYS * store.DAY_NS)
        self._forget("daily_user", "day, user", "day < ?", old)
        self._forget("daily_bot", "day, bot", "day < ?", old)
        self._forget("bot_health", "bot", "day < ?", idle)
        self._forget("bot_user", "bot, user", "bot NOT IN (SELECT bot FROM bot_health) AND 0 <= ?", 0)
        self._forget("lease", "name", "until_ns <= ?", now)
        # Of workers that are gone: nobody will ask for their numbers.
        self._forget("step", "id", "sequence IS NOT NULL AND at_ns <= ?", now - _ORPHAN_NS)

    def _forget(self, table: str, key: str, condition: str, value: int) -> None:
        # A part at a time: the other workers wait meanwhile.
        some = f"SELECT {key} FROM {table} WHERE {condition} LIMIT {_TIDIED_AT_ONCE}"
        self._run(f"DELETE FROM {table} WHERE ({key}) IN ({some})", value)
