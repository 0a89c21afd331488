"""`tradewise-otel datadog`: brings a Datadog organisation to what stands in `deploy/datadog/`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradewise_otel.tools.datadog.account import Account
    from tradewise_otel.tools.datadog.folder import Resource
    from tradewise_otel.tools.datadog.known import Known
    from tradewise_otel.tools.datadog.planning import Plan

DESCRIPTION = """\
Monitors, dashboards, SLOs, log indexes and archives, retention filters of spans, and which tags of metrics
can be asked for: as files, one a resource, each the body that Datadog's API takes. `plan` says what differs,
`apply` changes it. Only what is marked as ours is touched; `apply` can be run again at any time, also after
it was cut off.
"""
EPILOG = """\
keys: DD_API_KEY and DD_APP_KEY, of the organisation at DD_SITE (datadoghq.com)
exit codes: 0 done; 1 refused, or something is wrong; 2 wrong usage; 3 `plan --exit-code`: there are changes
more: docs/datadog.md
"""
CHANGES = 3


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command and what it can do."""
    parser = subparsers.add_parser(
        "datadog",
        help="monitors, dashboards, retention: plan, apply, export, destroy",
        description=DESCRIPTION,
        epilog=_settings() + EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    check = _action(actions, "check", run_check, "whether the files are right; asks nobody")
    check.add_argument(
        "--recording",
        type=Path,
        metavar="DIR",
        help="look for names in what was really sent, not in the catalogue",
    )
    plan = _action(actions, "plan", run_plan, "what `apply` would change")
    plan.add_argument("--exit-code", action="store_true", help=f"exit {CHANGES} when there are changes")
    _action(actions, "apply", run_apply, "make the changes")
    export = _action(actions, "export", run_export, "write what the organisation has of ours as files")
    export.add_argument("--to", type=Path, required=True, metavar="DIR", help="a new or empty folder")
    acceptance = _action(
        actions, "acceptance", run_acceptance, "send ten marked records by both exporters and read them back"
    )
    acceptance.add_argument(
        "--patience", type=float, default=180, metavar="SECONDS", help="how long records may take (180)"
    )
    acceptance.set_defaults(extra="datadog,lab")
    destroy = _action(actions, "destroy", run_destroy, "take away what is ours")
    destroy.add_argument("--yes", action="store_true", help="do it; without, only say what would go")
    destroy.add_argument(
        "--with-data", action="store_true", help="also indexes and archives, with the records in the indexes"
    )


def run_check(args: argparse.Namespace) -> int:
    """0 when nothing is wrong."""
    from tradewise_otel.tools.datadog import known

    facts = _recorded(args.recording) if args.recording else known.from_catalogue()
    _, resources = _checked(args, facts)
    print(f"{len(resources)} resources: names, types and queries are right, by {facts.source}")
    return 0


def run_plan(args: argparse.Namespace) -> int:
    """0, or `CHANGES` where that was asked for."""
    with _account() as account:
        plan = _planned(args, account)
    for change in (*plan.changes, *plan.skipped):
        print(change)
    print(f"{len(plan.changes)} changes" if plan.changes else "nothing to change")
    return CHANGES if plan.changes and args.exit_code else 0


def run_apply(args: argparse.Namespace) -> int:
    """0 when the organisation is as the files say."""
    from tradewise_otel.tools.datadog.applying import apply

    with _account() as account:
        plan = _planned(args, account)
        waiting = apply(account, plan, lambda line: print(line, flush=True))
    for change in plan.skipped:
        print(change)
    for line in waiting:
        print(f"! {line}")
    print(f"{len(plan.changes) - len(waiting)} changes made" if plan.changes else "nothing to change")
    return 0


def run_export(args: argparse.Namespace) -> int:
    """0 when everything of ours is written."""
    from tradewise_otel.tools.datadog.applying import ours
    from tradewise_otel.tools.datadog.folder import write

    with _account() as account:
        remotes = ours(account, _metrics(args))
    write(args.to, remotes)
    print(f"{len(remotes)} resources in {args.to}")
    return 0


def run_destroy(args: argparse.Namespace) -> int:
    """0 when it is gone, or was only to be told."""
    from tradewise_otel.tools.datadog.applying import destroy, ours

    with _account() as account:
        if args.yes:
            count = destroy(account, _metrics(args), args.with_data, lambda line: print(line, flush=True))
            print(f"{count} resources deleted")
            return 0
        for remote in ours(account, _metrics(args)):
            if args.with_data or not remote.kind.keeps_data:
                print(f"- {remote.kind.folder}/{remote.stem}")
    print("nothing is deleted without --yes")
    return 0


def run_acceptance(args: argparse.Namespace) -> int:
    """0 when every field of every record is what the contract says."""
    import tempfile

    from tradewise_otel.tools.collector.build import build
    from tradewise_otel.tools.datadog.acceptance import ROADS, read_back, send

    wrong = 0
    with _account() as account, tempfile.TemporaryDirectory() as folder:
        for road in ROADS:
            print(f"{road}: sending ten records", flush=True)
            records = send(road, lambda role: build(role, os.environ), Path(folder, road))
            verdicts = read_back(account, road, records, args.patience)
            bad = [verdict for verdict in verdicts if not verdict.holds]
            wrong += len(bad)
            for one in bad:
                print(f"  WRONG {one.event_type} {one.field}: {one.found!r}, must be {one.expected!r}")
            print(f"{road}: {len(verdicts) - len(bad)} of {len(verdicts)} fields as in the contract")
    return 1 if wrong else 0


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    func: Callable[[argparse.Namespace], int],
    says: str,
) -> argparse.ArgumentParser:
    parser = actions.add_parser(
        name,
        help=says,
        description=f"{says[0].upper()}{says[1:]}.",
        epilog=_settings() + EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="resources of your own (default: those that are shipped)"
    )
    parser.set_defaults(func=func, extra="datadog")
    return parser


def _settings() -> str:
    from tradewise_otel.tools.datadog.placeholders import ROWS

    lines = [f"  {row.env} ({row.default or 'not set'})\n      {row.doc}\n" for row in ROWS]
    return "settings:\n" + "".join(lines) + "\n"


def _account() -> Account:
    from tradewise_otel.tools.datadog.account import Account

    return Account(os.environ)


def _planned(args: argparse.Namespace, account: Account) -> Plan:
    from tradewise_otel.tools.datadog import known, placeholders
    from tradewise_otel.tools.datadog.planning import plan

    values, resources = _checked(args, known.from_catalogue())
    for name in placeholders.silent([resource.body for resource in resources], values):
        print(f"! {name} is not set: monitors do not tell that channel")
    return plan(account, resources, values)


def _checked(args: argparse.Namespace, facts: Known) -> tuple[dict[str, str], list[Resource]]:
    """Settings and resources, of which nothing is sent before all of them are right."""
    from tradewise_otel.tools.datadog import checking, folder, placeholders

    values = placeholders.settings(os.environ)
    resources = _resources(args)
    filled = [resource.filled(values, {}) for resource in resources]
    findings = checking.check(filled, facts)
    if findings:
        raise folder.FolderError("\n".join(["the resources are not right:", *map(str, findings)]))
    return values, resources


def _resources(args: argparse.Namespace) -> list[Resource]:
    from tradewise_otel.assets import datadog_dir
    from tradewise_otel.tools.datadog.folder import read

    return read(args.folder or datadog_dir())


def _metrics(args: argparse.Namespace) -> list[str]:
    return [resource.stem for resource in _resources(args) if resource.kind.folder == "metric-tags"]


def _recorded(folder: Path) -> Known:
    from tradewise_otel.tools.datadog import known
    from tradewise_otel.tools.standin.reading import received_of

    return known.from_recording(received_of(folder))
