"""`tradewise-otel collector test`: runs cases, says what differs, writes down what came out."""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewise_otel.tools.collector.config import CollectorError, Role

if TYPE_CHECKING:
    from tradewise_otel.tools.cases.case import Case

FindBinary = Callable[[Role, Path | None], Path]

DESCRIPTION = """\
Test a configuration: each case says what goes in and which whole records must come out. The real binary runs
with the layers as shipped, your extras among them; only its exporters lead to this command.
"""
EPILOG = """\
a case:
  name: A failed call of the risk engine is kept
  role: gateway                       # default: laptop
  overlays: [datadog-otlp]
  settings: {TRADEWISE_SAMPLE_RATE: "0.1"}
  extras: {}                          # a layer of yours, as --extras of `collector run` takes it
  send:
    - traces:
        resource: {service.name: risk-engine}
        scope: io.opentelemetry.okhttp-3.0
        spans: [{name: GET, kind: client, duration_ms: 12, status: error, attributes: {http.method: GET}}]
    # also `logs: {records: [{body: …, severity: ERROR}]}`, `metrics: {metrics: [{name: …, value: 1}]}`,
    # `lines: {form: pods | docker | files | plain, text: […]}` for role agent, `otlp: {resourceSpans: […]}`
  expect:                             # last in the file; --write fills it in
    traces: []
    logs: []

`<any>` stands for any value, `<now>` for a time within ten minutes. Cases that ship: collector/cases.
Exit codes: 0 all as expected, 1 a case differs or the Collector does not start, 2 a case is written wrongly.
"""


def add_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser], find: FindBinary) -> None:
    """Adds `test`; `find` gives a role's binary, `--bin` before all others."""
    verb = verbs.add_parser(
        "test",
        help="run config tests: records in, whole records out, by the real binary",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument("cases", nargs="+", type=Path, metavar="CASE", help="a file, or a folder of *.yaml")
    verb.add_argument(
        "--write", action="store_true", help="write what came out as `expect`, for you to review"
    )
    verb.add_argument("--bin", type=Path, metavar="FILE", help="the Collector's binary")
    verb.set_defaults(func=lambda args: _test(args, lambda role: find(role, args.bin)), extra="lab")


def _test(args: argparse.Namespace, find: Callable[[Role], Path]) -> int:
    from tradewise_otel.tools.cases import case

    cases = [case.load(file) for file in case.find(args.cases)]
    results = [_one(item, find, write=args.write) for item in cases]
    if not args.write:
        print(f"{results.count(True)} of {len(results)} cases as expected")
    return 0 if all(results) else 1


def _one(case: Case, find: Callable[[Role], Path], *, write: bool) -> bool:
    from tradewise_otel.tools.cases.running import run

    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="case-") as folder:
        try:
            received = run(case, find, Path(folder))
        except CollectorError as error:
            if error.exit_code == 2:
                raise
            print(f"FAILED   {case.file}: {case.name}\n{error}", flush=True)
            return False
    if write:
        _write(case, received)
        print(f"written  {case.file}: {case.name}", flush=True)
        return True
    return _judge(case, received, time.monotonic() - began)


def _judge(case: Case, received: dict[str, list[dict[str, Any]]], seconds: float) -> bool:
    from tradewise_otel.tools.cases.comparing import differences

    if case.expect is None:
        print(f"FAILED   {case.file}: it has no `expect` yet; --write fills it in", flush=True)
        return False
    said = [
        f"  {signal}: {difference}"
        for signal, expected in case.expect.items()
        for difference in differences(expected, received[signal])
    ]
    print(
        f"{'FAILED' if said else 'ok':<8} {case.file}: {case.name} ({seconds:.1f} s)",
        *said,
        sep="\n",
        flush=True,
    )
    return not said


def _write(case: Case, received: dict[str, list[dict[str, Any]]]) -> None:
    """`expect` is the last key of a file, so that what stands before it stays as it was written."""
    from tradewise_otel.tools.cases.comparing import text

    before = re.split(
        r"^expect:.*\n?", case.file.read_text(encoding="utf-8"), maxsplit=1, flags=re.MULTILINE
    )[0]
    found = {signal: records for signal, records in received.items() if records}
    case.file.write_text(f"{before.rstrip()}\n{text({'expect': found})}", encoding="utf-8")
