"""Runs an app as users do: a module in a folder, uvicorn or gunicorn, with or without the launcher."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

from tradewise_otel.tools.ports import free_port

BIN = Path(sys.executable).parent
LAUNCHER = [sys.executable, str(BIN / "opentelemetry-instrument")]


class App:
    """A server process. A context manager that starts it, waits until it listens, and stops it.

    Args:
        folder: where the app's module lies; the output goes to `stdout.txt` and `stderr.txt` there.
        target: `module:app` for the server.
        env: variables on top of this process's, from which all `OTEL_*` and `TRADEWISE_*` are taken away.
        server: the server's command words; `{port}` and `{target}` are filled in.
        launcher: False runs the app bare.
    """

    def __init__(
        self,
        folder: Path,
        target: str = "app:app",
        env: Mapping[str, str] | None = None,
        server: Sequence[str] = (sys.executable, "-m", "uvicorn", "{target}", "--port", "{port}"),
        launcher: bool = True,
        python: str = sys.executable,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        words = [word.format(port=self.port, target=target) for word in server]
        bin_dir = Path(python).parent
        words = [str(bin_dir / words[0]) if (bin_dir / words[0]).exists() else words[0], *words[1:]]
        self._argv = [python, str(bin_dir / "opentelemetry-instrument"), *words] if launcher else words
        self._env = {**clean_environment(folder), **(env or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with (self.folder / "stdout.txt").open("ab") as out, (self.folder / "stderr.txt").open("ab") as err:
            self._process = subprocess.Popen(
                self._argv, cwd=self.folder, env=self._env, stdout=out, stderr=err, start_new_session=True
            )
        self._wait_until_listening()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.stop()
        if kind is not None:
            print(f"--- stdout\n{self.stdout[-6000:]}\n--- stderr\n{self.stderr[-6000:]}")

    def _wait_until_listening(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise AssertionError(f"the app did not start:\n{self.stdout}\n{self.stderr}") from None
                time.sleep(0.05)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The server's own process."""
        assert self._process is not None
        return self._process

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Sends a signal to the server alone, as a container runtime does."""
        self.process.send_signal(number)

    def stop(self, timeout: float = 20.0) -> int:
        """SIGTERM, then SIGKILL to the whole group; the exit code."""
        if self.process.poll() is None:
            self.signal()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()

    @property
    def stdout(self) -> str:
        """All that was printed so far."""
        return (self.folder / "stdout.txt").read_text()

    @property
    def stderr(self) -> str:
        """All that was said on stderr so far."""
        return (self.folder / "stderr.txt").read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of stdout as the documented objects; fails on any line that is none."""
        return [json.loads(line) for line in self.printed]

    @property
    def printed(self) -> list[str]:
        """The lines of stdout; while the app runs without one that is half written."""
        text = self.stdout
        return (text if self.process.poll() is not None else text[: text.rfind("\n") + 1]).splitlines()

    def events(self, event_type: str) -> list[dict[str, Any]]:
        """Lines of one event type."""
        return [line for line in self.lines if line.get("event_type") == event_type]


def clean_environment(state: Path) -> dict[str, str]:
    """This process's variables without those that would change the app; state kept in `state`.

    `TRADEWISE_ENCODER` stays: with it all tests run by the other encoder.
    """
    kept = {
        k: v
        for k, v in os.environ.items()
        if k == "TRADEWISE_ENCODER" or not k.startswith(("OTEL_", "TRADEWISE_", "DD_", "ENVIRONMENT"))
    }
    # pytest's own plugins must not reach into the apps under test.
    kept.pop("PYTHONPATH", None)
    ours = {
        "XDG_STATE_HOME": str(state),
        "XDG_RUNTIME_DIR": str(state),
        # No test's traffic is an attack, unless it says so.
        "TRADEWISE_RAPID_CALLS": "1000000/1",
    }
    return {**kept, **ours, "PYTHONUNBUFFERED": "1"}
