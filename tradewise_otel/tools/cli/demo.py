"""`tradewise-otel demo`: see the whole thing run on this machine, without an account and without Docker."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

DESCRIPTION = """\
Starts a FastAPI backend under `opentelemetry-instrument`, a stub trading bot and traffic, and prints the
backend's events. Meanwhile the Collector is built (the first time: minutes; needs Go 1.26 or newer); then
more traffic goes through it, and a table shows what arrived and what of it Datadog would get. With --datadog
it is the gateway's Collector, and Datadog's intake is played on this machine: the tables show what it got.

exit code: 0; 1 when an expected event is missing or a process died; 2 for a missing extra; 3 without Go
"""

NEEDED = ("aiosqlite", "fastapi", "greenlet", "httpx", "sqlalchemy", "uvicorn", "websockets")
"""What the extra brings; asked for at once: later, a missing one would only show as the death of a child."""

NEEDED_FOR_DATADOG = ("ddsketch", "grpc_tools", "msgpack", "zstandard")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `demo`."""
    parser = subparsers.add_parser(
        "demo",
        help="a backend, traffic and a Collector on this machine",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--once", action="store_true", help="end after the table instead of at Ctrl-C")
    parser.add_argument(
        "--rounds", type=_positive, default=1, metavar="N", help="traffic rounds each time (1)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="decides what the traffic does (1)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="work in this new folder")
    parser.add_argument(
        "--datadog", action="store_true", help="go on to Datadog, whose intake is played here (no account)"
    )
    parser.set_defaults(func=_run, extra="demo")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _run(args: argparse.Namespace) -> int:
    if args.datadog:
        args.extra = "demo,lab"
    for module in (*NEEDED, *(NEEDED_FOR_DATADOG if args.datadog else ())):
        importlib.import_module(module)
    from tradewise_otel.tools.demo.run import Options, run_demo

    return run_demo(Options(args.once, args.rounds, args.seed, args.keep, args.datadog))
