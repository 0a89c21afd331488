"""`tradewise-otel doctor` as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.app import clean_environment


@dataclass(frozen=True)
class Visit:
    """How it ended, and what it said by line."""

    code: int
    lines: list[str]

    def said_of(self, what: str) -> list[str]:
        """The findings about one thing, each with its remedy."""
        findings: list[str] = []
        for line in self.lines:
            if line.startswith(" ") and findings:
                findings[-1] += " " + line.strip()
            else:
                findings.append(line)
        return [line for line in findings if line.split(maxsplit=2)[1:2] == [what]]


def visit(state: Path, **variables: str) -> Visit:
    """Runs it with an app's variables, in the environment of the tests."""
    first = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**clean_environment(state), "TRADEWISE_DATA_DIR": str(state), "PATH": first, **variables}
    words = [sys.executable, "-m", "tradewise_otel.tools.cli.main", "doctor"]
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60)
    assert not done.stderr, done.stderr
    return Visit(done.returncode, done.stdout.splitlines())
