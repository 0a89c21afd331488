"""A node for the tests of tailing: files as runtimes write them, a real agent, and a sink for its gateway."""

from __future__ import annotations

import itertools
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.sink import Sink

from tradewise_otel.tools.collector.build import build
from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses

POD = "shop_api-7d4b9_0a1b2c3d-1111-2222-3333-444455556666"
TRACE_ID, SPAN_ID = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
NUMBERS = itertools.count(1)
"""Lines are told apart by their numbers."""
# Batches leave at once, and a file's last text is not waited for as long as in production.
SOON = """\
exporters: {otlp_http/gateway: {sending_queue: {batch: {flush_timeout: 20ms}}}}
receivers:
  file_log/plain: {force_flush_period: 600ms, poll_interval: 50ms}
  file_log/lines: {poll_interval: 50ms, retry_on_failure: {max_interval: 1s}}
"""


class Gateway(Sink):
    """A sink that reads each message once, because the tests ask often."""

    def __init__(self) -> None:
        super().__init__()
        self._read: list[dict[str, Any]] = []
        self._new: list[tuple[str, Any]] = []
        self._seen = 0

    @property
    def logs(self) -> list[dict[str, Any]]:
        """All log records so far."""
        self._new = self._messages[self._seen :]
        self._seen += len(self._new)
        self._read += super().logs
        return self._read

    def _blocks(self, path: str, field: str) -> list[Any]:
        return [block for _, message in self._new for block in getattr(message, field)]


class Node:
    """Folders that an agent tails, and what has arrived of them; `settings` are the agent's."""

    def __init__(self, folder: Path, gateway: Gateway) -> None:
        self.folder, self.gateway = folder, gateway
        for place in ("pods", "docker", "plain", "files"):
            (folder / place).mkdir(parents=True)
        (folder / "soon.yaml").write_text(SOON)
        tails = {"PODS": "pods/*/*/*.log", "DOCKER": "docker/*-json.log"}
        tails |= {"FILES": "files/*.jsonl", "PLAIN": "plain/*.log"}
        self.settings = {
            "TRADEWISE_DATA_DIR": str(folder / "data"),
            "TRADEWISE_GATEWAY_URL": gateway.url,
            "TRADEWISE_NODE_NAME": "node-7",
            **{f"TRADEWISE_TAIL_{kind}": str(folder / glob) for kind, glob in tails.items()},
        }

    def file(self, form: str) -> Path:
        """A new file, named as the form's writer does."""
        number = next(NUMBERS)
        names = {"docker": f"docker/c{number}-json.log", "plain": f"plain/old{number}.log"}
        names |= {"cri": f"pods/{POD}/api{number}/0.log", "file": f"files/app{number}.jsonl"}
        path = self.folder / names[form]
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @contextmanager
    def agent(self) -> Iterator[CollectorProcess]:
        """A running agent; a second one goes on where the first has stopped."""
        role = load_role("agent", extras=self.folder / "soon.yaml")
        settings = {**self.settings, **free_addresses()}
        with CollectorProcess(build(role, os.environ), role, settings) as running:
            yield running

    def wait(self, condition: Callable[[list[Any]], object], seconds: float = 20.0) -> None:
        """Returns once `condition` holds of the bodies that have arrived; asked when something has."""
        seen, asked = -1, 0.0

        def holds(sink: Sink) -> object:
            nonlocal seen, asked
            if len(sink.raw) == seen and time.monotonic() < asked + 0.5:
                return False
            seen, asked = len(sink.raw), time.monotonic()
            return condition([record["body"] for record in sink.logs])

        self.gateway.wait(holds, seconds)

    def record(self, body: str) -> dict[str, Any]:
        """The one record with this body, once it is there."""
        self.wait(lambda bodies: body in bodies)
        (found,) = [record for record in self.gateway.logs if record["body"] == body]
        return found

    def texts_of(self, path: Path) -> list[str]:
        """Bodies of the records that say they are from this file: those that are not ours."""
        return [record["body"] for record in self.gateway.logs if record.get("log.file.path") == str(path)]


def line(number: int, **fields: Any) -> str:
    """A line of ours; a field takes the place of the documented one of its name, None takes it away."""
    own: dict[str, Any] = {
        "timestamp": "2026-11-25T10:11:12.345Z",
        "level": "INFO",
        "logger_name": "shop.orders",
        "service": "orders",
        "version": "1.4.2",
        "environment": "production",
        "message": f"order {number}",
        "event_id": f"{number:032x}",
        "process_id": 4711,
        "thread_id": 140,
        "source": {"file": "/app/orders.py", "line": 42, "function": "place"},
    }
    chosen = {name: value for name, value in {**own, **fields}.items() if value is not None}
    return json.dumps(chosen, separators=(",", ":"), ensure_ascii=False)


def lines(count: int) -> tuple[list[str], str]:
    """That many bodies, and the text of their lines."""
    numbers = list(itertools.islice(NUMBERS, count))
    return [f"order {number}" for number in numbers], "".join(f"{line(number)}\n" for number in numbers)


def cri(text: str, stream: str = "stdout") -> bytes:
    """A line as containerd writes it: cut into pieces, wherever letters end, P for all but the last."""
    *pieces, last = re.findall(rb"(?s).{1,16384}", text.encode()) or [b""]
    head = f"2026-11-25T10:11:12.999999999Z {stream} ".encode()
    return b"".join([*(head + b"P " + piece + b"\n" for piece in pieces), head + b"F " + last + b"\n"])


def docker(text: str, stream: str = "stdout") -> bytes:
    """A line as Docker writes it: cut into entries, a line feed in the last; letters it spoils itself."""
    pieces = re.findall(r"(?s).{1,16384}", f"{text}\n")
    about = {"stream": stream, "attrs": {"tag": "x"}, "time": "2026-11-25T10:11:12.999999999Z"}
    return b"".join(json.dumps({"log": piece, **about}).encode() + b"\n" for piece in pieces)


def plain(text: str) -> bytes:
    """A line as an app writes it itself."""
    return f"{text}\n".encode()


FORMS: dict[str, Callable[[str], bytes]] = {"cri": cri, "docker": docker, "file": plain}
"""What is around a line, by who writes it."""


def append(path: Path, text: str | bytes) -> None:
    """Adds text to a file."""
    with path.open("ab") as file:
        file.write(text.encode() if isinstance(text, str) else text)
