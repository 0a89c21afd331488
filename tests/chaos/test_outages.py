"""Short outages with a kill -9 in the middle; `make chaos` has ten long ones."""

from __future__ import annotations

import random
from pathlib import Path

from chaos_records import SIGNALS, Signal
from gateway_rig import Rig, Way
from harness.holds import holds
from outages import Outage, Result, Run

RECORDS = 300


def outage(first: Way, second: Way) -> Outage:
    """Four seconds without the intake."""
    return Outage(before=1.0, first=first, kill_after=2.0, second=second, seconds=4.0, after=1.0)


def outcome(rig: Rig, what: Outage, durable: tuple[Signal, ...] = ("logs", "metrics")) -> Result:
    """Run one outage; what is to hold of every one is asserted here."""
    result = Run(rig, RECORDS, random.Random(), durable).outage(what)
    print(result)
    assert result.refused > 0, "nobody noticed that the Collector was killed"
    assert all(count.in_outage >= RECORDS for count in result.counts.values())
    return result


@holds("2.M4")
def test_no_log_and_no_metric_point_is_lost(tmp_path: Path) -> None:
    """An outage with a kill -9 in it loses no log and no metric point that was acknowledged, and no span
    that was sent outside of it; statistics never count a span that was not sent.
    """
    with Rig(tmp_path) as rig:
        result = outcome(rig, outage("refused", 500))
        assert result.drained is not None, rig.collector.tail()
        counts = result.counts
        assert (counts["logs"].lost, counts["metrics"].lost, counts["traces"].lost_outside) == (0, 0, 0)
        assert result.hits <= counts["traces"].acknowledged


@holds("2.M4")
def test_overlay_datadog_otlp_loses_no_span_either(tmp_path: Path) -> None:
    """With overlay datadog-otlp no span is lost in an outage with a kill -9 in it."""
    with Rig(tmp_path, ["datadog-otlp"]) as rig:
        result = outcome(rig, outage(429, "refused"), SIGNALS)
        assert {signal: count.lost for signal, count in result.counts.items()} == dict.fromkeys(SIGNALS, 0)


def test_overlay_datadog_exporter_only_loses_logs(tmp_path: Path) -> None:
    """These tests can fail: overlay datadog-exporter-only, which says that it is not durable, loses logs."""
    with Rig(tmp_path, ["datadog-exporter-only"]) as rig:
        result = outcome(rig, outage("refused", 500), ())
        assert result.counts["logs"].lost > 0
