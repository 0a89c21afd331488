"""Ports that are free on loopback, for programs that are started side by side."""

from __future__ import annotations

import contextlib
import random
import socket

# Below Linux' ephemeral range (32768 up), where any outgoing connection may sit on the port.
PORTS = range(20_000, 32_000)


def free_port() -> int:
    """A port that nobody listens on now.

    Raises:
        OSError: there is none among a hundred.
    """
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """So many ports that nobody listens on now, each of them another one.

    Raises:
        OSError: there are not so many among a hundred.
    """
    found: list[int] = []
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise OSError("no free port between 20000 and 32000 on 127.0.0.1")
