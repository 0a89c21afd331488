"""Runs a plain script to its end, under the launcher or bare."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.app import LAUNCHER, clean_environment


@dataclass
class Ended:
    """What a script left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of stdout as the documented objects; fails on any line that is none."""
        return [json.loads(line) for line in self.stdout.splitlines()]


def run_script(
    folder: Path,
    source: str,
    env: Mapping[str, str] | None = None,
    launcher: bool = True,
    signal_at_ready: signal.Signals | None = None,
) -> Ended:
    """Runs `source` in `folder`; sends it a signal once it has made the file `ready`, if asked to."""
    folder.mkdir(exist_ok=True)
    (folder / "script.py").write_text(source)
    argv = [*LAUNCHER, sys.executable, "script.py"] if launcher else [sys.executable, "script.py"]
    variables = {**clean_environment(folder), **(env or {})}
    process = subprocess.Popen(
        argv, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        if signal_at_ready is not None:
            _wait_for(folder / "ready", process)
            process.send_signal(signal_at_ready)
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
    return Ended(process.returncode, stdout, stderr)


def _wait_for(file: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not file.exists():
        assert process.poll() is None, f"the script ended early: {process.communicate()}"
        assert time.monotonic() < deadline, "the script never was ready"
        time.sleep(0.02)
