"""Stopping the Collector while its intake is away: how long it takes, and that nothing is lost by it."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from chaos_records import SIGNALS, Signal
from gateway_rig import Rig, Way, wait_until
from harness.holds import holds
from patient_sender import PatientSender

from tradewise_otel.tools.collector.process import STOP_SECONDS

RATE = 50.0
HELD_SECONDS = 3.0
HANGING_SECONDS = 6.0
"""Long enough for an exporter to wait for an intake that never answers, and for more to queue up behind."""

DURABLE: dict[str, tuple[Signal, ...]] = {
    "": ("logs", "metrics"),
    "datadog-otlp": SIGNALS,
    "datadog-agent": SIGNALS,
}


@holds("2.M5")
@pytest.mark.parametrize(
    ("overlay", "way"),
    [("", "refused"), ("", "cut"), ("", "hang"), ("datadog-otlp", "hang"), ("datadog-agent", "hang")],
)
def test_stopping_with_a_dead_intake(tmp_path: Path, overlay: str, way: Way) -> None:
    """With an intake that is dead, queues that hold data and senders that go on, SIGTERM ends the Collector
    within STOP_SECONDS, and what it had acknowledged arrives after the next start.
    """
    with Rig(tmp_path, [overlay] if overlay else []) as rig, ExitStack() as stack:
        rng = random.Random()
        senders = [
            stack.enter_context(PatientSender(rig.collector.http, signal, RATE, rng)) for signal in SIGNALS
        ]
        rig.break_intake(way)
        time.sleep(HANGING_SECONDS if way == "hang" else HELD_SECONDS)
        began = time.monotonic()
        code, took = rig.collector.stop(grace=3 * STOP_SECONDS), time.monotonic() - began
        held = {sender.signal: len(rig.missing(sender)) for sender in senders}
        print(f"{overlay} {way}: {took:.1f} s, held {held}")
        assert code == 0
        assert took <= STOP_SECONDS
        assert all(held[signal] > 0 for signal in DURABLE[overlay])
        rig.mend_intake()
        rig.collector.start()
        stack.close()
        durable = [sender for sender in senders if sender.signal in DURABLE[overlay]]
        assert rig.wait_for_all(durable, 20), rig.collector.tail()


@holds("2.M5")
def test_stopping_with_a_live_intake(tmp_path: Path) -> None:
    """With an intake that answers, SIGTERM sends what waits: nothing is left for the next start, and the
    Collector ends at once.
    """
    with Rig(tmp_path) as rig:
        with PatientSender(rig.collector.http, "logs", RATE, random.Random()) as sender:
            assert wait_until(lambda: len(sender.acknowledged()) >= 20, 10)
        began = time.monotonic()
        assert rig.collector.stop() == 0
        assert time.monotonic() - began < STOP_SECONDS / 2
        assert not rig.missing(sender)
