"""What the intake's refusals cost: nothing where the reason passes, the data where the data is at fault."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from chaos_records import payload
from gateway_rig import Rig, wait_until
from harness.holds import holds
from patient_sender import NO_ANSWER, RETRYABLE, PatientSender, post

SECONDS = 20.0
LOGS = "/v1/logs"
LEAST = "524288"
"""The smallest queue that the layers take: it must hold a batch (`min_size` in export-datadog.yaml)."""


@holds("2.M4")
def test_refusals_that_pass_lose_nothing_and_others_say_so(tmp_path: Path) -> None:
    """An intake that answers 500, then 403, then 429 costs no log; what it answers 413 or 400 is dropped, and
    the Collector says so.
    """
    with Rig(tmp_path) as rig:
        for status in (429, 403, 500):
            # The latest that fits counts, so the last of these comes first.
            rig.standin.script(LOGS, status, times=1)
        with PatientSender(rig.collector.http, "logs", 100, random.Random()) as sender:
            assert wait_until(lambda: len(sender.acknowledged()) >= 100, SECONDS)
        assert rig.wait_for_all([sender], SECONDS)
        assert [status for status in answers(rig) if status != 200] == [500, 403, 429]
        for number, status in enumerate((413, 400)):
            rig.standin.script(LOGS, status, times=1)
            assert post(f"{rig.collector.http}{LOGS}", payload("logs", [f"dropped{number}"], "a log")) == 200
            assert wait_until(said(rig, "Dropping data", f" {status}"), SECONDS), rig.collector.tail()
        assert not [log for log in rig.received.refresh().logs if "dropped" in str(log.attributes)]


@holds("2.M4")
def test_a_full_queue_refuses_and_loses_nothing(tmp_path: Path) -> None:
    """With a full queue a sender is told to try again, and what was acknowledged arrives once the intake is
    back.
    """
    with Rig(tmp_path, TRADEWISE_QUEUE_BYTES=LEAST) as rig:
        rig.break_intake("refused")
        with PatientSender(rig.collector.http, "logs", 5000, random.Random()) as sender:
            assert wait_until(lambda: any(sender.answers[status] for status in RETRYABLE), SECONDS)
            assert set(sender.answers) - {200} <= RETRYABLE, f"{NO_ANSWER}: no answer at all"
            rig.mend_intake()
        assert rig.wait_for_all([sender], SECONDS)
        print(len(sender.acknowledged()), sender.answers)


def answers(rig: Rig) -> list[int]:
    """What the intake has answered to logs, in order."""
    return [request.status for request in rig.standin.recording.requests() if request.route == LOGS]


def said(rig: Rig, *words: str) -> Callable[[], bool]:
    """Whether one line of the Collector's log has all of these words."""
    return lambda: any(
        all(word in line for word in words) for line in rig.collector.log.read_text().splitlines()
    )
