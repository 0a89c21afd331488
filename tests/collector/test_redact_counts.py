"""The Collector counts what it masks by rule and slot, and masks nothing of what is clean."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path

from harness.holds import holds
from otlp_wire import Start, log, post, records, span

from tradewise_otel.catalogue.sensitive import RULES
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses

CORPUS = Path(__file__).parents[1] / "unit" / "redact" / "clean_corpus.txt"


def _counting(start: Start) -> tuple[CollectorProcess, str]:
    """A Collector that serves its own metrics, and where."""
    port = free_addresses()["TRADEWISE_HEALTH"].rpartition(":")[2]
    collector = start("prometheus", TRADEWISE_PROMETHEUS_PORT=port)
    return collector, f"http://127.0.0.1:{port}/metrics"


def _counted(url: str) -> dict[tuple[str, str, str], int]:
    """How often by signal, rule and slot."""
    with urllib.request.urlopen(url) as answer:
        lines = [
            line for line in answer.read().decode().splitlines() if "tradewise_telemetry_redacted" in line
        ]
    counts = {}
    for line in lines:
        if not line.startswith("#"):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
            counts[labels["signal"], labels["reason"], labels["slot"]] = int(float(line.rpartition(" ")[2]))
    return counts


def test_what_is_masked_is_counted(start: Start) -> None:
    """Each secret counts once, under the signal, the rule and the slot where it was."""
    collector, url = _counting(start)
    post(collector.http, "logs", [log("password=hunter2 and password=hunter3", attributes={"api_key": "x"})])
    post(collector.http, "traces", [span(name="GET redis://:pa55word@cache:6379/0")])
    records(collector.data, "logs", 1)
    records(collector.data, "traces", 1)
    assert _counted(url) == {
        ("logs", "named_bare", "body"): 2,
        ("logs", "key", "log"): 1,
        ("traces", "url_password", "span_name"): 1,
    }


@holds("5.M3")
def test_clean_texts_are_left_alone(start: Start) -> None:
    """Clean lines of every kind, and every near miss, pass as they came; nothing is counted."""
    collector, url = _counting(start)
    texts = [line.replace("\\n", "\n") for line in CORPUS.read_text("utf-8").splitlines()]
    texts += [rule.near_miss for rule in RULES]
    post(collector.http, "logs", [log(text, attributes={"note": text}) for text in texts])
    found = records(collector.data, "logs", len(texts))
    assert [record["body"]["stringValue"] for record in found] == texts
    assert [record["attributes"]["note"] for record in found] == texts
    assert _counted(url) == {}
