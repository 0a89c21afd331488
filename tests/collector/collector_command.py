"""`tradewise-otel collector` as a user types it, and the ways there are to type it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tradewise_otel.assets import collector_dir
from tradewise_otel.tools.cli.main import main
from tradewise_otel.tools.collector.settings import ROWS

COMMAND = [sys.executable, "-m", "tradewise_otel.tools.cli.main", "collector"]
TABLE: dict[str, dict[str, Any]] = json.loads((collector_dir() / "roles.json").read_text(encoding="utf-8"))
NOWHERE = "http://127.0.0.1:9"
"""An address where nobody answers."""
NEEDED = {
    "DD_API_KEY": "dummy",
    "TRADEWISE_KAFKA_BROKERS": "kafka-0.example:9092,kafka-1.example:9092",
    "TRADEWISE_GATEWAY_URL": "http://gateway.example:4318",
    "TRADEWISE_NODE_NAME": "node-7",
    "TRADEWISE_AGENT_URL": "http://agent.example:4318",
    "TRADEWISE_TLS_CERT": "/etc/tradewise/cert.pem",
    "TRADEWISE_TLS_KEY": "/etc/tradewise/key.pem",
    "TRADEWISE_TOKEN": "dummy",
}
"""A value for each setting that some role or overlay cannot do without."""


@dataclass(frozen=True)
class Variant:
    """A role with overlays, as the command takes them."""

    role: str
    overlays: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "-".join((self.role, *self.overlays))

    @property
    def arguments(self) -> list[str]:
        """The command's options for it."""
        return ["--role", self.role, *(word for name in self.overlays for word in ("--overlay", name))]


ROLES = [Variant(name) for name in TABLE["roles"]]
OVERLAID = [Variant(role, (name,)) for name, parts in TABLE["overlays"].items() for role in parts]
TOGETHER = [
    *(Variant("gateway", (name, "secure")) for name in TABLE["overlays"] if name.startswith("datadog-")),
    Variant("gateway", ("datadog-otlp", "tail-sampling")),
    Variant("gateway", ("datadog-exporter-only", "tail-sampling")),
    Variant("gateway", ("datadog-agent", "kafka")),
    Variant("gateway", ("secure", "tail-sampling", "kafka")),
]
VARIANTS = [*ROLES, *OVERLAID, *TOGETHER]
"""Each role, each overlay, and overlays that are used together."""


def run_command(
    *arguments: str, before: Sequence[str] = (), settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end with these settings only; `before` are words to start it with."""
    ours = {row.env for row in ROWS}
    environ = {name: text for name, text in os.environ.items() if name not in ours} | {**(settings or {})}
    argv = [*before, *COMMAND, *arguments]
    return subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60)


def start_here(*arguments: str, settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """As `run_command`, but in this process and ten times as fast; exit code 0: it would have started."""
    out, err = StringIO(), StringIO()
    started = patch("os.execve", side_effect=_Started)
    with patch.dict(os.environ, settings, clear=True), started, redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(["collector", *arguments])
            assert code != 0, "it neither started nor failed"
        except _Started:
            code = 0
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


class _Started(BaseException):
    """In the place of the Collector that would have run from here on."""


def fake_collector(folder: Path) -> Path:
    """A program in the Collector's place that leaves the file `started` beside it."""
    binary = folder / "fake-collector"
    binary.write_text(f"#!/bin/sh\ntouch {folder / 'started'}\n")
    binary.chmod(0o755)
    return binary
