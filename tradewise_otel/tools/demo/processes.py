"""The demo's child processes: each in a process group of its own, none left when the demo ends.

A signal may come at any instant, also between the start of a child and the note that it has to be
stopped. `Interrupts` turns signals into KeyboardInterrupt everywhere except where that would leave
a process behind: there they wait.
"""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

STOP_SECONDS = 6.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class DemoError(Exception):
    """Why the demo cannot go on, in one line for the person who started it."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Interrupts:
    """Ctrl-C, SIGTERM and SIGHUP, which can be held back for a moment."""

    def __init__(self) -> None:
        self._held = False
        self._pending = False

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Take the signals over while the block runs."""
        before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let a signal wait until the block has ended."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._pending:
            self._raise()

    def hold_for_good(self) -> None:
        """From here on everything is being stopped; a second Ctrl-C must not disturb that."""
        self._held = True

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._held:
            self._pending = True
        else:
            self._raise()

    def _raise(self) -> None:
        self._pending = False
        raise KeyboardInterrupt


class Child:
    """One process, its lines and its end."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environ: Mapping[str, str],
        log: Path,
        on_line: Callable[[str], None],
    ) -> None:
        self.name, self.log = name, log
        with log.open("wb") as errors:
            # A session of its own: a Ctrl-C in the terminal reaches only us, and we stop the rest in order.
            self._process = subprocess.Popen(
                list(command),
                env=dict(environ),
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, args=(on_line,), name=f"{name}-lines", daemon=True)
        self._reader.start()

    def _read(self, on_line: Callable[[str], None]) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            on_line(line.decode(errors="replace").rstrip("\n"))

    @property
    def exit_code(self) -> int | None:
        """How it ended, or None while it runs."""
        return self._process.poll()

    def check_alive(self) -> None:
        """Raise DemoError, with the end of its log, when it is gone."""
        if (code := self.exit_code) is None:
            return
        said = self.log.read_text(errors="replace").strip().splitlines()
        hint = f": {said[-1]}" if said else ""
        raise DemoError(f"the {self.name} ended by itself with {code} (see {self.log}){hint}")

    def wait_for_port(self, port: int, seconds: float = 60) -> None:
        """Wait until it listens."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.check_alive()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            time.sleep(0.1)
        raise DemoError(
            f"the {self.name} does not listen on port {port} after {seconds:.0f} s (see {self.log})"
        )

    def wait(self, seconds: float) -> int:
        """Wait for its end and return its exit code; raises subprocess.TimeoutExpired."""
        return self._process.wait(seconds)

    def stop(self) -> None:
        """Ask it to end, wait, then end what is left of its group by force."""
        self.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(STOP_SECONDS)
        # Also when it ended well: its children may not have.
        self.send_signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join(2)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to its whole group, if there is one left."""
        # PermissionError is what macOS says of a group with nothing but zombies in it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
