"""One measurement: start a variant, warm it up, load it, read the CPU that the server has used."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import load
import psutil
from variants import Variant

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Figure:
    """CPU a request in microseconds, requests answered, resident memory in MiB, seconds until it listened."""

    cpu_us: float
    requests: int
    rss_mib: float
    start_seconds: float


def measure(variant: Variant, path: str, sink_port: int, seconds: float) -> Figure:
    """Runs one variant once."""
    began = time.monotonic()
    with serving(variant, f"http://127.0.0.1:{sink_port}") as (port, server):
        started = time.monotonic() - began
        load.drive(port, path, max(seconds / 5, 1))
        process = psutil.Process(server.pid)
        before = cpu(process)
        requests = load.drive(port, path, seconds)
        # The exporter's last batches belong to these requests too.
        time.sleep(1.5)
        used = cpu(process) - before
        return Figure(used / max(requests, 1) * 1e6, requests, process.memory_info().rss / 2**20, started)


@contextlib.contextmanager
def door() -> Iterator[int]:
    """A sink that answers at once, until the end of the block: its port."""
    port = free_port()
    with subprocess.Popen([sys.executable, str(HERE / "load.py"), str(port)]) as sink:
        try:
            wait_for(port)
            yield port
        finally:
            sink.terminate()


@contextlib.contextmanager
def serving(variant: Variant, bot: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The app under a variant, until the end of the block: its port and its process."""
    port = free_port()
    words = [*variant.launcher, str(Path(sys.executable).parent / "uvicorn"), "app:app", "--port", str(port)]
    env = {**os.environ, **variant.env, "BENCH_BOT_URL": bot, "ENVIRONMENT": "production"}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        [*words, "--no-access-log"], cwd=HERE, env=env, stdout=quiet, stderr=quiet
    ) as server:
        try:
            wait_for(port)
            yield port, server
        finally:
            server.terminate()


def cpu(process: psutil.Process) -> float:
    """User and system seconds of a process."""
    times = process.cpu_times()
    return float(times.user + times.system)


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_for(port: int, seconds: float = 60) -> None:
    """Returns once something listens."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
