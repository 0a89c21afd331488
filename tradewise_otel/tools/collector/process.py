"""Runs a Collector as a child, for the demo and the tests: ready when it says so, stopped for sure."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

from tradewise_otel.tools.collector.checks import check_to_run
from tradewise_otel.tools.collector.config import (
    ADDRESSES,
    CollectorError,
    Role,
    collector_environment,
    data_dir,
    run_arguments,
)
from tradewise_otel.tools.ports import free_ports

STOP_SECONDS = 15.0
"""The Collector has ended so long after SIGTERM, also where its intake never answers.

Requests of the OTLP exporters end `stop_after` (queue.yaml) after the signal. Datadog's exporter takes its
`timeout` (export-datadog.yaml) twice, for spans and for statistics. With overlay datadog-exporter-only it
takes 30 s more for logs, which cannot be set; killed earlier, it loses no more than it would have.
"""


def free_addresses() -> dict[str, str]:
    """A value for each of `ADDRESSES` on loopback ports that are free now, for a Collector beside others."""
    ports = free_ports(len(ADDRESSES))
    return {name: f"127.0.0.1:{port}" for name, port in zip(ADDRESSES, ports, strict=True)}


class CollectorProcess:
    """One running Collector; a context manager that starts it, waits for its health and stops it.

    Args:
        binary: the Collector program.
        role: which layers it loads.
        settings: the settings of the Collector (`TRADEWISE_*`), on top of this process's environment.
        log: the file that takes what it prints; by default `collector.log` in its data folder.

    Attributes:
        http: base URL of its OTLP/HTTP door, such as `http://127.0.0.1:4318`.
        data: its data folder, with the laptop's `logs.jsonl`, `traces.jsonl`, `metrics.jsonl`.
        log: where what it prints is kept; `tail()` reads its end.
    """

    def __init__(
        self, binary: Path, role: Role, settings: Mapping[str, str], log: Path | None = None
    ) -> None:
        self._environ = collector_environment({**os.environ, **settings})
        self._role = role
        self._argv = [str(binary), *run_arguments(role)]
        self._process: subprocess.Popen[bytes] | None = None
        self.data = data_dir(self._environ)
        self.log = log or self.data / "collector.log"
        self.http = f"http://{self._address('TRADEWISE_OTLP_HTTP')}"

    def start(self, timeout: float = 20.0) -> None:
        """Start, and return when it is healthy.

        Raises:
            CollectorError: a setting cannot work, it ended, or was not healthy within `timeout` seconds; with
                the end of what it printed.
        """
        check_to_run(self._role, self._environ)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C then reaches the caller only, who stops senders first, this last.
            self._process = subprocess.Popen(
                self._argv, env=self._environ, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + timeout
        while not self._healthy():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop(grace=1.0)
                raise CollectorError(f"the Collector did not become healthy; {self.log} ends:\n{self.tail()}")
            time.sleep(0.05)

    def stop(self, grace: float = STOP_SECONDS) -> int:
        """SIGTERM, and SIGKILL after `grace` seconds; returns the exit code (negative: a signal)."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def kill(self) -> None:
        """SIGKILL, as a crash would end it; `start` may follow, on the same folder and ports."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int | None:
        """The process's id, for those who watch what it takes; `None` before the first start."""
        return self._process.pid if self._process else None

    def tail(self, lines: int = 20) -> str:
        """The last lines that it printed."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _address(self, name: str) -> str:
        return self._environ.get(name) or ADDRESSES[name]

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self._address('TRADEWISE_HEALTH')}", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
