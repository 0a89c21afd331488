"""Whether the sums add up: within each tier, from tier to tier, and with what has arrived."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from tradewise_otel.tools.ledgers.counts import SIGNALS, Counts


@dataclass(frozen=True)
class Check:
    """One equation: what is on both sides, in words, and the two sums."""

    what: str
    left: int
    right: int

    @property
    def holds(self) -> bool:
        """Whether nothing is missing on either side."""
        return self.left == self.right


def checks(counts: Counts) -> list[Check]:
    """All equations that the tiers which have told anything allow; nothing on both sides says nothing."""
    found = [check for signal in SIGNALS for check in _of_signal(counts, signal)]
    return [check for check in found if check.left or check.right]


def _of_signal(counts: Counts, signal: str) -> Iterator[Check]:
    tiers = counts.tiers
    if "app" in tiers and counts.sum("app", "emitted", signal):
        yield Check(
            f"{signal}: app emitted = sampled out + delivered + dropped",
            counts.sum("app", "emitted", signal),
            _ends(counts, "app", signal),
        )
    for before, tier in itertools.pairwise(tiers):
        yield Check(
            f"{signal}: {before} delivered = {tier} received",
            counts.sum(before, "delivered", signal),
            counts.sum(tier, "received", signal),
        )
    for tier in tiers:
        # Datadog's exporter of spans counts payloads and not what becomes of them.
        if tier != "app" and not (tier == "gateway" and signal == "traces"):
            yield Check(
                f"{signal}: {tier} received = sampled out + delivered + dropped",
                counts.sum(tier, "received", signal),
                _ends(counts, tier, signal),
            )
    if tiers and tiers[-1] != "app" and not (tiers[-1] == "gateway" and signal == "traces"):
        arrived = sum(count for (its, _), count in counts.arrived.items() if its == signal)
        delivered = counts.sum(tiers[-1], "delivered", signal)
        yield Check(
            f"{signal}: {tiers[-1]} delivered = arrived + twins", delivered, arrived + _twins(counts, signal)
        )


def _ends(counts: Counts, tier: str, signal: str) -> int:
    return sum(counts.sum(tier, what, signal) for what in ("sampled_out", "delivered", "dropped"))


def _twins(counts: Counts, signal: str) -> int:
    return counts.twins if signal == "logs" else 0
