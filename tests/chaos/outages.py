"""Outages: the intake goes away at a random instant, the Collector is killed in between, all comes back."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from chaos_records import SIGNALS, Signal, arrived, hits
from gateway_rig import WAYS, Rig, Way, wait_until
from patient_sender import PatientSender

SPAN_MEMORY_SECONDS = 7.0
"""A span may wait so long in the memory of Datadog's exporter, which flushes every 5 s."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outage:
    """What happens when, in seconds.

    Attributes:
        before: traffic with everything well.
        first, kill_after: how the intake is away at first, and for how long until the Collector is killed.
        second, seconds: how it is away from the kill on, and how long the outage is as a whole.
        after: traffic with everything well again.
    """

    before: float
    first: Way
    kill_after: float
    second: Way
    seconds: float
    after: float


def draw(rng: random.Random, seconds: float, rounds: int) -> Iterator[Outage]:
    """Outages at random instants; each way to be away comes up before one comes again."""
    ways: list[Way] = []
    for _ in range(rounds):
        while len(ways) < 2:
            ways += rng.sample(WAYS, len(WAYS))
        yield Outage(
            before=seconds * rng.uniform(0.1, 0.4),
            first=ways.pop(0),
            kill_after=seconds * rng.uniform(0.2, 0.8),
            second=ways.pop(0),
            seconds=seconds,
            after=seconds * rng.uniform(0.1, 0.2),
        )


@dataclass(frozen=True)
class Count:
    """What became of the records of one signal: acknowledged, and of those arrived, lost, arrived again."""

    signal: Signal
    acknowledged: int
    in_outage: int
    arrived: int
    lost: int
    duplicates: int
    lost_outside: int
    """Lost although it was acknowledged with everything well, and for long enough."""


@dataclass(frozen=True)
class Result:
    """What became of one outage.

    Attributes:
        drained: seconds until all that must arrive had, or `None` where it never did.
        hits: how many spans the statistics counted, of all and of those sent with everything well again.
        refused: how often a sender had to try again.
    """

    outage: Outage
    counts: dict[Signal, Count]
    drained: float | None
    hits: int
    hits_after: int
    spans_after: int
    refused: int


@dataclass
class Run:
    """Outages of one Collector.

    Args:
        rig: is running.
        records: at least so many of each signal are sent within an outage.
        durable: the signals of which nothing may be lost.
        statistics: whether to wait for the statistics too, which are half a minute behind.
    """

    rig: Rig
    records: int
    rng: random.Random
    durable: tuple[Signal, ...] = ("logs", "metrics")
    statistics: bool = False
    say: Say = print
    _number: int = field(default=0, init=False)

    def outage(self, outage: Outage) -> Result:
        """Live through one outage, wait until what it held back has arrived, and count."""
        self._number += 1
        with ExitStack() as stack:
            rate = self.records / outage.seconds
            http = self.rig.collector.http
            senders = [stack.enter_context(PatientSender(http, s, rate, self.rng)) for s in SIGNALS]
            self._phase(senders, "before", outage.before)
            began, ended = self._break_and_mend(senders, outage)
            self._phase(senders, "after", outage.after)
        return self._result(outage, senders, began, ended)

    def _break_and_mend(self, senders: Sequence[PatientSender], outage: Outage) -> tuple[float, float]:
        began = time.monotonic()
        self.rig.break_intake(outage.first)
        self._phase(senders, "outage", outage.kill_after)
        self.rig.collector.kill()
        self.rig.mend_intake()
        self.rig.break_intake(outage.second)
        self.rig.collector.start()
        self.say(f"killed after {outage.kill_after:.1f} s and started again; the intake: {outage.second}")
        wait_until(lambda: time.monotonic() > began + outage.seconds, outage.seconds)
        # Senders waited while nobody listened, and have to catch up.
        wait_until(lambda: all(self._in_outage(sender) >= self.records for sender in senders), outage.seconds)
        self.rig.mend_intake()
        return began, time.monotonic()

    def _phase(self, senders: Sequence[PatientSender], phase: str, seconds: float) -> None:
        for sender in senders:
            sender.phase = self._named(phase)
        self.say(f"{phase}: {seconds:.1f} s")
        time.sleep(seconds)

    def _named(self, phase: str) -> str:
        # In letters: names with digits in them might be told apart by nobody behind us.
        letters = "".join("abcdefghij"[int(digit)] for digit in str(self._number))
        return f"round {letters}, {phase}"

    def _in_outage(self, sender: PatientSender) -> int:
        named = self._named("outage")
        return sum(sent.phase == named for sent in sender.acknowledged().values())

    def _result(self, outage: Outage, senders: Sequence[PatientSender], began: float, ended: float) -> Result:
        start = time.monotonic()
        spans_after = self._sent_after(senders)
        in_time = wait_until(lambda: self._is_drained(senders, spans_after), 90.0)
        drained = time.monotonic() - start if in_time else None
        stats = self.rig.received
        return Result(
            outage=outage,
            counts={sender.signal: self._count(sender, began, ended) for sender in senders},
            drained=drained,
            hits=sum(hits(stats, self._named(phase)) for phase in ("before", "outage", "after")),
            hits_after=hits(stats, self._named("after")),
            spans_after=len(spans_after),
            refused=sum(sender.answers.total() - sender.answers[200] for sender in senders),
        )

    def _is_drained(self, senders: Sequence[PatientSender], spans_after: set[str]) -> bool:
        if any(self.rig.missing(sender) for sender in senders if sender.signal in self.durable):
            return False
        if not spans_after <= arrived(self.rig.received.refresh(), "traces").keys():
            return False
        return not self.statistics or hits(self.rig.received, self._named("after")) >= len(spans_after)

    def _sent_after(self, senders: Sequence[PatientSender]) -> set[str]:
        (spans,) = (sender for sender in senders if sender.signal == "traces")
        named = self._named("after")
        return {made for made, sent in spans.acknowledged().items() if sent.phase == named}

    def _count(self, sender: PatientSender, began: float, ended: float) -> Count:
        times, acknowledged = arrived(self.rig.received.refresh(), sender.signal), sender.acknowledged()
        lost = {made: sent for made, sent in acknowledged.items() if made not in times}
        calm_until = began - SPAN_MEMORY_SECONDS
        named = self._named("after")
        return Count(
            signal=sender.signal,
            acknowledged=len(acknowledged),
            in_outage=self._in_outage(sender),
            arrived=len(acknowledged) - len(lost),
            lost=len(lost),
            duplicates=sum(times[made] - 1 for made in acknowledged if made in times),
            lost_outside=sum(s.acknowledged < calm_until or s.phase == named for s in lost.values()),
        )
