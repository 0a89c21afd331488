"""The table of a run. Ratios are taken within each round and their median is shown: machines drift."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence

from measure import Figure

BARE = ("bare", "bare again")
VANILLA = "vanilla"
OURS = "ours, 100 %"

Figures = Mapping[str, Sequence[Figure]]


def show(path: str, figures: Figures) -> tuple[float, float]:
    """Prints a row a variant; returns ours at 100 %: added CPU over vanilla's, and MiB over the bare app."""
    rounds = len(figures[VANILLA])
    print(f"\n\n{path}: CPU a request, medians of {rounds} interleaved rounds")
    print(
        f"{'variant':<22}{'us':>8}{'added':>8}{'of vanilla':>12}{'requests':>10}{'RSS MiB':>9}{'start s':>9}"
    )
    for name, runs in figures.items():
        cpu, added = _median(runs, lambda f: f.cpu_us), statistics.median(_added(figures, name))
        rss, start = _median(runs, lambda f: f.rss_mib), _median(runs, lambda f: f.start_seconds)
        ratio, requests = ratio_of(figures, name), sum(f.requests for f in runs)
        print(f"{name:<22}{cpu:>8.0f}{added:>8.0f}{ratio:>12.2f}{requests:>10}{rss:>9.0f}{start:>9.2f}")
    differences = [abs(a.cpu_us - b.cpu_us) for a, b in zip(*(figures[name] for name in BARE), strict=True)]
    noise = statistics.median(differences)
    print(f"A/A: bare against itself differs by {noise:.0f} us; less than twice that counts as no difference")
    rss = [_median(figures[name], lambda f: f.rss_mib) for name in (OURS, BARE[0])]
    return ratio_of(figures, OURS), rss[0] - rss[1]


def ratio_of(figures: Figures, name: str) -> float:
    """Median over the rounds of a variant's added CPU over vanilla's of the same round."""
    pairs = zip(_added(figures, name), _added(figures, VANILLA), strict=True)
    return statistics.median(added / vanilla for added, vanilla in pairs)


def _added(figures: Figures, name: str) -> list[float]:
    bare = [(a.cpu_us + b.cpu_us) / 2 for a, b in zip(*(figures[name] for name in BARE), strict=True)]
    return [run.cpu_us - floor for run, floor in zip(figures[name], bare, strict=True)]


def _median(runs: Sequence[Figure], of: Callable[[Figure], float]) -> float:
    return statistics.median(of(run) for run in runs)
