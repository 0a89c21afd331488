"""Outages of Datadog with a kill -9 of the Collector in each, at random instants: what is lost?

Each round sends logs, metric points and spans to a gateway Collector, takes the intake away (refused
connections, no answer, cut connections, 403, 429, 500 or 503), kills the Collector somewhere in between,
starts it again on the same data folder, lets the intake come back, waits, and compares what was acknowledged
with what has arrived. Exit code 1 when a log or a metric point was lost, or a span that was sent with
everything well.

The same --seed draws the same instants and ways; what the machine does in between is never the same.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from chaos_records import SIGNALS, Signal
from gateway_rig import Rig
from outages import Result, Run, draw

_SPANS_DURABLE = ("datadog-otlp", "datadog-agent")
_STARTED = time.monotonic()


def main(words: Sequence[str]) -> int:
    """Run the rounds and print the table."""
    options = _options(words)
    seed = options.seed if options.seed is not None else random.randrange(1_000_000)
    overlays = [options.overlay] if options.overlay else []
    _say(
        f"{options.rounds} outages of {options.outage:g} s; seed {seed}, overlay {options.overlay or 'none'}"
    )
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, Rig(Path(folder), overlays) as rig:
        run = _run(rig, options, random.Random(seed))
        for number, outage in enumerate(draw(random.Random(seed), options.outage, options.rounds), 1):
            _say(f"round {number} of {options.rounds}: the intake: {outage.first}, then {outage.second}")
            results.append(run.outage(outage))
            _say(_in_short(results[-1]))
    print(_table(results))
    return _verdict(results, run.durable)


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10, metavar="N", help="how many outages; default 10")
    parser.add_argument("--outage", type=float, default=30, metavar="S", help="seconds of each; default 30")
    parser.add_argument(
        "--records",
        type=int,
        default=1000,
        metavar="N",
        help="of each signal, within an outage; default 1000",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="default: a random one, which is printed")
    parser.add_argument("--overlay", metavar="NAME", help="an overlay of the gateway, such as datadog-otlp")
    return parser.parse_args(words)


def _run(rig: Rig, options: argparse.Namespace, rng: random.Random) -> Run:
    durable: tuple[Signal, ...] = SIGNALS if options.overlay in _SPANS_DURABLE else ("logs", "metrics")
    # The overlays that are durable leave the statistics to others.
    statistics = options.overlay not in _SPANS_DURABLE
    return Run(rig, options.records, rng, durable, statistics, lambda line: _say(f"  {line}"))


def _say(line: str) -> None:
    print(f"[{time.monotonic() - _STARTED:4.0f} s] {line}", flush=True)


def _in_short(result: Result) -> str:
    lost = ", ".join(f"{count.lost} {signal}" for signal, count in result.counts.items())
    drained = "not all has arrived" if result.drained is None else f"drained in {result.drained:.1f} s"
    return f"  lost {lost}; {drained}; senders tried again {result.refused} times"


def _table(results: Sequence[Result]) -> str:
    lines = [
        "",
        "acknowledged (of those in the outage), lost, arrived again",
        f"{'away':>19} {'logs':>24} {'metric points':>24} {'spans':>24} {'statistics':>14} {'drain':>7}",
    ]
    for result in results:
        away = f"{result.outage.first}, {result.outage.second}"
        cells = [
            f"{f'{c.acknowledged} ({c.in_outage}), {c.lost}, {c.duplicates}':>24}"
            for c in result.counts.values()
        ]
        spans = result.counts["traces"].acknowledged
        drain = "never" if result.drained is None else f"{result.drained:.1f} s"
        lines.append(f"{away:>19} {' '.join(cells)} {f'{result.hits} of {spans}':>14} {drain:>7}")
    return "\n".join(lines)


def _verdict(results: Sequence[Result], durable: Sequence[Signal]) -> int:
    """Print what must not be, and the exit code for it."""
    problems = []
    for number, result in enumerate(results, 1):
        for signal, count in result.counts.items():
            lost = count.lost if signal in durable else count.lost_outside
            if lost:
                problems.append(f"round {number}: {lost} {signal} lost that must not be")
        spans = result.counts["traces"]
        if result.hits > spans.acknowledged:
            problems.append(
                f"round {number}: statistics of {result.hits} spans, {spans.acknowledged} were sent"
            )
    total = sum(count.acknowledged for result in results for count in result.counts.values())
    print(
        "\n".join(problems)
        or f"\nnothing that must not be lost was, of {total} records that were acknowledged"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
