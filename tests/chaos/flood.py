"""A long outage under load: memory, order, and whether the ledger adds up to the record.

Usage: python tests/chaos/flood.py [--seconds 600] [--rate 5000]

Logs of our distro, one in ten kept, go to a gateway whose intake refuses connections all the while. Then the
intake comes back and everything drains. Exit code 1 when a kept record is missing or came twice, the gateway
held more than its limit, a record came after a later one, or a sum of `tradewise-otel reconcile` does not add
up.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from gateway_rig import Rig, wait_until

from tradewise_otel.tools.ledgers.adding_up import Check, checks
from tradewise_otel.tools.ledgers.counts import from_recording

MEMORY_MIB = 512
"""What the gateway may hold (TRADEWISE_MEMORY_MIB)."""
BATCH = 500
_PLAIN = dict(zip("0123456789", "ghijklmnop", strict=True))


@dataclass(frozen=True)
class Outcome:
    """What a flood has shown.

    Attributes:
        sent, kept, arrived: records; `arrived` with those that came twice.
        missing: kept records that never came.
        peak_mib: the most memory that the gateway has held.
        step_back: by how many kept records one came after a later one, at most.
        drained_seconds: from the intake's return to the last record.
        sums: the equations of the ledger.
    """

    sent: int
    kept: int
    arrived: int
    missing: int
    peak_mib: float
    step_back: int
    drained_seconds: float
    sums: list[Check]

    @property
    def holds(self) -> bool:
        """Whether nothing was lost, doubled, overtaken or miscounted, and memory stayed below its limit."""
        whole = self.missing == 0 and self.arrived == self.kept
        return whole and self.peak_mib < MEMORY_MIB and self.step_back == 0 and self.adds_up

    @property
    def adds_up(self) -> bool:
        """Whether every sum does, and there is one."""
        return bool(self.sums) and all(check.holds for check in self.sums)


def flood(folder: Path, seconds: float, rate: int) -> Outcome:
    """Runs one; `rate` is records a second."""
    with Rig(folder, TRADEWISE_SELF_EVERY_MS="1000", TRADEWISE_MEMORY_MIB=str(MEMORY_MIB)) as rig:
        rig.break_intake("refused")
        sent = _send(rig.collector.http, seconds, rate)
        peak = _peak_mib(rig.collector.pid or 0)
        kept = {_id(number) for number in range(0, sent, 10)}
        began = time.monotonic()
        rig.mend_intake()
        wait_until(lambda: len(rig.received.refresh().logs) >= len(kept), 60 + seconds)
        drained = time.monotonic() - began
        wait_until(lambda: _all_hold(folder / "recording"), 30)
        logs = rig.received.refresh().logs
        ids = [str(log.attributes.get("event_id")) for log in logs]
        sums = checks(from_recording(folder / "recording"))
        peak = max(peak, _peak_mib(rig.collector.pid or 0))
    return Outcome(
        sent=sent,
        kept=len(kept),
        arrived=len(ids),
        missing=len(kept - set(ids)),
        peak_mib=peak,
        step_back=_step_back(ids),
        drained_seconds=drained,
        sums=sums,
    )


def _all_hold(recording: Path) -> bool:
    found = checks(from_recording(recording))
    return bool(found) and all(check.holds for check in found)


def _send(http: str, seconds: float, rate: int) -> int:
    """Sends at a steady pace; a request that is refused is sent again. How many records were taken."""
    began, sent = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        if sent >= passed * rate:
            time.sleep(0.005)
            continue
        _post(http, _payload(range(sent, sent + BATCH)))
        sent += BATCH
        if sent % (rate * 10) < BATCH:
            print(f"\r{passed:5.0f} s: {sent} records sent", end="", file=sys.stderr, flush=True)
    return sent


def _post(http: str, body: bytes) -> None:
    request = urllib.request.Request(f"{http}/v1/logs", body, {"Content-Type": "application/json"})
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30):
                return
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
            time.sleep(0.1)


def _payload(numbers: range) -> bytes:
    ours = [_pair("service.name", "flood"), _pair("telemetry.distro.name", "tradewise-otel")]
    records = [_record(number) for number in numbers]
    group = {
        "resource": {"attributes": ours},
        "scopeLogs": [{"scope": {"name": "flood"}, "logRecords": records}],
    }
    return json.dumps({"resourceLogs": [group]}).encode()


def _record(number: int) -> dict[str, object]:
    reason = "ratio" if number % 10 == 0 else "none"
    own = {
        "event_id": _id(number),
        "event_type": "api_response",
        "sampling.reason": reason,
        "path": "/orders",
    }
    attributes = [_pair(name, text) for name, text in own.items()]
    body = {"stringValue": "GET /orders 200"}
    return {"timeUnixNano": str(time.time_ns()), "severityNumber": 9, "body": body, "attributes": attributes}


def _pair(key: str, text: str) -> dict[str, object]:
    return {"key": key, "value": {"stringValue": text}}


def _id(number: int) -> str:
    """Letters only: sixteen digits can be a card number, and would be masked. They sort like numbers."""
    return "".join(_PLAIN[digit] for digit in f"{number:016d}")


def _step_back(ids: Sequence[str]) -> int:
    """By how many places the record that came latest after its turn is late."""
    place = {made: number for number, made in enumerate(sorted(set(ids)))}
    latest = worst = 0
    for made in ids:
        worst = max(worst, latest - place[made])
        latest = max(latest, place[made])
    return worst


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main(words: Sequence[str]) -> int:
    """Floods and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rate", type=int, default=5000, help="records a second")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="flood-") as folder:
        seen = flood(Path(folder), options.seconds, options.rate)
    print(f"\n{options.seconds:g} s without an intake at {options.rate} records/s")
    print(f"sent {seen.sent}, kept {seen.kept}, arrived {seen.arrived}, missing {seen.missing}")
    print(f"memory at most {seen.peak_mib:.0f} MiB of {MEMORY_MIB}; drained in {seen.drained_seconds:.0f} s")
    print(f"in order, but for {seen.step_back} records" if seen.step_back else "in order")
    for check in seen.sums:
        print(f"{check.what}: {check.left} {'=' if check.holds else 'IS NOT'} {check.right}")
    return 0 if seen.holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
