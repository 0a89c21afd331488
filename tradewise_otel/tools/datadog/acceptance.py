"""Whether a real organisation makes of our records what the contract says: sent by both exporters, read back.

How Datadog's OTLP intake treats attributes is documented and not tried by anybody's test: this is the try.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from typing import Any

from tradewise_otel.tools.collector.config import Role, load_role
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses
from tradewise_otel.tools.standin.otlp import flattened

from .account import Account
from .marked import MARK, Marked, marked, payload

ROADS: dict[str, tuple[str, ...]] = {"otlp_http": (), "datadog": ("datadog-exporter-only",)}
"""The exporter that logs leave by, and the overlays of role gateway that choose it."""

SEARCH = "/api/v2/logs/events/search"
SCOPE = "logs_read_data"
POLL_SECONDS = 2.0


@dataclass(frozen=True)
class Verdict:
    """One field of one record by one road: what it must be, and what the organisation has (None: nothing)."""

    road: str
    event_type: str
    field: str
    expected: Any
    found: Any

    @property
    def holds(self) -> bool:
        """Whether they are the same; a log level has two spellings, and an `int` may come as a `float`."""
        return bool(self.found == self.expected) or (self.expected, self.found) == ("warn", "warning")


def send(road: str, find: Callable[[Role], Path], folder: Path) -> list[Marked]:
    """Ten records through a gateway to the organisation of `DD_API_KEY`.

    Args:
        road: of `ROADS`.
        find: gives the binary of a role.
        folder: for the gateway's queue.

    Raises:
        CollectorError: the gateway does not start.
        URLError: it refuses the records.
    """
    role = load_role("gateway", ROADS[road])
    records = marked(uuid.uuid4().hex)
    with CollectorProcess(
        find(role), role, {**free_addresses(), "TRADEWISE_DATA_DIR": str(folder)}
    ) as gateway:
        request = urllib.request.Request(
            f"{gateway.http}/v1/logs",
            dumps(payload(records)).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=30).read()
        # Batches leave within a second; stopping hands the rest over.
        time.sleep(POLL_SECONDS)
    return records


def read_back(account: Account, road: str, records: list[Marked], patience: float) -> list[Verdict]:
    """The verdict on each field of each record, once all have come or `patience` seconds have passed.

    Raises:
        AccountError: the organisation cannot be asked.
    """
    deadline = time.monotonic() + patience
    found: dict[str, Mapping[str, Any]] = {}
    while len(found) < len(records):
        found = _found(account, records[0].expected[f"@{MARK}"])
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS if len(found) < len(records) else 0)
    return [
        verdict for record in records for verdict in _verdicts(road, record, found.get(record.event_type))
    ]


def _found(account: Account, mark: str) -> dict[str, Mapping[str, Any]]:
    """What the organisation has, by event type, in the form of `Marked.expected`."""
    asked = {"filter": {"query": f"@{MARK}:{mark}", "from": "now-1h", "to": "now"}, "page": {"limit": 100}}
    answer = account.ask("POST", SEARCH, asked, SCOPE)
    logs = [_fields(log["attributes"]) for log in answer.get("data", [])]
    return {str(fields.get("@event_type")): fields for fields in logs}


def _fields(log: Mapping[str, Any]) -> dict[str, Any]:
    fields = {f"@{name}": value for name, value in flattened(log.get("attributes", {})).items()}
    fields |= {name: log.get(name) for name in ("service", "status", "message")}
    env = [tag[4:] for tag in log.get("tags", []) if tag.startswith("env:")]
    return {**fields, "env": env[0] if env else None}


def _verdicts(road: str, record: Marked, found: Mapping[str, Any] | None) -> Iterator[Verdict]:
    if found is None:
        yield Verdict(road, record.event_type, "the record itself", "there", None)
        return
    for field, expected in record.expected.items():
        yield Verdict(road, record.event_type, field, expected, found.get(field))
