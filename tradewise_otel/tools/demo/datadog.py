"""The demo's end at Datadog: its intake is played on this machine, and shows what it was sent.

The wire is Datadog's own: what the Collector sends here it would send there, with another key.
"""

import os
from collections import Counter
from collections.abc import Iterable

from tradewise_otel.catalogue.lookup import event_for
from tradewise_otel.tools.collector.build import cache_dir
from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.demo import summary
from tradewise_otel.tools.standin.definitions import load_definitions
from tradewise_otel.tools.standin.received import Received
from tradewise_otel.tools.standin.server import StandIn

KEY = "a-key-that-only-the-stand-in-knows"
INTAKES = ("OTLP", "TRACES", "METRICS", "LOGS")


class Datadog:
    """Where records go with `demo --datadog`: role gateway, and a stand-in for Datadog that is listening."""

    role = "gateway"
    patience = "Datadog's statistics take up to half a minute"

    def __init__(self, standin: StandIn) -> None:
        self._standin = standin
        self._received: Received | None = None
        self._answered = 0

    def settings(self) -> dict[str, str]:
        """The key and the four intakes."""
        return {"DD_API_KEY": KEY, **{f"TRADEWISE_DD_{name}_URL": self._standin.url for name in INTAKES}}

    def look(self, _wanted: set[str], shown: Counter[str]) -> bool:
        """Read what has arrived; tells whether metrics and statistics have every answered request."""
        if self._received is None:
            lock = load_role(self.role).lock
            definitions = load_definitions(lock, os.environ, cache_dir(os.environ))
            self._received = Received(self._standin.recording, definitions)
        self._received.refresh()
        self._answered = shown["api_response"]
        exact = self._requests() >= self._answered and self._hits() >= self._answered
        return exact and bool(self._received.spans) and not self.missing(shown)

    def report(self, _wanted: set[str]) -> str:
        """What Datadog has: logs by event type, statistics by resource, requests counted three ways."""
        received = self._datadog
        logs = Counter(str(log.attributes.get("event_type", "")) for log in received.logs)
        rows = [(name or "(log lines)", count) for name, count in logs.most_common()]
        requests = {span.trace_id for span in received.spans if span.meta.get("span.kind") == "server"}
        counts = [
            ("requests answered, as the backend printed them", self._answered),
            ("metric api.requests.count", self._requests()),
            ("statistics, hits of requests", self._hits()),
            ("requests that were kept, spans and logs", len(requests)),
        ]
        return "\n".join(
            [
                *("", _table("logs at Datadog, by @event_type", rows)),
                *("", _table("statistics at Datadog (trace.*), hits by resource", self._resources())),
                *("", _table("exact in spite of sampling", counts), ""),
            ]
        )

    def missing(self, shown: Counter[str]) -> list[str]:
        """Expected events that were not printed, or that always go to Datadog and did not arrive."""
        there = {log.attributes.get("event_type") for log in self._datadog.logs}
        not_shown = [name for name in summary.EXPECTED if not shown[name]]
        always = [name for name in summary.EXPECTED if _always_kept(name)]
        return not_shown + [
            f"{name} (not at Datadog)" for name in always if shown[name] and name not in there
        ]

    def where(self) -> list[str]:
        """What there is to look at afterwards."""
        return ["every request that Datadog's stand-in got, with its body:", f"  {self._standin.folder}"]

    @property
    def _datadog(self) -> Received:
        assert self._received is not None
        return self._received

    def _requests(self) -> int:
        return int(sum(p.value for p in self._datadog.metrics if p.name == "api.requests.count"))

    def _hits(self) -> int:
        return sum(row.hits for row in self._datadog.stats if row.span_kind == "server")

    def _resources(self) -> list[tuple[str, int]]:
        hits: Counter[str] = Counter()
        for row in self._datadog.stats:
            hits[f"{row.name} {row.resource}"[:70]] += row.hits
        return hits.most_common(12)


def _table(title: str, rows: Iterable[tuple[str, int]]) -> str:
    lines = [f"{name:70}  {count:>6}" for name, count in rows]
    return "\n".join([title, "-" * 78, *lines])


def _always_kept(name: str) -> bool:
    event = event_for(name)
    return event.keeps != "ratio" and not event.keeps_when
