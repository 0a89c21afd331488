"""The same session by our encoder and by upstream's: the Collector cannot tell them apart."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from harness import apps
from harness.app import App
from harness.holds import holds
from harness.sink import Sink
from harness.stub import stub

from tradewise_otel.catalogue.metrics import METRICS

PATHS = ["/orders/7", "/orders/x", "/boom", "/login", "/nowhere"]
IDS = {"trace_id", "span_id", "parent_span_id", "event_id", "request_id", "service.instance.id"}
SAID = {"status_code", "http.response.status_code", "severity_number", "kind", "status", "sampling.weight"}
"""Numbers that are the same in every run."""


@dataclass
class Session:
    """What one session left: records and spans by their shape, metrics, and faults of ours by signal."""

    logs: Counter[str]
    spans: Counter[str]
    metrics: dict[str, set[str]]
    requests: float
    faults: set[str]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """The session by our encoder."""
    return session(tmp_path_factory.mktemp("own"), {})


@holds("3.M4")
def test_upstreams_encoder_sends_the_same(own: Session, tmp_path: Path) -> None:
    """With TRADEWISE_ENCODER=upstream ours is never asked, and the Collector receives the same."""
    assert own.faults == set()
    theirs = session(tmp_path, {"TRADEWISE_ENCODER": "upstream", "BREAK_OUR_ENCODER": "1"})
    assert theirs == own, (theirs.logs - own.logs, theirs.spans - own.spans)


@holds("3.M4")
def test_a_broken_encoder_costs_nothing_but_a_count(own: Session, tmp_path: Path) -> None:
    """Where our encoder fails upstream's takes over, and the fault is counted, for each of the signals."""
    saved = session(tmp_path, {"BREAK_OUR_ENCODER": "1"})
    assert saved.faults == {"logs", "traces", "metrics"}
    assert (saved.logs, saved.spans, saved.requests) == (own.logs, own.spans, own.requests)


def session(folder: Path, env: dict[str, str]) -> Session:
    """Serves the app, asks for each path, and reads what came."""
    shutil.copy(Path(apps.__file__).parent / "encoded.py", folder / "app.py")
    with stub() as port, Sink() as sink:
        doors = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "STUB": f"http://127.0.0.1:{port}/"}
        same = {
            "OTEL_METRIC_EXPORT_INTERVAL": "300",
            "TRADEWISE_PSEUDONYM_KEY": "k",
            "TRADEWISE_ENCODER": "own",
        }
        with App(folder, env={**doors, **same, **env}) as app:
            for path in PATHS:
                httpx.get(app.url + path, headers={"connection": "close"})
            # The last metrics, at the exit, tell what became of these.
            sink.wait(lambda s: s.total("api.requests.count"))
    assert sorted(line["event_id"] for line in app.lines) == sorted(log["event_id"] for log in sink.logs)
    return Session(
        Counter(shape(log, folder) for log in sink.logs),
        Counter(shape(span, folder) for span in sink.spans),
        {name: {shape(labels, folder) for labels, _ in sink.metric(name)} for name in metric_names(sink)},
        sink.total("api.requests.count"),
        {
            x["signal"]
            for x, _ in sink.metric("tradewise.telemetry.dropped")
            if x["reason"] == "internal_error"
        },
    )


def metric_names(sink: Sink) -> set[str]:
    """Names of the metrics that came."""
    return {name for name in [*(row.name for row in METRICS), "app.fills"] if sink.metric(name)}


def shape(record: dict[str, Any], folder: Path) -> str:
    """A record without what differs between two runs: ids by their length, most numbers by their type."""
    text = json.dumps(record, default=repr).replace(str(folder), "")
    return json.dumps(_shape(json.loads(text), ""), sort_keys=True)


def _shape(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _shape(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_shape(item, name) for item in value]
    if isinstance(value, str):
        return len(value) if name in IDS else re.sub(r"\d+", "#", value)
    if isinstance(value, bool) or value is None or name in SAID:
        return str(value)
    return type(value).__name__
