"""Added CPU a request, ours against the others: ratios of one run, with a row that measures nothing.

Usage: python tests/bench/run.py [--seconds 5] [--rounds 5] [--path /ping/x] [--instructions | --latency |
    --calls [--number 100000]]
Exit code 1 when ours, at 100 %, adds more than the budget (half of what vanilla adds), or over 40 MiB to the
bare app, or when a typed call costs more than 0.80 of the document's own way.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PATHS = ("/ping/x", "/bots/7/status")
BUDGET = 0.50
"""Largest share of vanilla's added CPU, at 100 %, on each route."""
RSS_BUDGET_MIB = 40
"""What the process may hold over the bare one."""


def main(words: list[str]) -> int:
    """Measures and prints; see the module's text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--path", choices=PATHS, action="append")
    parser.add_argument("--budget", type=float, default=BUDGET, help="largest share of vanilla's added CPU")
    parser.add_argument("--latency", action="store_true", help="p99 with a Collector alive, dead, silent")
    parser.add_argument("--calls", action="store_true", help="a typed call against the document's logging")
    parser.add_argument("--number", type=int, default=100_000, help="calls a round")
    parser.add_argument("--instructions", action="store_true", help="count under valgrind; minutes a route")
    options = parser.parse_args(words)
    if os.environ.get("BENCH_INSIDE") != "1":
        return subprocess.run(
            [str(environment()), __file__, *words], env={**os.environ, "BENCH_INSIDE": "1"}
        ).returncode
    if options.latency:
        from latency import table as latencies

        path = options.path[0] if options.path else PATHS[1]
        return 0 if latencies(path, options.seconds, options.rounds) else 1
    if options.calls:
        import typed_calls

        return 0 if typed_calls.table(options.rounds, options.number) <= typed_calls.BUDGET else 1
    within = True
    for path in options.path or PATHS:
        share, rss = (counted(path), 0.0) if options.instructions else table(path, options)
        within = within and share <= options.budget and rss <= RSS_BUDGET_MIB
    return 0 if within else 1


def environment() -> Path:
    """The Python of an environment with the project and its rivals, made once a set of packages."""
    sys.path.insert(0, str(HERE))
    from variants import PACKAGES

    text = "\n".join([*PACKAGES, (ROOT / "pyproject.toml").read_text(), sys.version, str(ROOT)])
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tradewise-otel"
    venv = cache / "bench" / hashlib.sha256(text.encode()).hexdigest()[:16]
    python = venv / "bin" / "python"
    if not (venv / ".ready").exists():
        print(f"making an environment with the project, {', '.join(PACKAGES)} (about a minute)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--editable", f"{ROOT}[demo]", *PACKAGES], check=True)
        (venv / ".ready").touch()
    return python


def counted(path: str) -> float:
    """Counts instructions on a route; ours at 100 % over vanilla, added."""
    import instructions
    from measure import door

    with door() as port:
        return instructions.table(path, f"http://127.0.0.1:{port}")


def table(path: str, options: argparse.Namespace) -> tuple[float, float]:
    """Measures all variants on a route and prints a row each; ours: added CPU over vanilla's, added MiB."""
    from measure import Figure, door, measure
    from report import show
    from variants import variants

    figures: dict[str, list[Figure]] = defaultdict(list)
    with door() as port:
        for round_number in range(options.rounds):
            for variant in variants(f"http://127.0.0.1:{port}"):
                progress = f"\r{path} round {round_number + 1}: {variant.name:<24}"
                print(progress, end="", file=sys.stderr, flush=True)
                figures[variant.name].append(measure(variant, path, port, options.seconds))
    return show(path, figures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
