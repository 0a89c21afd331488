"""`tradewise-otel alerts`: what the monitors would have said of a recording."""

from __future__ import annotations

import argparse
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradewise_otel.tools.alerts.replay import Transition

DESCRIPTION = """\
Runs the monitors of deploy/datadog/ over a recording of Datadog's stand-in, minute by minute: log searches
by Datadog's own search engine, metric queries by DuckDB. Says which would have fired, for which group, when,
when it was over, and whom it would have told. Burn rates of SLOs are left out: they look at a month.
"""
EPILOG = """\
a recording: `tradewise-otel demo --datadog` makes one and says where
settings: those of `tradewise-otel datadog`, such as TRADEWISE_MONITORED_ENV (production)
exit codes: 0 nothing fired, or it was only to be told; 1 error; 3 `--exit-code`: something fired
"""
FIRED = 3


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser("alerts", help="what the monitors would have said of a recording")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    replay = actions.add_parser(
        "replay",
        help="run the monitors over a recording",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    replay.add_argument("recording", type=Path, metavar="RECORDING", help="its folder")
    replay.add_argument("--folder", type=Path, metavar="DIR", help="resources of your own")
    replay.add_argument("--exit-code", action="store_true", help=f"exit {FIRED} when something fired")
    replay.set_defaults(func=run, extra="datadog,lab")


def run(args: argparse.Namespace) -> int:
    """0, or `FIRED` where that was asked for."""
    from tradewise_otel.assets import datadog_dir
    from tradewise_otel.tools.alerts.replay import replay
    from tradewise_otel.tools.alerts.rules import rules
    from tradewise_otel.tools.datadog import folder, placeholders
    from tradewise_otel.tools.standin.reading import received_of

    found = rules(folder.read(args.folder or datadog_dir()), placeholders.settings(os.environ))
    transitions = replay(received_of(args.recording), found)
    for transition in transitions:
        print(_told(transition))
    fired = {transition.rule.stem for transition in transitions}
    quiet = [rule.stem for rule in found if rule.stem not in fired]
    print(f"{len(fired)} of {len(found)} monitors fired; quiet: {', '.join(quiet) or 'none'}")
    return FIRED if fired and args.exit_code else 0


def _told(transition: Transition) -> str:
    at = datetime.fromtimestamp(transition.at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    group = ", ".join(f"{name}:{value}" for name, value in transition.group)
    of = f" for {group}" if group else ""
    asked = transition.rule.asked
    if transition.becomes == "ok":
        return f"{at}  recovered  {transition.rule.stem}{of}"
    compared = f"{transition.value:g} {asked.operator} {asked.threshold:g} in {asked.minutes} min"
    why = "nothing is heard" if transition.becomes == "no data" else compared
    return f"{at}  FIRES      {transition.rule.stem}{of}: {why}; tells {', '.join(transition.rule.notify)}"
