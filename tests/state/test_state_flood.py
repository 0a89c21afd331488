"""Very many distinct addresses: what a process may take for them.

`TRADEWISE_ADDRESSES` is how many; a million take half a minute.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

from harness.holds import holds
from state.receiving import file_url

ADDRESSES = int(os.environ.get("TRADEWISE_ADDRESSES", "50000"))
_FLOOD = """
import sys, time
from state.receiving import Kept, state_at
from state.test_state_flood import megabytes
from tradewise_otel.state.inbox import Called

kept = Kept()
state = state_at(sys.argv[1], kept)
state.put(Called(None, "10.0.0.1", time.time_ns(), None))
time.sleep(1.5)
before = megabytes()
for number in range(int(sys.argv[2])):
    while not state.put(Called(None, f"2001:db8::{number:x}", time.time_ns(), ("trace", number))):
        time.sleep(0.01)
time.sleep(1.5)
print(megabytes() - before, len(kept.faults))
state.stop(5)
"""


def megabytes() -> float:
    """The most that this process ever had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@holds("4.M4")
def test_a_flood_of_addresses_costs_no_memory(tmp_path: Path) -> None:
    """With very many distinct addresses the process grows by less than 20 MB."""
    words = [sys.executable, "-c", _FLOOD, file_url(tmp_path), str(ADDRESSES)]
    ended = subprocess.run(
        words, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}, stdout=subprocess.PIPE
    )
    grown, faults = ended.stdout.split()
    assert (ended.returncode, int(faults)) == (0, 0)
    assert float(grown) < 20
