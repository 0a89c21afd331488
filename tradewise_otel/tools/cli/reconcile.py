"""`tradewise-otel reconcile`: what app, agent and gateway have counted, and whether it adds up."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradewise_otel.tools.ledgers.counts import Counts

DESCRIPTION = """\
Every tier counts what it took, left out, handed on and dropped. This reads those counts and the records that
arrived, from the files of a laptop's Collector or from a recording of Datadog's stand-in, and says where a
sum does not add up.

Counts come later than records: an app's within 10 s and when it exits, a Collector's within 30 s
(TRADEWISE_SELF_EVERY_MS), and those of a Collector's last moments not at all. So stop the app, wait, and ask
while the Collectors still run.
"""
EPILOG = "exit codes: 0 everything adds up, 1 something does not, or nobody has counted anything yet"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "reconcile",
        help="whether the counts of app and Collectors add up with what arrived",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--data", type=Path, metavar="DIR", help="a laptop's folder (default: TRADEWISE_DATA_DIR)"
    )
    where.add_argument("--recording", type=Path, metavar="DIR", help="a recording of Datadog's stand-in")
    parser.set_defaults(func=run, extra="lab")


def run(args: argparse.Namespace) -> int:
    """0 when all sums add up."""
    from tradewise_otel.tools.collector.config import data_dir
    from tradewise_otel.tools.ledgers.adding_up import checks
    from tradewise_otel.tools.ledgers.counts import from_files, from_recording

    folder = args.recording or args.data or data_dir(os.environ)
    counts = from_recording(folder) if args.recording else from_files(folder)
    _print_told(counts)
    _print_arrived(counts)
    found = checks(counts)
    for check in found:
        verdict = "adds up" if check.holds else f"DOES NOT ADD UP, {check.left - check.right:+d}"
        print(f"{check.what:<60} {check.left:>10} {check.right:>10}  {verdict}")
    if not found:
        print("nobody has counted anything here yet")
    return 0 if found and all(check.holds for check in found) else 1


def _print_told(counts: Counts) -> None:
    print(f"{'tier':<9}{'signal':<9}{'what':<13}{'':<34}{'count':>10}")
    order = {tier: number for number, tier in enumerate(counts.tiers)}
    rows = sorted(counts.told.items(), key=lambda row: (order[row[0][0]], row[0][2], row[0][1], row[0][3]))
    for (tier, what, signal, detail), count in rows:
        if count:
            print(f"{tier:<9}{signal:<9}{what:<13}{detail:<34}{count:>10}")
    print()


def _print_arrived(counts: Counts) -> None:
    print(f"{'arrived':<9}{'signal':<9}{'event type':<47}{'count':>10}")
    for (signal, event_type), count in sorted(counts.arrived.items()):
        print(f"{'':<9}{signal:<9}{event_type:<47}{count:>10}")
    print(f"{'':<9}{'':<9}{'came twice (same event_id)':<47}{counts.twins:>10}\n")
