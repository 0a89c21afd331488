"""What every tier has counted, and what has arrived: from the laptop's files, or from a recording."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tradewise_otel.tools import otlp_json

LEDGER = "tradewise.telemetry."
SIGNALS = ("logs", "traces")
_DETAIL = ("reason", "filter", "exporter", "receiver")


@dataclass
class Counts:
    """Sums of one run.

    Attributes:
        told: what a tier has counted, by tier, what, signal, and reason, filter, exporter or receiver.
        arrived: by (signal, event type): records at the end of the road, each once.
        twins: records that came more than once.
    """

    told: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    arrived: Counter[tuple[str, str]] = field(default_factory=Counter)
    twins: int = 0
    _seen: set[str] = field(default_factory=set)

    def tell(self, name: str, tags: Mapping[str, str], number: float) -> None:
        """One point of a ledger's metric; others are left out."""
        if name.startswith(LEDGER) and tags.get("signal"):
            detail = next((tags[key] for key in _DETAIL if tags.get(key)), "")
            what = name.removeprefix(LEDGER)
            self.told[tags.get("tier", "app"), what, tags["signal"], detail] += round(number)

    def arrive(self, signal: str, event_type: str, event_id: str) -> None:
        """One record; a second one of the same `event_id` is a twin."""
        if event_id and event_id in self._seen:
            self.twins += 1
            return
        self._seen.add(event_id)
        self.arrived[signal, event_type or "(plain)"] += 1

    def sum(self, tier: str, what: str, signal: str, detail: str = "") -> int:
        """What a tier has counted; of one detail, if it is given."""
        return sum(
            count
            for (its_tier, its_what, its_signal, its_detail), count in self.told.items()
            if (its_tier, its_what, its_signal) == (tier, what, signal) and detail in ("", its_detail)
        )

    @property
    def tiers(self) -> list[str]:
        """The tiers that have told anything, from the app on."""
        told = {tier for tier, *_ in self.told}
        return [tier for tier in ("app", "agent", "gateway", "laptop") if tier in told]


def from_files(folder: Path) -> Counts:
    """From the files that the laptop's Collector writes.

    Raises:
        FileNotFoundError: the folder has none.
    """
    if not (folder / "metrics.jsonl").exists():
        raise FileNotFoundError(f"{folder} has no metrics.jsonl: name the folder of a laptop's Collector")
    counts = Counts()
    for metric in _records(folder, "metrics"):
        data = metric.get("sum") or {}
        for point in data.get("dataPoints", []):
            number = float(point.get("asInt", point.get("asDouble", 0)))
            counts.tell(metric["name"], otlp_json.texts(point), number)
    for signal in SIGNALS:
        for record in _records(folder, signal):
            own = otlp_json.texts(record)
            counts.arrive(signal, own.get("event_type", ""), own.get("event_id") or record.get("spanId", ""))
    return counts


def from_recording(folder: Path) -> Counts:
    """From a recording of Datadog's stand-in; spans are not among it where Datadog's exporter sent them.

    Raises:
        FileNotFoundError: the folder is no recording.
    """
    from tradewise_otel.tools.standin.reading import received_of

    received, counts = received_of(folder), Counts()
    for point in received.metrics:
        tags = dict(tag.partition(":")[::2] for tag in point.tags)
        counts.tell(point.name, tags, point.value)
    for log in received.logs:
        own = log.attributes
        counts.arrive("logs", str(own.get("event_type", "")), str(own.get("event_id", "")))
    return counts


def _records(folder: Path, signal: str) -> Iterator[dict[str, Any]]:
    # Rotated files first; they are named by their time.
    for file in [*sorted(folder.glob(f"{signal}-*.jsonl")), folder / f"{signal}.jsonl"]:
        for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
            yield from otlp_json.records(json.loads(line), signal)
