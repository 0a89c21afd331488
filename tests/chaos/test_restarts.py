"""Kill after kill with a queue that is full of what went before."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from pathlib import Path

from gateway_rig import Rig
from harness.holds import holds
from patient_sender import PatientSender

KILLS = 5


@holds("2.M4")
def test_nothing_is_written_over_what_the_queue_holds(tmp_path: Path) -> None:
    """However often the Collector is killed with a full queue and busy senders, no log is lost: senders are
    let in when the queue has been read in, not before.
    """
    with Rig(tmp_path) as rig, ExitStack() as stack:
        http, rng = rig.collector.http, random.Random()
        senders = [stack.enter_context(PatientSender(http, "logs", 400, rng)) for _ in range(3)]
        rig.break_intake(429)
        for _ in range(KILLS):
            time.sleep(rng.uniform(0.6, 1.2))
            rig.collector.kill()
            rig.collector.start()
        stack.close()
        rig.mend_intake()
        assert rig.wait_for_all(senders, 30), [len(rig.missing(sender)) for sender in senders]
        assert "panic" not in rig.collector.log.read_text()
