"""Servers with four workers, and requests that any of them may take."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from harness.app import App

CLIENTS = 12
WORKERS = 4
SERVERS = {
    "uvicorn": ("uvicorn", "{target}", "--port", "{port}", "--workers", "4"),
    "gunicorn": (
        *("gunicorn", "{target}", "--bind", "127.0.0.1:{port}", "--workers", "4"),
        *("--worker-class", "uvicorn.workers.UvicornWorker"),
    ),
}


@dataclass
class Answers:
    """Which worker answered what, and when it had been asked."""

    pids: set[int] = field(default_factory=set)
    asked: list[tuple[float, int, str]] = field(default_factory=list)


async def drive(base: str, paths: list[str]) -> Answers:
    """Asks for each path once, on a connection of its own, so that any worker may take it."""
    found, left = Answers(), iter(paths)

    async def client() -> None:
        for path in left:
            began = time.time()
            if (pid := await _ask(base, path)) is not None:
                found.pids.add(pid)
                found.asked.append((began, pid, path))

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return found


async def _ask(base: str, path: str) -> int | None:
    port = int(base.rpartition(":")[2])
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nhost: app\r\nconnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
    except OSError:
        return None
    body = answer.rpartition(b"\r\n\r\n")[2]
    return int(body) if body.isdigit() else None


def started(app: App) -> set[int]:
    """Process ids of the workers that have come up."""
    text = app.stdout
    lines = map(json.loads, text[: text.rfind("\n") + 1].splitlines())
    return {line["process_id"] for line in lines if "startup complete" in line["message"]}


def journeys(lines: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The steps of each session, in their order."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        if line.get("event_type") == "user_journey_step":
            found[line["session_id"]].append(line)
    for steps in found.values():
        steps.sort(key=lambda step: step["step_sequence"])
    return found


def ask_all(app: App, paths: list[str]) -> Answers:
    """All of them, in any order, answered by several workers."""
    random.Random(1).shuffle(paths)
    answers = asyncio.run(drive(app.url, paths))
    assert len(answers.asked) == len(paths)
    assert len(answers.pids) >= 3
    return answers
