"""`tradewise-otel doctor`: would an app that is started here be seen, and what is in its way?"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradewise_otel.tools.doctor.finding import Finding

DESCRIPTION = """\
Looks at what an app meets that is started here with `opentelemetry-instrument`: packages, launcher, other
distros, settings, the state's store, the Collector. Run it in the app's environment, with the app's variables
(in a container: `docker exec`, `kubectl exec`). It sends no record: the Collector gets an empty request.
"""
EPILOG = "exit codes: 0 nothing is in the way (notes may be meant so), 1 something is"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "doctor",
        help="what keeps an app that is started here from being seen",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """0 where no finding is a fault."""
    from tradewise_otel.tools.doctor.examination import examine

    faults = 0
    for finding in examine(os.environ):
        _print(finding)
        faults += finding.verdict == "fault"
    print(f"\n{faults} in the way" if faults else "\nnothing is in the way")
    return 1 if faults else 0


def _print(finding: Finding) -> None:
    print(f"{finding.verdict:<6} {finding.what:<12} {finding.text}", flush=True)
    if finding.remedy:
        print(f"{'':<19} -> {finding.remedy}")
