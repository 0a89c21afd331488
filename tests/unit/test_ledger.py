"""The account of what became of every record adds up, whoever counts and whenever it is interrupted."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import pytest

from tradewise_otel.pipeline.ledger import Ledger


def test_counts_by_what_signal_and_reason() -> None:
    """Counts add up by key, and None as signal or reason sums over all of them."""
    ledger = Ledger()
    ledger.add("dropped", "logs", 3, "queue_full")
    ledger.add("dropped", "logs", reason="shutdown")
    ledger.add("dropped", "traces", 5, "shutdown")
    ledger.add("emitted", "logs", 0)
    assert ledger.count("dropped") == 9
    assert ledger.count("dropped", "logs") == 4
    assert ledger.count("dropped", reason="shutdown") == 6
    assert ledger.count("emitted") == 0


def test_no_count_is_lost_between_threads() -> None:
    """Eight threads that count at once are all counted."""
    ledger = Ledger()

    def work() -> None:
        for _ in range(20_000):
            ledger.add("emitted", "logs")
            ledger.add("redacted", "logs", 2, "jwt")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.count("emitted") == 160_000
    assert ledger.count("redacted") == 320_000


def test_counting_goes_on_while_a_signal_handler_waits_for_another_thread() -> None:
    """A handler that interrupts the counting thread and waits for another one that counts never stalls."""
    ledger = Ledger()
    stalled: list[bool] = []

    def on_alarm(number: int, frame: FrameType | None) -> None:
        other = threading.Thread(target=ledger.add, args=("delivered", "logs", 512))
        other.start()
        other.join(2)
        stalled.append(other.is_alive())

    previous = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    try:
        while len(stalled) < 50:
            ledger.add("emitted", "logs")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert not any(stalled)
    assert ledger.count("delivered") == 512 * len(stalled)


def test_news_are_told_until_they_have_arrived() -> None:
    """Figures whose export failed are among the next news; those that arrived are not."""
    ledger = Ledger()
    ledger.add("dropped", "logs", 7, "queue_full")
    key = ("dropped", "logs", "queue_full")
    assert ledger.news() == {key: 7}
    ledger.add("dropped", "logs", 2, "queue_full")
    assert ledger.news() == {key: 9}
    ledger.add("dropped", "logs", 1, "queue_full")
    ledger.told()
    assert ledger.news() == {key: 1}
    ledger.told()
    assert ledger.news() == {}


def test_a_forked_child_starts_its_own_account() -> None:
    """After `reset` nothing of the parent's figures is left, told or untold."""
    ledger = Ledger()
    ledger.add("emitted", "logs", 4)
    ledger.news()
    ledger.told()
    ledger.reset()
    ledger.add("emitted", "logs", 1)
    assert ledger.count("emitted") == 1
    assert ledger.news() == {("emitted", "logs", ""): 1}


def test_the_shield_counts_and_says_once(capfd: pytest.CaptureFixture[str]) -> None:
    """What raises in our code gives the default, a count each time and one line without the error's text."""
    ledger = Ledger()

    def broken() -> int:
        raise KeyError("s3cr3t")

    safe = ledger.shielded("a place", broken, 7)
    assert [safe(), safe(), safe()] == [7, 7, 7]
    assert ledger.count("dropped", "logs", "internal_error") == 3
    said = capfd.readouterr().err
    assert said.count("internal error in a place: KeyError") == 1
    assert "s3cr3t" not in said


def test_the_shield_lets_the_apps_own_exits_through() -> None:
    """KeyboardInterrupt and SystemExit are the app's, not faults of ours."""
    ledger = Ledger()

    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        ledger.shielded("a place", leave, None)()
    assert ledger.count("dropped") == 0
