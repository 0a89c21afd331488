"""A store that is not there, of a newer version, or lost on the way: the process remembers for itself."""

from __future__ import annotations

import sqlite3
import sys
import time
from pathlib import Path

import pytest
from harness.redis_server import redis_server
from harness.traffic import eventually
from state.receiving import Kept, file_url, state_at

from tradewise_otel.settings import load
from tradewise_otel.state.inbox import Called, StepTaken
from tradewise_otel.state.opening import LastingStore, default_url, open_store, place_of
from tradewise_otel.state.sqlite import SqliteStore
from tradewise_otel.state.sqlite_file import MEMORY, MEMORY_PAGES
from tradewise_otel.state.store import Check, Count, Day, Store, Unavailable, UserSeen


def lasting(url: str, kept: Kept, clock: list[float]) -> LastingStore:
    """A store under a clock that stands still."""
    return LastingStore(
        lambda owner: open_store(url, "shop", owner), place_of(url), kept.say, lambda: clock[0]
    )


def test_an_outage_of_redis_is_said_once_and_ends(tmp_path: Path) -> None:
    """While Redis is down answers come from this process, one line says so, and one that it is back."""
    kept, clock = Kept(), [0.0]
    with redis_server(tmp_path) as server:
        store = lasting(server.url, kept, clock)
        store.apply([Check("b", "unhealthy", False, 1)])
        assert kept.said == []
        server.stop()
        for failures in (1, 2, 3):
            clock[0] += 10
            assert store.apply([Check("b", "unhealthy", False, 2)])[0].failures == failures
        assert [level for level, _ in kept.said] == ["WARNING"]
        assert not store.is_shared
        server.start()
        assert store.apply([Check("b", "unhealthy", False, 2)])[0].failures == 4
        clock[0] += 10
        # It kept nothing, so this is the first.
        assert store.apply([Check("b", "unhealthy", False, 3)])[0].failures == 1
    assert [level for level, _ in kept.said] == ["WARNING", "INFO"]
    assert all(f"redis://127.0.0.1:{server.port}/0" in message for _, message in kept.said)
    assert store.is_shared


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    """A file of a later version is not touched; the line tells both versions; when it is gone, it is over."""
    path, kept, clock = tmp_path / "state.db", Kept(), [0.0]
    open_store(f"sqlite://{path}", "shop", "one").close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET version = 7")
    before = path.read_bytes()
    store = lasting(f"sqlite://{path}", kept, clock)
    assert store.apply([UserSeen(1, "u"), Day(1)])[1].users == 1
    clock[0] += 10
    store.apply([UserSeen(1, "u")])
    assert path.read_bytes() == before
    ((level, message),) = kept.said
    assert level == "WARNING"
    assert "version 7" in message
    assert str(path) in message
    path.unlink()
    clock[0] += 10
    assert store.apply([Day(1)])[0].users == 0
    assert [level for level, _ in kept.said] == ["WARNING", "INFO"]


@pytest.mark.parametrize("broken", ["a folder", "no database", "in a folder that cannot be made"])
def test_a_file_that_cannot_be_used_harms_nobody(tmp_path: Path, broken: str) -> None:
    """Whatever is wrong with the file, it stays as it is, and the answers come from this process."""
    path = tmp_path / "state.db"
    if broken == "a folder":
        path.mkdir()
    elif broken == "no database":
        path.write_bytes(b"precious" * 1000)
    else:
        (tmp_path / "file").touch()
        path = tmp_path / "file" / "state.db"
    kept = Kept()
    store = lasting(f"sqlite://{path}", kept, [0.0])
    assert store.apply([Count("r", "s", 2, 1, 1.0)]) == [2]
    assert [level for level, _ in kept.said] == ["WARNING"]
    if broken == "no database":
        assert path.read_bytes() == b"precious" * 1000


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the client of Redis the line names the command that installs it."""
    monkeypatch.setitem(sys.modules, "redis", None)
    kept = Kept()
    lasting("redis://:geheim@127.0.0.1/0", kept, [0.0]).apply([Day(1)])
    ((_, message),) = kept.said
    assert "pip install 'tradewise-otel[redis]'" in message
    assert "geheim" not in message


def test_a_wrong_password_is_said_without_it(tmp_path: Path) -> None:
    """A Redis that refuses us is out of reach; the line holds neither user nor password."""
    kept = Kept()
    with redis_server(tmp_path, password="richtig") as server:
        lasting(server.url.replace("richtig", "geheim"), kept, [0.0]).apply([Day(1)])
        ((level, message),) = kept.said
        assert (level, "geheim" in message) == ("WARNING", False)
        right = lasting(server.url, kept, [0.0])
        right.apply([Day(1)])
        assert right.is_shared


@pytest.mark.parametrize(
    "text",
    [
        "redis://:geheim@host:port/0",
        "redis:geheim@host",
        "rediss://user:geheim@",
        "postgres://user:geheim@host/db",
        "memcached://host?password=geheim",
        "geheim",
        "redis://:geheim@[::1/0",
    ],
)
def test_a_wrong_address_is_reported_without_its_password(text: str) -> None:
    """A setting that is no address of a state falls back to the file, and no part of it is repeated."""
    settings, (problem,) = load({"TRADEWISE_STATE_URL": text})
    assert settings.state_url == ""
    assert "TRADEWISE_STATE_URL" in str(problem)
    assert "geheim" not in str(problem)


def test_steps_of_an_outage_are_numbered_all_the_same(tmp_path: Path) -> None:
    """A step that waits for its number while the store goes away gets one from this process."""
    kept = Kept()
    with redis_server(tmp_path) as server:
        state = state_at(server.url, kept)
        state.put(StepTaken("s", "a", time.time_ns(), 1))
        eventually(lambda: kept.finished)
        state.put(StepTaken("s", "b", time.time_ns(), 2))
        time.sleep(0.3)
        server.stop()
        eventually(lambda: len(kept.finished) == 2)
        state.put(StepTaken("s", "c", time.time_ns(), 3))
        eventually(lambda: len(kept.finished) == 3)
        state.stop(2)
    assert [ticket for ticket, _ in kept.finished] == [1, 2, 3]
    assert [fields["step_sequence"] for _, fields in kept.finished] == [1, 1, 2]
    assert kept.faults == []


def test_users_of_an_outage_are_told_to_the_store_that_is_back(tmp_path: Path) -> None:
    """Who was active while the store was away is counted once it is there again."""
    kept, folder = Kept(), tmp_path / "later"
    folder.touch()
    state = state_at(f"sqlite://{folder / 'state.db'}", kept)
    now = time.time_ns()
    state.put(Called("u1", None, now, None))
    eventually(lambda: kept.said)
    folder.unlink()
    state._store._retry_at = 0.0
    state.put(Called("u2", None, now, None))
    eventually(lambda: len(kept.said) == 2)
    state.stop(2)
    day = now // (86_400 * 10**9)
    assert open_store(f"sqlite://{folder / 'state.db'}", "shop", "one").apply([Day(day)])[0].users == 2


def test_memory_is_bounded(tmp_path: Path) -> None:
    """A store in memory that is full begins anew; it does not grow."""
    store = SqliteStore(MEMORY, "one")
    flood = [Count("r", f"{n:032d}", 1, 1, 1.0) for n in range(5000)]

    def fill(store: Store) -> None:
        for turn in range(100):
            store.apply([count._replace(rule=f"r{turn}") for count in flood])

    with pytest.raises(Unavailable):
        fill(store)
    assert store._run("PRAGMA page_count").fetchone()[0] <= MEMORY_PAGES
    lost = lasting(f"sqlite://{tmp_path}", Kept(), [0.0])
    with pytest.raises(Unavailable):
        fill(lost)
    assert lost.apply([Count("r", "s", 2, 1, 1.0)]) == [2]


def test_each_service_of_a_host_has_a_file_of_its_own(tmp_path: Path) -> None:
    """The default is a file in the state folder, named after the service; odd names cannot leave it."""
    urls = [default_url(name, str(tmp_path)) for name in ("shop", "../shop", "shop/", "größe", "a" * 300)]
    assert len(set(urls)) == len(urls)
    assert urls[0] == f"sqlite://{tmp_path}/state-shop.db"
    for url in urls:
        open_store(url, "any", "one").close()
    assert len(list(tmp_path.glob("state-*.db"))) == len(urls)
    assert file_url(tmp_path) not in urls
