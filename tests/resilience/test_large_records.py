"""Records as large as they may be: requests stay of a size that a Collector takes."""

from __future__ import annotations

from pathlib import Path

from harness.script import run_script
from harness.sink import Sink

RECORDS = 60
MOST = (2 << 20) + 200_000
"""A request's bound, and the record that crosses it."""

SOURCE = f"""
import logging
log = logging.getLogger("app")
log.setLevel(logging.INFO)
large = {{f"field{{n}}": "x" * 1000 for n in range(100)}}
for number in range({RECORDS}):
    log.info("record %s", number, extra=large)
"""


def test_requests_are_bounded_in_bytes(tmp_path: Path) -> None:
    """Sixty records of 100 KB, logged in a burst, all arrive, in requests of about 2 MiB at most."""
    with Sink() as sink:
        ended = run_script(tmp_path / "app", SOURCE, {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url})
        arrived = {log["body"] for log in sink.logs}
    assert ended.code == 0
    assert {f"record {number}" for number in range(RECORDS)} <= arrived
    sizes = [len(body) for body in sink.raw]
    assert sum(sizes) > RECORDS * 100_000
    assert max(sizes) < MOST
