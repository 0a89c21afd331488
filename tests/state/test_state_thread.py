"""The thread behind the state: it ends in time, survives a fork, is bounded, and tells each day once."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from harness.traffic import eventually
from state.receiving import Kept, file_url, state_at

from tradewise_otel.state.abuse import Rule
from tradewise_otel.state.inbox import LIMIT, BotChecked, BotUsed, Called, LoginFailed, StepTaken
from tradewise_otel.state.kpis import DAILY_USERS
from tradewise_otel.state.opening import open_store
from tradewise_otel.state.store import DAY_NS, BotSeen, UserSeen
from tradewise_otel.state.thread import STATE_THREAD


def test_a_stop_finishes_what_waits_with_its_fields(tmp_path: Path) -> None:
    """Steps and checks of the last moment are finished by `stop`, with what the store knows."""
    kept = Kept()
    state = state_at(file_url(tmp_path), kept)
    for number in range(5):
        state.put(StepTaken("s", f"step{number}", time.time_ns(), number))
    state.put(BotChecked("b", "unhealthy", "u", time.time_ns(), "check"))
    state.stop(2)
    assert dict(kept.finished)["check"] == {"consecutive_failures": 1, "changed": False}
    assert [fields["step_sequence"] for ticket, fields in kept.finished if ticket != "check"] == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert not state.put(StepTaken("s", "after", time.time_ns(), 9))


def test_a_stop_is_bounded_while_another_process_holds_the_file(tmp_path: Path) -> None:
    """With the file locked `stop` returns in time, and every event has gone, once, without its fields."""
    kept = Kept()
    state = state_at(file_url(tmp_path), kept)
    state.put(StepTaken("s", "a", time.time_ns(), 1))
    eventually(lambda: kept.finished)
    holder = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    state.put(StepTaken("s", "b", time.time_ns(), 2))
    state.put(BotChecked("b", "healthy", None, time.time_ns(), 3))
    time.sleep(0.3)
    state.put(StepTaken("s", "c", time.time_ns(), 4))
    began = time.monotonic()
    state.stop(0.5)
    assert time.monotonic() - began < 1
    assert sorted(ticket for ticket, _ in kept.finished) == [1, 2, 3, 4]
    assert [fields for ticket, fields in kept.finished if ticket > 1] == [{}, {}, {}]
    holder.close()
    time.sleep(0.5)
    assert len(kept.finished) == 4


def test_nobody_waits_for_a_worker_that_has_stopped(url: str, tmp_path: Path) -> None:
    """After a worker has stopped in the middle of its steps those of others are numbered as soon as ever."""
    kept, session = Kept(), f"s {tmp_path.name}"
    stopped, other = state_at(url, kept), state_at(url, kept)
    stopped.put(StepTaken(session, "a", time.time_ns(), 1))
    stopped.stop(2)
    began = time.monotonic()
    other.put(StepTaken(session, "b", time.time_ns(), 2))
    eventually(lambda: len(kept.finished) == 2)
    assert time.monotonic() - began < 2
    other.stop(2)
    assert [fields["step_sequence"] for _, fields in kept.finished] == [1, 2]


def test_a_full_inbox_refuses(tmp_path: Path) -> None:
    """More notes than it holds are refused, so that their events go at once; the others are kept."""
    kept = Kept()
    state = state_at(file_url(tmp_path), kept)
    # As if the thread were busy: it runs already, but not yet.
    state._thread = threading.current_thread()
    taken = sum(state.put(StepTaken("s", "a", 1, number)) for number in range(LIMIT + 100))
    assert taken == LIMIT
    state.stop(0)
    assert len(kept.finished) == LIMIT


def test_a_forked_child_has_a_state_of_its_own(tmp_path: Path) -> None:
    """After a fork the child finishes none of its parent's events, and both go on with one sequence."""
    kept = Kept()
    state = state_at(file_url(tmp_path), kept)
    state.put(StepTaken("s", "a", time.time_ns(), "parent"))
    eventually(lambda: kept.finished)
    state.put(StepTaken("s", "b", time.time_ns(), "parent too"))
    reader, writer = multiprocessing.get_context("fork").Pipe(duplex=False)
    state.before_fork()
    child = os.fork()
    if child != 0:
        state.forked()
    else:
        kept.finished.clear()
        state.after_fork()
        state.put(StepTaken("s", "c", time.time_ns(), "child"))
        time.sleep(1.2)
        state.stop(2)
        writer.send((kept.finished, kept.faults))
        os._exit(0)
    assert reader.poll(10)
    finished, faults = reader.recv()
    os.waitpid(child, 0)
    state.stop(2)
    assert (faults, [ticket for ticket, _ in finished]) == ([], ["child"])
    assert [ticket for ticket, _ in kept.finished] == ["parent", "parent too"]
    sequence = [fields["step_sequence"] for _, fields in [*kept.finished, *finished]]
    assert sequence == [1, 2, 3]


def test_a_child_forked_within_a_transaction_leaves_the_file_alone(tmp_path: Path) -> None:
    """The copy of an open connection is not used: the child remembers for itself, and says so."""
    kept = Kept()
    state = state_at(file_url(tmp_path), kept)
    state.put(StepTaken("s", "a", time.time_ns(), 1))
    eventually(lambda: kept.finished)
    holder = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    state.put(StepTaken("s", "b", time.time_ns(), 2))
    time.sleep(0.3)
    state.before_fork()
    child = os.fork()
    if child == 0:
        kept.finished.clear()
        state.after_fork()
        state.put(StepTaken("s", "c", time.time_ns(), 3))
        state.stop(2)
        alone = [fields["step_sequence"] for _, fields in kept.finished] == [1]
        os._exit(0 if alone and len(kept.said) == 1 else 1)
    state.forked()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    holder.execute("ROLLBACK")
    eventually(lambda: len(kept.finished) == 2)
    state.stop(2)
    holder.close()
    assert kept.finished[1][1]["step_sequence"] == 2


def test_a_name_that_is_no_text_harms_nobody(url: str, tmp_path: Path) -> None:
    """Lone surrogates, a zero and ten thousand characters: the steps are numbered, and name each other."""
    kept = Kept()
    state = state_at(url, kept)
    for number, step in enumerate(["a\ud800b", "c\0d", "x" * 10_000, "last"]):
        state.put(StepTaken(f"odd {tmp_path.name}", step, time.time_ns(), number))
    state.put(BotChecked("b", "\ud800", None, time.time_ns(), 9))
    state.stop(2)
    fields = [found for ticket, found in kept.finished if ticket != 9]
    assert [found["step_sequence"] for found in fields] == [1, 2, 3, 4]
    assert [found.get("previous_step") for found in fields] == [None, "a?b", "c?d", "x" * 256]
    assert kept.faults == []


def test_no_thread_runs_before_the_first_note(tmp_path: Path) -> None:
    """A process with nothing to say has neither thread nor file."""
    state_at(file_url(tmp_path), Kept())
    assert STATE_THREAD not in [thread.name for thread in threading.enumerate()]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("notes", "alarms"),
    [
        ([Called("u", f"10.0.0.{n}", n, n) for n in range(10)], 1),
        ([Called(None, "10.0.0.1", n, n) for n in range(10)], 1),
        ([Called(f"u{n}", "10.0.0.1", n, n) for n in range(10)], 0),
        ([LoginFailed("aA"[n % 2] + "@b.example", None, n, n) for n in range(11)], 1),
        ([LoginFailed("a@b.example", None, n, n) for n in range(10)], 0),
        ([LoginFailed(f"{n}@b.example", "10.0.0.1", n, n) for n in range(11)], 1),
        ([LoginFailed("a@b.example", "10.0.0.1", n, n) for n in range(30)], 2),
    ],
)
def test_who_is_too_fast(url: str, tmp_path: Path, notes: list[Any], alarms: int) -> None:
    """Calls count by user, else by address; failed logins by e-mail in any case, and by address."""
    kept = Kept()
    activity = f"calls {tmp_path.name}"
    state = state_at(url, kept, Rule(activity, 10, 60))
    suffix = f" {tmp_path.name}"
    for note in notes:
        changes = {k: getattr(note, k) + suffix for k in note._fields[:2] if getattr(note, k) is not None}
        state.put(note._replace(**changes))
    state.stop(2)
    assert len(kept.alarms) == alarms
    for _, fields in kept.alarms:
        assert fields["activity_type"] in (activity, "brute_force")


def test_the_days_before_are_told_once_by_one_of_all(tmp_path: Path) -> None:
    """Users of days that are over, and yesterday's bots, are told by one worker, and not again later."""
    url, today = file_url(tmp_path), time.time_ns() // DAY_NS
    store = open_store(url, "shop", "one")
    store.apply([UserSeen(today - 3, "u1"), UserSeen(today - 1, "u1"), UserSeen(today - 1, "u2")])
    store.apply(
        [BotSeen(today - 1, "b1", "u1"), BotSeen(today - 1, "b1", "u2"), BotSeen(today - 1, "b2", "u1")]
    )
    workers = [Kept() for _ in range(3)]
    states = [state_at(url, kept) for kept in workers]
    for state in states:
        state.put(BotUsed("b3", None, time.time_ns()))
    eventually(lambda: sum(len(kept.figures) for kept in workers) >= 3)
    time.sleep(1.2)
    for state in states:
        state.stop(2)
    told = [figure for kept in workers for figure in kept.figures]
    users = [fields for kind, fields in told if kind == DAILY_USERS]
    assert [(u["active_users"], u["new_users"], u["returning_users"]) for u in users] == [
        (1, 1, 0),
        (2, 1, 1),
    ]
    assert [fields for kind, fields in told if kind != DAILY_USERS] == [
        {"total_bots": 3, "active_bots": 2, "external_bots": 1, "shared_bots": 1, "avg_bots_per_user": 1.5}
    ]


def test_days_before_the_first_are_not_told(tmp_path: Path) -> None:
    """Of days on which nothing ran there is no figure, however many bots are known by now."""
    kept = Kept()
    state = state_at(file_url(tmp_path), kept)
    state.put(BotUsed("b1", "u1", time.time_ns()))
    # The days are claimed in one turn, and told in the next.
    time.sleep(2.5)
    state.stop(2)
    assert kept.figures == []
