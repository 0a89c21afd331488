"""Ports that are free on loopback, for programs that are started side by side."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import random
import socket
import tempfile

# Below Linux' ephemeral range (32768 up), where any outgoing connection may sit on the port.
PORTS = range(20_000, 32_000)


def free_port() -> int:
    """A port that nobody listens on now, and that no other process has been given here.

    Raises:
        OSError: there is none among a hundred.
    """
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """So many ports that nobody listens on now, and that no other process has been given here.

    Raises:
        OSError: there are not so many among a hundred.
    """
    found: list[int] = []
    for port in random.sample(PORTS, 100):
        if _is_ours(port) and _is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise OSError("no free port between 20000 and 32000 on 127.0.0.1")


def _is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


def _is_ours(port: int) -> bool:
    """Marks a port for as long as this process lives; False where a process that lives has marked it.

    Between the answer and the moment when somebody listens there are seconds, while an app starts.
    """
    marks = _marks()
    if marks is None:
        return True
    try:
        fcntl.lockf(marks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


@functools.cache
def _marks() -> int | None:
    """A file whose bytes are the ports; None where it cannot be had, which is to be borne.

    Never closed: that would take all marks away.
    """
    path = os.path.join(tempfile.gettempdir(), f"tradewise-otel-ports-{os.getuid()}")
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
