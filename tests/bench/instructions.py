"""Added instructions a request, counted by cachegrind: the ratio of `run.py` without a machine's noise.

The app runs in process, called as a server calls it; the call and the statement answer at once, exports go
to a sink of their own process, all of them within the run. Each variant runs twice with different numbers
of requests, so that start-up and exit cancel out. `bare` is counted twice.

Usage: python tests/bench/run.py --instructions [--path /ping/x]
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from variants import Variant, variants

HERE = Path(__file__).parent
SHORT, LONG = 150, 450
"""Requests of the two runs."""

NAMES = ("bare", "bare again", "vanilla", "ours, 100 %")
_REFERENCES = re.compile(r"I\s+refs:\s+([\d,]+)")
# Batches fill up or go at the end, as they would fill up under load: under valgrind a second is short.
_FULL_BATCHES = {
    "OTEL_BLRP_SCHEDULE_DELAY": "600000",
    "OTEL_BSP_SCHEDULE_DELAY": "600000",
    "OTEL_METRIC_EXPORT_INTERVAL": "600000",
    "TRADEWISE_SHUTDOWN_SECONDS": "60",
    "TRADEWISE_P95_MS": "60000",
    "TRADEWISE_P99_MS": "60000",
}


def table(path: str, sink: str) -> float:
    """Prints a row a variant; returns ours over vanilla, added instructions."""
    chosen = [variant for variant in variants(sink) if variant.name in NAMES]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = dict(zip(NAMES, pool.map(lambda v: a_request(v, path), chosen), strict=True))
    bare = (counts["bare"] + counts["bare again"]) / 2
    vanilla = counts["vanilla"] - bare
    print(
        f"\n{path}: instructions a request\n{'variant':<16}{'thousands':>12}{'added':>10}{'of vanilla':>12}"
    )
    for name, count in counts.items():
        added = count - bare
        print(f"{name:<16}{count / 1e3:>12.0f}{added / 1e3:>10.0f}{added / vanilla:>12.3f}")
    return (counts["ours, 100 %"] - bare) / vanilla


def a_request(variant: Variant, path: str) -> float:
    """Instructions that a variant spends on one request, its export included."""
    return (count(variant, path, LONG) - count(variant, path, SHORT)) / (LONG - SHORT)


def count(variant: Variant, path: str, requests: int) -> int:
    """Instructions of a whole process that answers so many requests."""
    tool = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    env = {
        **os.environ,
        **variant.env,
        **_FULL_BATCHES,
        "ENVIRONMENT": "production",
        "PYTHONHASHSEED": "0",
        "BENCH_INSTRUMENT": "1" if variant.launcher else "",
    }
    words = [*tool, sys.executable, __file__, path, str(requests)]
    done = subprocess.run(words, cwd=HERE, env=env, capture_output=True, text=True)
    found = _REFERENCES.search(done.stderr)
    if done.returncode or found is None or "has not received" in done.stdout:
        raise RuntimeError(f"{variant.name}: {done.stderr[-2000:]}{done.stdout[-500:]}")
    return int(found.group(1).replace(",", ""))


class Bot:
    """In the place of httpx's pool, below what instrumentation wraps: answers at once."""

    async def handle_async_request(self, request: Any) -> Any:
        """The same answer to every call."""
        import httpcore

        headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
        return httpcore.Response(200, headers=headers, content=_body())


async def _body() -> AsyncIterator[bytes]:
    yield b"{}"


async def serve(app: Any, path: str, requests: int) -> None:
    """Calls the app as uvicorn does: a task and a fresh scope a request."""
    loop = asyncio.get_running_loop()
    for _ in range(requests):
        answer: list[dict[str, Any]] = []
        await loop.create_task(app(scope_of(path), _receive, _sender(answer)))
        if answer[0]["status"] != 200:
            raise RuntimeError(answer)


def _sender(answer: list[dict[str, Any]]) -> Any:
    async def send(message: dict[str, Any]) -> None:
        answer.append(message)

    return send


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def scope_of(path: str) -> dict[str, Any]:
    """The scope of a request as uvicorn makes it."""
    headers = [(b"host", b"127.0.0.1:8000"), (b"user-agent", b"bench"), (b"accept", b"*/*")]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "scheme": "http",
        "root_path": "",
        "headers": headers,
        "state": {},
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
    }


def main(path: str, requests: int) -> None:
    """The counted process."""
    if os.environ["BENCH_INSTRUMENT"]:
        from opentelemetry.instrumentation.auto_instrumentation import initialize

        initialize()
    import app
    import httpx

    transport: Any = httpx.AsyncHTTPTransport()
    transport._pool = Bot()
    app.client = httpx.AsyncClient(transport=transport)
    asyncio.run(serve(app.app, path, requests))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
