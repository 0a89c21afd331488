"""What every store answers, whichever it is, and over a restart."""

from __future__ import annotations

import sqlite3
import time
import uuid
from pathlib import Path

import pytest

from tradewise_otel.state.opening import open_store
from tradewise_otel.state.store import (
    DAY_NS,
    BotSeen,
    Check,
    Claim,
    Count,
    Day,
    Done,
    Figures,
    HandedIn,
    Health,
    Number,
    Numbered,
    Step,
    Store,
    Tidy,
    UserSeen,
)

NOW = 20_000 * DAY_NS
SECOND = 10**9


@pytest.fixture
def service() -> str:
    """A service of its own."""
    return f"shop-{uuid.uuid4().hex[:6]}"


@pytest.fixture
def store(url: str, service: str) -> Store:
    """A store that nobody has used."""
    return open_store(url, service, "one")


def test_steps_are_numbered_by_time_whoever_asks_first(url: str, service: str, store: Store) -> None:
    """Two workers' steps of a session share one sequence, each worker learns of its own, and only once."""
    other = open_store(url, service, "other")
    handed_in = [Step(1, "s", "second", NOW + 2_000_000), Step(2, "s", "third", NOW + 3_000_000)]
    assert store.apply(handed_in) == [None, None]
    answers = other.apply([Step(1, "s", "first", NOW), Step(2, "t", "alone", NOW + 1), Number(NOW + SECOND)])
    assert answers[2] == [Numbered(1, 1, None, None), Numbered(2, 1, None, None)]
    assert store.apply([Number(NOW)]) == [[Numbered(1, 2, "first", 2.0), Numbered(2, 3, "second", 1.0)]]
    assert store.apply([Number(NOW + SECOND)]) == other.apply([Number(NOW + SECOND)]) == [[]]


def test_steps_are_not_numbered_before_their_time_and_late_ones_follow(store: Store) -> None:
    """A step after the time asked for waits; one that is handed in too late gets the next number."""
    store.apply([Step(1, "s", "a", NOW + SECOND), Step(2, "s", "b", NOW)])
    assert store.apply([Number(NOW)]) == [[Numbered(2, 1, None, None)]]
    assert store.apply([Number(NOW + SECOND)]) == [[Numbered(1, 2, "b", 1000.0)]]
    store.apply([Step(3, "s", "late", NOW + 1)])
    assert store.apply([Number(NOW + SECOND)]) == [[Numbered(3, 3, "a", 0.0)]]


def test_a_worker_that_is_held_up_is_waited_for_and_a_dead_one_is_not(
    url: str, service: str, store: Store
) -> None:
    """What happened after the last word of a worker with steps under way is not numbered, unless the worker
    has nothing left, was not heard of for long, or the asker has no time.
    """
    other = open_store(url, service, "other")
    other.apply([HandedIn(NOW, NOW)])
    handed_in = [Step(n, "s", "a", NOW + n * SECOND // 2) for n in range(8)]
    now = handed_in[1].at_ns
    answers = store.apply([*handed_in, HandedIn(NOW + 9 * SECOND, now), Number(now)])
    assert [step.token for step in answers[-1]] == [0]
    other.apply([HandedIn(now, now)])
    assert [step.token for step in store.apply([Number(now)])[0]] == [1]
    assert store.apply([Number(handed_in[2].at_ns)]) == [[]]
    assert [step.token for step in store.apply([Number(handed_in[2].at_ns, False)])[0]] == [2]
    assert [step.token for step in store.apply([HandedIn(None, now), Number(now + 3 * SECOND)])[1]] == [
        3,
        4,
        5,
        6,
        7,
    ]
    store.apply([Step(9, "s", "a", NOW + 9 * SECOND)])
    other.apply([HandedIn(NOW, NOW + 9 * SECOND)])
    assert store.apply([Number(NOW + 9 * SECOND)]) == [[]]
    other.apply([HandedIn(None, NOW + 9 * SECOND)])
    assert [step.token for step in store.apply([Number(NOW + 9 * SECOND)])[0]] == [9]


def test_a_step_that_is_handed_in_twice_counts_once(store: Store) -> None:
    """The same token again is the same step."""
    step = Step(1, "s", "a", NOW)
    assert store.apply([step, step, Number(NOW)])[2] == [Numbered(1, 1, None, None)]


def test_the_health_of_a_bot_is_kept_over_restarts(url: str, service: str, store: Store) -> None:
    """Failures in a row and the last good check live on in the next process; a new status is told as one."""
    checks = [
        Check("b", "healthy", True, NOW),
        Check("b", "unhealthy", False, NOW + 1),
        Check("b", "unhealthy", False, NOW + 2),
    ]
    assert store.apply(checks) == [
        Health(0, NOW, False),
        Health(1, NOW, True),
        Health(2, NOW, False),
    ]
    store.close()
    again = open_store(url, service, "other")
    assert again.apply([Check("b", "unhealthy", False, NOW + 3), Check("b", "degraded", True, NOW + 4)]) == [
        Health(3, NOW, False),
        Health(0, NOW + 4, True),
    ]
    assert again.apply([Check("c", "unhealthy", False, NOW)]) == [Health(1, None, False)]


def test_a_bot_that_was_only_used_has_no_status_to_change(store: Store) -> None:
    """Being seen is no check: the first check after it changes nothing."""
    assert store.apply([BotSeen(20_000, "b", None), Check("b", "healthy", True, NOW)])[1].changed is False


def test_the_figures_of_a_day(store: Store) -> None:
    """Users are active once a day and new on their first, whatever the order; bots are shared by two."""
    store.apply(
        [
            UserSeen(20_001, "old"),
            UserSeen(20_000, "old"),
            UserSeen(20_001, "new"),
            UserSeen(20_001, "new"),
            BotSeen(20_001, "shared", "old"),
            BotSeen(20_001, "shared", "new"),
            BotSeen(20_001, "own", "new"),
            BotSeen(20_000, "resting", None),
        ]
    )
    assert store.apply([Day(20_000), Day(20_001), Day(20_002)]) == [
        Figures(1, 1, 3, 1, 0, 1.5),
        Figures(2, 1, 3, 2, 1, 1.5),
        Figures(0, 0, 3, 0, 0, 1.5),
    ]


def test_one_of_all_who_claim_gets_it(url: str, service: str, store: Store) -> None:
    """A claim is granted once, again when its time is over, and never once the work is done."""
    other = open_store(url, service, "other")
    assert store.apply([Claim("kpis", NOW, NOW + SECOND // 5)]) == [True]
    assert other.apply([Claim("kpis", NOW, NOW + SECOND)]) == [False]
    later = NOW + SECOND
    _wait_for_redis()
    assert other.apply([Claim("kpis", later, later + SECOND), Done("kpis", later)]) == [True, None]
    _wait_for_redis()
    assert store.apply([Claim("kpis", later + 5 * SECOND, later + 6 * SECOND)]) == [False]


def test_a_window_begins_with_the_first_call_and_ends(store: Store) -> None:
    """Counts add up within a window, apart for each subject and rule; after its end they begin anew."""
    assert store.apply([Count("r", "a", 3, NOW, 0.2), Count("r", "b", 1, NOW, 0.2)]) == [3, 1]
    assert store.apply([Count("r", "a", 2, NOW + 1, 0.2), Count("q", "a", 1, NOW, 0.2)]) == [5, 1]
    _wait_for_redis()
    assert store.apply([Count("r", "a", 1, NOW + SECOND, 0.2)]) == [1]


def test_what_is_old_is_forgotten(url: str, store: Store) -> None:
    """Windows that are over, sessions at rest, bots that nobody sees and days long gone leave the store."""
    store.apply(
        [
            Count("r", "a", 1, NOW, 0.2),
            Step(1, "s", "a", NOW),
            Number(NOW),
            UserSeen(20_000, "u"),
            BotSeen(20_000, "b", "u"),
            Claim("kpis", NOW, NOW + 1),
        ]
    )
    later = NOW + 100 * DAY_NS
    store.apply([Tidy(later), Tidy(later)])
    assert store.apply([Day(20_000)])[0][2:] == (0, 1 if url.startswith("redis") else 0, 0, 0.0)
    if url.startswith("sqlite"):
        # Redis does it by its own clock.
        with sqlite3.connect(url.removeprefix("sqlite://")) as connection:
            for table in (
                "window_count",
                "journey",
                "step",
                "daily_user",
                "daily_bot",
                "bot_health",
                "lease",
            ):
                assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_every_key_of_redis_is_the_services_and_what_is_short_lived_expires(
    redis_url: str, service: str
) -> None:
    """All keys begin with tw:1 and the service's name; all but the users ever known and the bots expire."""
    import redis

    store = open_store(redis_url, service, "other")
    store.apply(
        [Step(1, "s", "a", NOW), Number(NOW), Check("b", "healthy", True, NOW), Count("r", "a", 1, NOW, 9)]
    )
    store.apply([UserSeen(1, "u"), BotSeen(1, "b", "u"), Claim("k", NOW, NOW + SECOND), Day(1), Tidy(NOW)])
    client = redis.Redis.from_url(redis_url, decode_responses=True)
    keys = set(client.scan_iter(f"*{service}*"))
    assert {key.partition("}")[0] for key in keys} == {f"tw:1:{{{service}"}
    lasting = {key.partition("}:")[2] for key in keys if client.ttl(key) == -1}
    assert lasting <= {"known_users", "bots", "bot_users", "steps"}
    assert len(keys) >= 7


def test_a_file_is_its_owners_only(tmp_path: Path) -> None:
    """The file and its folder, which it makes, are not for others."""
    path = tmp_path / "new" / "state.db"
    open_store(f"sqlite://{path}", "shop", "other")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_transaction_is_done_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    """When one operation fails, none of its batch has happened."""
    store = open_store(f"sqlite://{tmp_path / 'state.db'}", "shop", "other")
    with pytest.raises(KeyError):
        store.apply([UserSeen(1, "u"), "no operation"])
    assert store.apply([Day(1)])[0].users == 0


def _wait_for_redis() -> None:
    """Its windows and leases end by its own clock."""
    time.sleep(0.25)
