"""Records that came without a verdict are judged as the app would have judged them."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from otlp_wire import OURS, TRACE_ID, Start, log, post, records, span

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "sampling.json").read_text(encoding="utf-8"))
BY_RATE = {rate: list(rows) for rate, rows in groupby(VECTORS, key=lambda row: row["rate"])}
REJECTED = "ff" * 9 + "00" * 7
"""A trace id that no rate below 1 keeps."""


def _reasons(found: list[dict[str, Any]]) -> list[str]:
    return [record["attributes"]["sampling.reason"] for record in found]


@pytest.mark.parametrize("signal", ["logs", "traces"])
@pytest.mark.parametrize("rate", BY_RATE)
def test_the_shared_vectors_hold(start: Start, rate: float, signal: str) -> None:
    """Spans and logs of one trace get the answer that the app's own rule gives, at every rate."""
    rows = BY_RATE[rate]
    collector = start(TRADEWISE_SAMPLE_RATE=str(rate))
    make = log if signal == "logs" else span
    post(collector.http, signal, [make(traceId=row["trace_id"]) for row in rows])
    found = records(collector.data, signal, len(rows))
    assert _reasons(found) == ["ratio" if row["keep"] else "none" for row in rows]
    weights = [record["attributes"]["sampling.weight"] for record in found]
    assert weights == [pytest.approx(1 / rate) if row["keep"] else 1.0 for row in rows]


def test_a_record_speaks_for_itself_first(start: Start) -> None:
    """Events that always go, then severity, and only then the ratio; the laptop drops none of them."""
    collector = start(TRADEWISE_SAMPLE_RATE="0")
    sent = [
        log(severityNumber=9, attributes={"event_type": "business_bot_connected"}),
        log(severityNumber=13, attributes={"event_type": "security_login_failed"}),
        log(severityNumber=9, attributes={"event_type": "metric_bot_usage"}),
        log(severityNumber=13, attributes={"event_type": "api_response"}),
        log(severityText="error"),
        log(severityNumber=9, attributes={"event_type": "api_response"}),
        log(severityNumber=9),
    ]
    post(collector.http, "logs", sent)
    found = records(collector.data, "logs", len(sent))
    assert _reasons(found) == ["event", "event", "event", "severity", "severity", "none", "none"]
    assert {record["attributes"]["sampling.weight"] for record in found} == {1.0}


def test_a_failed_span_is_kept(start: Start) -> None:
    """A span of another service with the status `error` is kept whatever the ratio says."""
    collector = start(TRADEWISE_SAMPLE_RATE="0")
    post(collector.http, "traces", [span(status={"code": 2}), span()])
    assert _reasons(records(collector.data, "traces", 2)) == ["error", "none"]


def test_ours_without_a_reason_is_judged_too(start: Start) -> None:
    """A record of ours that lost its verdict is not lost with it."""
    collector = start(TRADEWISE_SAMPLE_RATE="0.1")
    post(collector.http, "logs", [log(traceId=REJECTED), log(traceId="f" * 32)], OURS)
    assert _reasons(records(collector.data, "logs", 2)) == ["none", "ratio"]


def test_without_a_trace_the_event_id_decides(start: Start) -> None:
    """Outside a request the ratio is drawn from the event id, as in the app."""
    collector = start(TRADEWISE_SAMPLE_RATE="0.1")
    sent = [log(attributes={"event_id": event_id}) for event_id in ("00ffffffffffffff", "ff00000000000000")]
    post(collector.http, "logs", sent)
    assert _reasons(records(collector.data, "logs", 2)) == ["ratio", "none"]


def test_without_any_id_the_ratio_still_holds(start: Start) -> None:
    """Lines with no id at all are thinned by the rate, and a line that is sent twice gets one answer."""
    collector = start(TRADEWISE_SAMPLE_RATE="0.1")
    lines = [log(f"line {number}") for number in range(1000)]
    post(collector.http, "logs", lines)
    post(collector.http, "logs", lines)
    reasons = _reasons(records(collector.data, "logs", 2000))
    assert reasons[:1000] == reasons[1000:]
    assert 60 <= reasons[:1000].count("ratio") <= 140


def test_a_trace_id_is_not_overruled(start: Start) -> None:
    """With a trace, its id decides and not the event's, or logs and spans would part."""
    collector = start(TRADEWISE_SAMPLE_RATE="0.1")
    sent = log(traceId=TRACE_ID[:18] + "0" * 14, attributes={"event_id": "f" * 16})
    post(collector.http, "logs", [sent])
    assert _reasons(records(collector.data, "logs", 1)) == ["none"]
