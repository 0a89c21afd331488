"""The store in one SQLite file: shared by all workers of a service on a host, kept over restarts.

Operations of one kind are done together, by few statements with JSON in and JSON out: each lets go of the
interpreter, and in a busy worker gets it back milliseconds later, while all others wait for the file.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from tradewise_otel.state import store
from tradewise_otel.state.sqlite_file import connect, prepare

_TIDIED_AT_ONCE = 2000
_ORPHAN_NS = 60 * 10**9

_NUMBER = """
REPLACE INTO step(id, owner, token, session, step, at_ns, sequence, previous, before_ns)
SELECT new.id, new.owner, new.token, new.session, new.step, new.at_ns,
    COALESCE(journey.sequence, 0) + row_number() OVER places,
    COALESCE(lag(new.step) OVER places, journey.step),
    COALESCE(lag(new.at_ns) OVER places, journey.at_ns)
FROM step AS new LEFT JOIN journey ON journey.session = new.session
WHERE new.sequence IS NULL AND new.at_ns <= ?
WINDOW places AS (PARTITION BY new.session ORDER BY new.at_ns, new.id)
"""

# With one max() SQLite takes the other columns from the row that has it.
_GO_ON = """
REPLACE INTO journey(session, sequence, step, at_ns)
SELECT new.session, max(new.sequence), new.step, new.at_ns
FROM step AS new LEFT JOIN journey ON journey.session = new.session
WHERE new.sequence > COALESCE(journey.sequence, 0) GROUP BY new.session
"""

_MINE = """
SELECT json_group_array(json_array(token, sequence, previous, before_ns, at_ns))
FROM (SELECT * FROM step WHERE owner = ? AND sequence IS NOT NULL ORDER BY at_ns, id)
"""

_WINDOWS = """
SELECT json_group_array(json_array(rule, subject, ends_ns, count)) FROM json_each(?) AS asked
JOIN window_count ON rule = json_extract(asked.value, '$[0]') AND subject = json_extract(asked.value, '$[1]')
"""

_BOTS = """
SELECT json_group_array(json_array(bot, status, failures, answered_ns, day)) FROM bot_health
WHERE bot IN (SELECT value FROM json_each(?))
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

    Args:
        owner: tells the steps of this process from those of others.

    Raises:
        Unavailable: the file cannot be opened, or was written by a newer version.
    """

    def __init__(self, path: str, owner: str) -> None:
        self._owner = owner
        try:
            self._connection = connect(path)
        except (sqlite3.Error, OSError) as error:
            raise store.Unavailable(type(error).__name__) from error
        self._answers: dict[type, Callable[[list[Any]], list[Any]]] = {
            store.Step: self._hand_in,
            store.HandedIn: lambda told: [*map(self._handed_in, told)],
            store.Number: self._number,
            store.Check: self._check,
            store.Count: self._count,
            store.UserSeen: self._users,
            store.BotSeen: self._bots,
            store.Claim: lambda claims: [*map(self._claim, claims)],
            store.Done: lambda done: [*map(self._done, done)],
            store.Day: lambda days: [*map(self._day, days)],
            store.Tidy: lambda orders: [*map(self._tidy, orders)],
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
        answers: list[Any] = []
        try:
            with self._transaction():
                for kind, run in groupby(operations, type):
                    answers += self._answers[kind](list(run))
        except sqlite3.Error as error:
            raise store.Unavailable(type(error).__name__) from error
        return answers

    def close(self) -> None:
        """See `Store`."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
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

    def _rows(self, statement: str, *values: Any) -> list[list[Any]]:
        """The rows of a statement that answers with one JSON array of them."""
        rows: list[list[Any]] = json.loads(self._run(statement, *values).fetchone()[0])
        return rows

    def _write(self, into: str, rows: Sequence[Sequence[Any]], conflict: str = "") -> None:
        """All rows into a table by one statement."""
        columns = ", ".join(f"json_extract(value, '$[{number}]')" for number in range(len(rows[0])))
        self._run(f"{into} SELECT {columns} FROM json_each(?) WHERE true {conflict}", json.dumps(rows))

    def _hand_in(self, steps: list[store.Step]) -> list[None]:
        into = "INSERT OR IGNORE INTO step(owner, token, session, step, at_ns)"
        self._write(into, [(self._owner, *step) for step in steps])
        return [None] * len(steps)

    def _number(self, orders: list[store.Number]) -> list[list[store.Numbered]]:
        self._run(_NUMBER, self._all_handed_in(orders[-1]))
        self._run(_GO_ON)
        mine = self._rows(_MINE, self._owner)
        if mine:
            self._run("DELETE FROM step WHERE owner = ? AND sequence IS NOT NULL", self._owner)
        return [*([] for _ in orders[1:]), [store.numbered(*row) for row in mine]]

    def _all_handed_in(self, order: store.Number) -> int:
        """The time until which no worker has anything left to hand in."""
        if not order.patient:
            return order.until_ns
        living = "SELECT min(until_ns) FROM worker WHERE heard_ns > ?"
        (until,) = self._run(living, order.until_ns - store.PATIENCE_NS).fetchone()
        return order.until_ns if until is None else min(until, order.until_ns)

    def _handed_in(self, told: store.HandedIn) -> None:
        if told.until_ns is None:
            self._run("DELETE FROM worker WHERE owner = ?", self._owner)
        else:
            into = "REPLACE INTO worker(owner, until_ns, heard_ns) VALUES (?, ?, ?)"
            self._run(into, self._owner, *told)

    def _check(self, checks: list[store.Check]) -> list[store.Health]:
        rows = self._rows(_BOTS, json.dumps([check.bot for check in checks]))
        known = {row[0]: row for row in rows}
        answers = []
        for bot, status, answered, at_ns in checks:
            _, before, failures, last, day = known.get(bot, (bot, None, 0, None, 0))
            failures, last = (0, at_ns) if answered else (failures + 1, last)
            known[bot] = [bot, status, failures, last, max(day, at_ns // store.DAY_NS)]
            answers.append(store.Health(failures, last, before is not None and before != status))
        self._write("REPLACE INTO bot_health(bot, status, failures, answered_ns, day)", [*known.values()])
        return answers

    def _count(self, counts: list[store.Count]) -> list[int]:
        rows = self._rows(_WINDOWS, json.dumps([(more.rule, more.subject) for more in counts]))
        windows = {(rule, subject): (ends, total) for rule, subject, ends, total in rows}
        answers = []
        for rule, subject, times, at_ns, seconds in counts:
            ends, total = windows.get((rule, subject), (0, 0))
            if ends <= at_ns:
                ends, total = at_ns + int(seconds * 1e9), 0
            windows[rule, subject] = ends, total + times
            answers.append(total + times)
        into = "REPLACE INTO window_count(rule, subject, ends_ns, count)"
        self._write(into, [(*key, *window) for key, window in windows.items()])
        return answers

    def _users(self, seen: list[store.UserSeen]) -> list[None]:
        self._write("INSERT OR IGNORE INTO daily_user(day, user)", seen)
        earliest = "ON CONFLICT(user) DO UPDATE SET day = min(day, excluded.day)"
        self._write("INSERT INTO known_user(day, user)", seen, earliest)
        return [None] * len(seen)

    def _bots(self, seen: list[store.BotSeen]) -> list[None]:
        self._write("INSERT OR IGNORE INTO daily_bot(day, bot)", [(one.day, one.bot) for one in seen])
        latest = "ON CONFLICT(bot) DO UPDATE SET day = max(day, excluded.day)"
        self._write("INSERT INTO bot_health(day, bot)", [(one.day, one.bot) for one in seen], latest)
        if pairs := [(one.bot, one.user) for one in seen if one.user is not None]:
            self._write("INSERT OR IGNORE INTO bot_user(bot, user)", pairs)
        return [None] * len(seen)

    def _claim(self, claim: store.Claim) -> bool:
        held = self._run("SELECT until_ns FROM lease WHERE name = ?", claim.name).fetchone()
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
        self._forget("worker", "owner", "heard_ns <= ?", now - _ORPHAN_NS)
        # Of workers that are gone: nobody will ask for their numbers.
        self._forget("step", "id", "sequence IS NOT NULL AND at_ns <= ?", now - _ORPHAN_NS)

    def _forget(self, table: str, key: str, condition: str, value: int) -> None:
        # A part at a time: the other workers wait meanwhile.
        some = f"SELECT {key} FROM {table} WHERE {condition} LIMIT {_TIDIED_AT_ONCE}"
        self._run(f"DELETE FROM {table} WHERE ({key}) IN ({some})", value)
