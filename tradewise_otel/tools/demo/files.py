"""The demo's end on a laptop: the Collector's files, with every record and what was decided about it."""

from collections import Counter
from pathlib import Path

from tradewise_otel.tools.demo import summary


class Files:
    """Where records go with `demo`: role laptop, files in `data`."""

    role = "laptop"
    patience = "a few seconds"

    def __init__(self, data: Path) -> None:
        self._data = data
        self._arrived = summary.Arrived()

    def settings(self) -> dict[str, str]:
        """What its Collector needs beside addresses and folder."""
        return {}

    def look(self, wanted: set[str], shown: Counter[str]) -> bool:
        """Read what has arrived; tells whether that is all of `wanted` (event ids) and of what was shown."""
        self._arrived = summary.read(self._data)
        return wanted <= self._arrived.event_ids and not self.missing(shown)

    def report(self, wanted: set[str]) -> str:
        """The table, and what is still under way."""
        late = len(wanted - self._arrived.event_ids)
        text = f"\n{summary.table(self._arrived)}\n"
        if late:
            text += f"\n{late} of {len(wanted)} records of the second round are still under way"
        return text

    def missing(self, shown: Counter[str]) -> list[str]:
        """Expected events that were not printed, or did not arrive."""
        return summary.missing(shown, self._arrived)

    def where(self) -> list[str]:
        """What there is to look at afterwards."""
        files = [f"  {self._data / name}.jsonl" for name in ("logs", "traces", "metrics")]
        return ["kept: goes to Datadog; sampled out: counted, and only in these files, which stay:", *files]
