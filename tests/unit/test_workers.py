"""The exporter thread: bounded queues that count what they lose, and an end within its deadline."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

from tradewise_otel.pipeline.lanes import Lane, Limits
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.pipeline.workers import Worker


def accepting(into: list[int]) -> Callable[[Sequence[int]], bool]:
    """A send that takes everything."""

    def send(batch: Sequence[int]) -> bool:
        into.extend(batch)
        return True

    return send


def worker_of(lane: Lane[int], ledger: Ledger, **parts: Callable[..., object]) -> Worker:
    """A worker of one lane with quick schedules."""
    return Worker(
        [lane],
        parts.get("tend", lambda: None),  # type: ignore[arg-type]
        parts.get("metrics", lambda: None),  # type: ignore[arg-type]
        parts.get("abort", lambda: None),  # type: ignore[arg-type]
        parts.get("outage", lambda: False),  # type: ignore[arg-type]
        Limits(delay=0.01, metrics_every=0.05),
        ledger,
    )


def test_overflow_is_counted_to_the_record_under_threads() -> None:
    """Whatever eight threads put into a small queue while it drains is either sent or counted as dropped."""
    ledger, sent = Ledger(), []
    lane: Lane[int] = Lane("logs", accepting(sent), Limits(queue=64, batch=16), ledger)

    def produce() -> None:
        for n in range(20_000):
            lane.put(n)

    threads = [threading.Thread(target=produce) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        lane.drain(lambda: True)
    for thread in threads:
        thread.join()
    lane.drain(lambda: True)
    assert ledger.count("delivered", "logs") == len(sent)
    assert ledger.count("dropped", "logs", "queue_full") == 160_000 - len(sent)
    assert ledger.count("dropped", "logs", "queue_full") > 0


def test_the_oldest_goes_when_the_queue_is_full() -> None:
    """A full queue keeps the newest records."""
    ledger, sent = Ledger(), []
    lane: Lane[int] = Lane("logs", accepting(sent), Limits(queue=10, batch=4), ledger)
    for n in range(25):
        lane.put(n)
    lane.drain(lambda: True)
    assert sent == list(range(15, 25))
    assert ledger.count("dropped", "logs", "queue_full") == 15


def test_refused_and_failing_batches_are_counted() -> None:
    """A batch that the exporter refuses, and one on which it raises, are dropped with their reasons."""
    ledger = Ledger()
    answers = iter([False, True])

    def send(batch: Sequence[int]) -> bool:
        answer = next(answers, None)
        if answer is None:
            raise ValueError("broken")
        return answer

    lane: Lane[int] = Lane("traces", send, Limits(queue=100, batch=10), ledger)
    for n in range(30):
        lane.put(n)
    lane.drain(lambda: True)
    assert ledger.count("dropped", "traces", "export_failed") == 10
    assert ledger.count("delivered", "traces") == 10
    assert ledger.count("dropped", "traces", "internal_error") == 10


def test_a_batch_is_bounded_in_bytes() -> None:
    """A batch ends where its records weigh enough; one that is heavier than that goes alone; none is left."""
    ledger, batches = Ledger(), []

    def send(batch: Sequence[int]) -> bool:
        batches.append(list(batch))
        return True

    limits = Limits(batch=4, batch_bytes=10)
    lane: Lane[int] = Lane("logs", send, limits, ledger, lambda weight: weight)
    for weight in (3, 3, 3, 3, 3, 50, 50, 1, 1, 1, 1, 1):
        lane.put(weight)
    lane.drain(lambda: True)
    assert batches == [[3, 3, 3, 3], [3, 50], [50], [1, 1, 1, 1], [1]]
    assert ledger.count("delivered", "logs") == 12


def test_stop_sends_what_is_queued_and_then_the_metrics() -> None:
    """At a stop all queued records leave, and the metrics after them, so that they tell of them."""
    ledger, sent, order = Ledger(), [], []
    lane: Lane[int] = Lane("logs", accepting(sent), Limits(batch=100), ledger)
    worker = worker_of(lane, ledger, metrics=lambda: order.append(len(sent)))
    for n in range(1000):
        lane.put(n)
        worker.ensure_running()
    assert worker.stop(3.0)
    assert sent == list(range(1000))
    assert order[-1] == 1000
    assert not worker.stop(3.0), "the second stop has nothing to do"


def test_stop_keeps_its_deadline_and_counts_what_hangs() -> None:
    """An export that never returns holds the stop no longer than asked, and its records count as lost."""
    ledger, under_way = Ledger(), threading.Event()

    def hang(batch: Sequence[int]) -> bool:
        under_way.set()
        time.sleep(30)
        return True

    lane: Lane[int] = Lane("logs", hang, Limits(queue=100, batch=10), ledger)
    worker = worker_of(lane, ledger)
    for n in range(25):
        lane.put(n)
    worker.ensure_running()
    assert under_way.wait(5)
    began = time.monotonic()
    worker.stop(0.6)
    assert time.monotonic() - began < 1.2
    assert ledger.count("dropped", "logs", "shutdown") == 25


def test_a_known_outage_is_not_sat_out() -> None:
    """With the Collector known to be away a stop aborts the retry that is under way at once."""
    ledger, aborted, under_way = Ledger(), threading.Event(), threading.Event()

    def retry(batch: Sequence[int]) -> bool:
        under_way.set()
        return not aborted.wait(30)

    lane: Lane[int] = Lane("logs", retry, Limits(queue=100, batch=10), ledger)
    worker = worker_of(lane, ledger, abort=aborted.set, outage=lambda: True)
    for n in range(25):
        lane.put(n)
    worker.ensure_running()
    assert under_way.wait(5)
    began = time.monotonic()
    worker.stop(10.0)
    assert time.monotonic() - began < 2
    assert ledger.count("dropped", "logs") == 25


def test_metrics_that_raise_do_not_end_the_thread() -> None:
    """A fault in the metrics is counted, and records go on leaving."""
    ledger, sent = Ledger(), []

    def broken() -> None:
        raise RuntimeError("broken")

    lane: Lane[int] = Lane("logs", accepting(sent), Limits(), ledger)
    worker = worker_of(lane, ledger, metrics=broken)
    worker.ensure_running()
    deadline = time.monotonic() + 5
    while not ledger.count("dropped", "metrics", "internal_error") and time.monotonic() < deadline:
        time.sleep(0.01)
    lane.put(1)
    worker.stop(3.0)
    assert sent == [1]
    assert ledger.count("dropped", "metrics", "internal_error") >= 2


def test_a_forked_child_sends_nothing_of_its_parent() -> None:
    """After a fork the queue is empty, and the child's own records are sent by a thread of its own."""
    ledger, sent = Ledger(), []
    lane: Lane[int] = Lane("logs", accepting(sent), Limits(), ledger)
    worker = worker_of(lane, ledger)
    lane.put(1)
    worker.after_fork()
    lane.put(2)
    worker.ensure_running()
    worker.stop(3.0)
    assert sent == [2]
    assert ledger.count("dropped") == 0


FORK = """
import os
from tradewise_otel.pipeline.workers import on_fork

class Child:
    def after_fork(self):
        os.write(1, b"child ")

class Both(Child):
    def before_fork(self):
        os.write(1, b"before ")

    def forked(self):
        os.write(1, b"after ")

listeners = Child(), Both()
for listener in listeners:
    on_fork(listener)
child = os.fork()
if not child:
    os._exit(0)
os.waitpid(child, 0)
"""


def test_a_fork_is_told_to_whom_it_concerns() -> None:
    """Each listener hears what it has ears for, in parent and child, and nothing is said on stderr."""
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, check=True)
    assert sorted(done.stdout.split()) == ["after", "before", "child", "child"]
    assert done.stderr == ""
