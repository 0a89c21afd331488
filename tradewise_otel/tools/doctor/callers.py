"""Who calls, as the laptop's files have it: one address for all is a proxy's, or your own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tradewise_otel.tools import otlp_json
from tradewise_otel.tools.doctor.finding import Finding

_FEWEST, _SHARE = 100, 0.9


def addresses(folder: Path) -> Iterator[Finding]:
    """Says so where one address has over 90 % of at least 100 requests (contract 2, `client_ip`)."""
    file = folder / "logs.jsonl"
    if not file.exists():
        return
    with file.open(encoding="utf-8") as lines:
        counted = Counter(address for line in lines for address in _of_requests(line))
    total = counted.total()
    for address, count in counted.most_common(1):
        if total >= _FEWEST and count > _SHARE * total:
            yield Finding(
                "note",
                "client_ip",
                f"{address} has {count} of {total} requests in {file}",
                "behind a proxy: uvicorn --proxy-headers --forwarded-allow-ips …",
            )


def _of_requests(line: str) -> Iterator[str]:
    if '"api_request"' not in line:
        return
    try:
        request = json.loads(line)
    except ValueError:
        # The last line may be half written.
        return
    for record in otlp_json.records(request, "logs"):
        said = otlp_json.texts(record)
        if said.get("event_type") == "api_request" and said.get("client_ip"):
            yield said["client_ip"]
