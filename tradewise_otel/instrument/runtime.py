"""What every instrument is handed: settings, the way out, what feeds the metrics, the account of faults."""

from __future__ import annotations

from dataclasses import dataclass

from tradewise_otel.out.sink import Sink
from tradewise_otel.pipeline.feed import Feed
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.record.verdict import Verdicts
from tradewise_otel.settings import Settings


@dataclass(frozen=True)
class Runtime:
    """The parts of one process's pipeline that the instruments use."""

    settings: Settings
    sink: Sink
    feed: Feed
    ledger: Ledger
    verdicts: Verdicts
