"""`tradewise-otel config`: the app's settings as they would be read here, and where each value comes from."""

from __future__ import annotations

import argparse
import os

DESCRIPTION = """\
Prints every setting of the app's side with the value that is in effect here, and whether it is the default or
comes from the environment. What they mean: docs/settings.md; what the Collector is told:
`tradewise-otel collector print-config`.
"""
EPILOG = "exit codes: 0 all can be read, 1 some cannot: their lines say what is allowed"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "config",
        help="the settings that are in effect here, and where they come from",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """0 where all of them can be read."""
    from tradewise_otel.tools.doctor.effective import effective

    wrong = False
    for row in effective(os.environ):
        print(f"{row.name:<40} {row.value or '-':<30} {row.source}")
        wrong = wrong or row.is_wrong
    return 1 if wrong else 0
