"""Ports for programs that are started side by side."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

from tradewise_otel.tools import ports

# Where nobody else looks for any.
FEW = range(18_000, 18_100)
TAKES_SIXTY = f"""
from tradewise_otel.tools import ports
ports.PORTS = range({FEW.start}, {FEW.stop})
print(ports.free_ports(60), flush=True)
input()
"""


def test_no_two_processes_are_given_the_same_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that was given to another process is not given again before that ends, listened on or not."""
    monkeypatch.setattr(ports, "PORTS", FEW)
    words = [sys.executable, "-c", TAKES_SIXTY]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        theirs = set(json.loads(other.stdout.readline()))
        assert len(theirs) == 60
        assert theirs.isdisjoint(ports.free_ports(30))
        other.communicate("\n")
    assert set(ports.free_ports(60)) & theirs


def test_a_port_that_is_listened_on_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever listens has the port, whether we have given it or not."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(ports, "PORTS", [port] * 100)
        with pytest.raises(OSError, match="no free port"):
            ports.free_port()
