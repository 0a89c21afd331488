"""Records a second that one core of the gateway handles, layer by layer, as shares of what it can do at most.

Usage: python tests/bench/collector.py [--seconds 5] [--rounds 3] [--signal logs | spans]

The ceiling is the same gateway with its memory guard and the filter alone: records come in by OTLP/HTTP, 500
a request, one in ten leaves. Measured twice a round, so that the two say what a difference is worth. CPU is
the process's, under GOMAXPROCS=1, over records taken. Exit code 1 when a budget is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import collector_payload
import psutil

from tradewise_otel.tools.collector.build import build, cache_dir, go_environ
from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses
from tradewise_otel.tools.ports import free_port

HERE = Path(__file__).parent
CONNECTIONS = 4


@dataclass(frozen=True)
class Row:
    """One way to put the gateway together.

    Attributes:
        pipelines: what differs from the overlays' pipelines, as YAML; empty: nothing.
        budget: least share of the ceiling; None: no budget.
    """

    name: str
    overlays: tuple[str, ...]
    pipelines: str
    budget: float | None = None


def _pipeline(name: str, processors: str, more: str = "") -> str:
    return f"    {name}:\n      processors: [{processors}]\n{more}"


_LOGS_OUT = _pipeline("logs/datadog", "")
_LOGS = [
    Row("ceiling", (), _pipeline("logs/in", "memory_limiter, filter/keep") + _LOGS_OUT),
    Row("ceiling again", (), _pipeline("logs/in", "memory_limiter, filter/keep") + _LOGS_OUT),
    Row("nothing dropped", (), _pipeline("logs/in", "memory_limiter") + _LOGS_OUT),
    Row(
        "with redaction",
        (),
        _pipeline("logs/in", "memory_limiter, tradewise_redaction, filter/keep") + _LOGS_OUT,
    ),
    Row("everything", (), "", budget=0.75),
]
_OTLP = ("datadog-otlp",)
# The connector of the statistics has nobody to listen to.
_SPANS_IN = "      exporters: [forward/spans]\n    metrics/statistics:\n      receivers: [otlp]\n"
_NO_STATISTICS = (
    "memory_limiter, transform/normalise, tradewise_redaction, transform/classify, transform/sample, "
    "transform/identity, transform/resource"
)
_SPANS = [
    Row("ceiling", _OTLP, _pipeline("traces/in", "memory_limiter", _SPANS_IN)),
    Row("ceiling again", _OTLP, _pipeline("traces/in", "memory_limiter", _SPANS_IN)),
    Row(
        "nothing dropped",
        _OTLP,
        _pipeline("traces/in", "memory_limiter", _SPANS_IN) + _pipeline("traces/datadog", ""),
    ),
    Row("with redaction", _OTLP, _pipeline("traces/in", "memory_limiter, tradewise_redaction", _SPANS_IN)),
    Row("everything but statistics", _OTLP, _pipeline("traces/in", _NO_STATISTICS, _SPANS_IN), budget=0.75),
    # 70,000 where the ceiling was 254,000.
    Row("everything, Datadog's statistics", (), "", budget=0.27),
    Row("everything, statistics as metrics", _OTLP, ""),
]
SIGNALS = {
    "logs": (_LOGS, "/v1/logs", collector_payload.logs),
    "spans": (_SPANS, "/v1/traces", collector_payload.spans),
}


def main(words: list[str]) -> int:
    """Measures and prints; see the module's text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--signal", choices=SIGNALS, action="append")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder, _sink(Path(folder)) as sink:
        met = [
            _table(signal, Path(folder), sink, options.seconds, options.rounds)
            for signal in options.signal or SIGNALS
        ]
    return 0 if all(met) else 1


def _table(signal: str, folder: Path, sink: str, seconds: float, rounds: int) -> bool:
    rows, path, payload = SIGNALS[signal]
    (folder / signal).write_bytes(payload())
    rates: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds):
        for row in rows:
            print(f"\r{signal} round {number + 1}: {row.name:<34}", end="", file=sys.stderr, flush=True)
            rates[row.name].append(_rate(row, folder, sink, path, folder / signal, seconds))
    print(f"\r{signal}, {collector_payload.RECORDS} a request, {rounds} rounds of {seconds:g} s{' ' * 20}")
    kept = [_say(row, rates) for row in rows]
    return all(kept)


def _say(row: Row, rates: dict[str, list[float]]) -> bool:
    """Prints a row; whether it keeps its budget. The ceiling is the better one of the two, round by round."""
    ceilings = map(max, zip(rates["ceiling"], rates["ceiling again"], strict=True))
    share = statistics.median(rate / ceiling for rate, ceiling in zip(rates[row.name], ceilings, strict=True))
    wanted = f"at least {row.budget}" if row.budget else ""
    verdict = "" if row.budget is None else ("  met" if share >= row.budget else "  MISSED")
    rate = statistics.median(rates[row.name])
    print(f"  {row.name:<34} {rate:>10,.0f}/s/core {share:6.2f}  {wanted}{verdict}")
    return row.budget is None or share >= row.budget


def _rate(row: Row, folder: Path, sink: str, path: str, payload: Path, seconds: float) -> float:
    """Records a second of CPU."""
    layer = folder / "row.yaml"
    layer.write_text(f"service:\n  pipelines:\n{row.pipelines}" if row.pipelines else "{}\n")
    role = load_role("gateway", row.overlays, layer)
    with tempfile.TemporaryDirectory(dir=folder) as data:
        settings = {f"TRADEWISE_DD_{intake}_URL": sink for intake in ("OTLP", "TRACES", "METRICS", "LOGS")}
        settings |= {"TRADEWISE_DATA_DIR": data, "DD_API_KEY": "dummy", "GOMAXPROCS": "1", **free_addresses()}
        with CollectorProcess(build(role, os.environ, lambda _: None), role, settings) as collector:
            process = psutil.Process(collector.pid)
            _send(collector.http + path, payload, seconds / 5)
            before = _cpu(process)
            taken = _send(collector.http + path, payload, seconds)
            # What is on its way out belongs to these records too.
            time.sleep(2)
            return taken * collector_payload.RECORDS / (_cpu(process) - before)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _send(url: str, payload: Path, seconds: float) -> int:
    argv = [_program(), "send", url, str(payload), str(seconds), str(CONNECTIONS)]
    taken, refused = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    if int(refused) > int(taken) / 20:
        raise SystemExit(f"{url} refused {refused} of {int(taken) + int(refused)} requests")
    return int(taken)


@contextmanager
def _sink(folder: Path) -> Iterator[str]:
    port = free_port()
    with subprocess.Popen([_program(), "sink", f"127.0.0.1:{port}"]) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _program() -> str:
    """The sender and the sink, built by Go's own cache."""
    path = cache_dir(os.environ) / "bench-load"
    environ = go_environ(os.environ, cache_dir(os.environ))
    subprocess.run(
        ["go", "build", "-o", str(path), "."], cwd=HERE / "collector_load", env=environ, check=True
    )
    return str(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
