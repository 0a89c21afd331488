"""An outage under load, short; `make flood` is the long one."""

from __future__ import annotations

from pathlib import Path

from flood import flood
from harness.holds import holds


@holds("5.M5")
def test_an_outage_under_load(tmp_path: Path) -> None:
    """Memory stays below its limit, everything drains in order, and the ledger adds up to the record."""
    seen = flood(tmp_path, seconds=10, rate=2000)
    assert seen.adds_up, seen.sums
    assert seen.holds, seen
