"""Latency at half load with the Collector alive, dead and never answering: p99 of ours, side by side.

The load is open: requests leave by a schedule, whether earlier ones have been answered or not, and are
timed from when they should have left, so that a stall shows in all the requests that it delays.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator

import load
import measure
from report import OURS
from variants import Variant, variants

COLLECTORS = ("alive", "alive again", "dead", "never answers")
TOO_NOISY = 0.2
NOISE = 2
"""A difference below so many times |A/A| counts as none (budgets)."""


def table(path: str, seconds: float, rounds: int) -> bool:
    """Prints a row for each Collector; True where none is slower than `alive` by more than noise and 2 %."""
    figures: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with collectors() as sinks:
        rate = half_load(path, ours(sinks["alive"]), sinks["alive"])
        for _ in range(rounds):
            for name in COLLECTORS:
                figures[name].append(percentiles(path, ours(sinks[name]), sinks["alive"], rate, seconds))
    print(f"\n{path}: milliseconds at {rate:.0f} requests a second, half of the most; {rounds} rounds")
    print(f"{'Collector':<16}{'p50':>8}{'p99':>8}{'of alive':>10}")
    p99 = {name: statistics.median(run[1] for run in runs) for name, runs in figures.items()}
    for name, runs in figures.items():
        p50 = statistics.median(run[0] for run in runs)
        print(f"{name:<16}{p50:>8.2f}{p99[name]:>8.2f}{p99[name] / p99['alive']:>10.2f}")
    noise = abs(p99["alive"] - p99["alive again"])
    allowed = max(NOISE * noise, 0.02 * p99["alive"])
    print(f"A/A: alive against itself differs by {noise:.2f} ms; up to {allowed:.2f} ms is no difference")
    if noise > TOO_NOISY * p99["alive"]:
        print("that is too much to tell anything: measure again on a quiet machine")
        return False
    floor = (p99["alive"] + p99["alive again"]) / 2
    return all(p99[name] - floor <= allowed for name in COLLECTORS)


def ours(sink: str) -> Variant:
    """The distribution at 100 %, sending to `sink`."""
    (variant,) = (variant for variant in variants(sink) if variant.name == OURS)
    return variant


@contextlib.contextmanager
def collectors() -> Iterator[dict[str, str]]:
    """URLs of the doors: one that answers at once, one that is closed, one that accepts and says nothing."""
    with measure.door() as port, socket.create_server(("127.0.0.1", 0), backlog=512) as silent:
        ports = port, port, measure.free_port(), silent.getsockname()[1]
        yield {name: f"http://127.0.0.1:{each}" for name, each in zip(COLLECTORS, ports, strict=True)}


def half_load(path: str, variant: Variant, bot: str) -> float:
    """Half of the requests a second that the server manages."""
    with measure.serving(variant, bot) as (port, _):
        load.drive(port, path, 2)
        return load.drive(port, path, 3) / 3 / 2


def percentiles(path: str, variant: Variant, bot: str, rate: float, seconds: float) -> tuple[float, float]:
    """p50 and p99 in milliseconds of requests sent at a rate."""
    with measure.serving(variant, bot) as (port, _):
        load.drive(port, path, 1)
        taken = sorted(asyncio.run(_paced(port, path, rate, seconds)))
    return taken[len(taken) // 2] * 1e3, taken[len(taken) * 99 // 100] * 1e3


async def _paced(port: int, path: str, rate: float, seconds: float) -> list[float]:
    begins = time.monotonic() + 0.1
    each = load.CONNECTIONS / rate
    times = [
        [begins + (number + part / load.CONNECTIONS) * each for number in range(int(seconds / each))]
        for part in range(load.CONNECTIONS)
    ]
    taken = await asyncio.gather(*(_connection(port, path, schedule) for schedule in times))
    return [seconds for part in taken for seconds in part]


async def _connection(port: int, path: str, schedule: list[float]) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    taken = []
    for due in schedule:
        await asyncio.sleep(max(due - time.monotonic(), 0))
        await load.ask(reader, writer, path)
        taken.append(time.monotonic() - due)
    writer.close()
    return taken
