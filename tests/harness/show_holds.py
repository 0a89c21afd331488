"""Prints each Must-hold line with what shows it; `--check` only asks that something does.

Usage: python tests/harness/show_holds.py [--check] [--all]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from harness.holds import COMMANDS, LINES  # noqa: E402


class Collected:
    """A pytest plugin that notes which tests carry which mark, and how each ended."""

    def __init__(self) -> None:
        self.tests: dict[str, list[str]] = defaultdict(list)
        self.failed: set[str] = set()
        self.skipped: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Reads the marks of what was collected."""
        for item in session.items:
            for mark in item.iter_markers("holds"):
                for line in mark.args:
                    self.tests[line].append(item.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notes failures of any phase, and what did not run."""
        if report.failed:
            self.failed.add(report.nodeid)
        if report.skipped:
            self.skipped.add(report.nodeid)


def main(words: list[str]) -> int:
    """Runs the command; exit code 1 when a line is shown by nothing, or something that shows it fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="only ask that each line has a test or a command"
    )
    parser.add_argument("--all", action="store_true", help="run the slow commands too")
    options = parser.parse_args(words)
    collected = Collected()
    arguments = [
        str(ROOT / "tests"),
        "-q",
        "--no-header",
        *(["--collect-only", "-qq"] if options.check else ["-m", "holds"]),
    ]
    pytest.main(arguments, plugins=[collected])
    unknown = sorted(set(collected.tests) - set(LINES))
    results = {line: _result(line, collected, options) for line in LINES}
    print()
    for line, (command, result) in results.items():
        print(f"{line:6} {result:10} {command}\n       {LINES[line]}")
    for line in unknown:
        print(f"{line:6} is marked in {collected.tests[line][0]}, but tests/harness/holds.py lacks it")
    bad = [line for line, (_, result) in results.items() if result in ("FAILED", "NOTHING")]
    return 1 if bad or unknown else 0


def _result(line: str, collected: Collected, options: argparse.Namespace) -> tuple[str, str]:
    tests = collected.tests.get(line, [])
    files = " ".join(sorted({test.partition("::")[0] for test in tests}))
    command = " ; ".join(
        part for part in (f"pytest {files}" if files else "", COMMANDS.get(line, "")) if part
    )
    if not command:
        return "no test and no command", "NOTHING"
    if options.check:
        return command, "has"
    if set(tests) & collected.failed:
        return command, "FAILED"
    if line in COMMANDS and options.all:
        ended = subprocess.run(COMMANDS[line].split(), cwd=ROOT, check=False)
        return command, "holds" if ended.returncode == 0 else "FAILED"
    ran = [test for test in tests if test not in collected.skipped]
    return command, f"holds ({len(ran)})" if ran else "by hand"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
