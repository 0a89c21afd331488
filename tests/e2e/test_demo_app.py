"""The demo's backend by itself: plain uvicorn, no launcher, every route, the same counts for a seed."""

import ast
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tradewise_otel.tools.demo import app as app_package
from tradewise_otel.tools.demo import commands, traffic
from tradewise_otel.tools.demo.processes import Child
from tradewise_otel.tools.ports import free_port

APP_FOLDER = Path(app_package.__file__).parent
# What the README and docs/events.md teach.
PUBLIC = {
    "tradewise_otel.bind",
    "tradewise_otel.events",
    "tradewise_otel.bots.bot_connection_test",
    "tradewise_otel.profiling.profile_performance",
}


@dataclass
class Running:
    """The backend and the stub bot, up."""

    backend: Child
    base_url: str
    bot_url: str


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Start both; the poll is slowed down so that it stays out of the tests' way."""
    folder, port, bot_port = tmp_path_factory.mktemp("demo"), free_port(), free_port()
    bot = Child("bot", commands.bot_command(bot_port), os.environ, folder / "bot.log", print)
    backend = Child("backend", _bare(port), _environ(folder), folder / "backend.log", print)
    try:
        bot.wait_for_port(bot_port)
        backend.wait_for_port(port)
        yield Running(backend, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{bot_port}")
    finally:
        backend.stop()
        bot.stop()


def _bare(port: int) -> list[str]:
    return [
        sys.executable,
        "-m",
        "uvicorn",
        commands.BACKEND,
        "--port",
        str(port),
        "--timeout-graceful-shutdown",
        "2",
    ]


def _environ(folder: Path, poll_seconds: str = "60") -> dict[str, str]:
    url = f"sqlite+aiosqlite:///{folder / 'app.db'}"
    return {**os.environ, "DATABASE_URL": url, "BOT_POLL_SECONDS": poll_seconds}


def test_every_route_is_used_and_a_seed_gives_the_same_counts(demo: Running) -> None:
    """Traffic reaches every route, in success and failure, and the same seed counts the same twice."""
    first = traffic.run(demo.base_url, demo.bot_url, seed=7, rounds=1)
    second = traffic.run(demo.base_url, demo.bot_url, seed=7, rounds=1)
    assert first == second

    used = {key.rpartition(" ")[0] for key in first}
    assert {f"{method} {path}" for method, path in _routes(demo.base_url)} <= used
    assert {"WEBSOCKET /api/v1/live/trades 101", "WEBSOCKET /api/v1/live/trades 403"} <= first.keys()
    statuses = {key.rpartition(" ")[2] for key in first}
    assert statuses >= {
        "101",
        "200",
        "201",
        "202",
        "204",
        "401",
        "403",
        "404",
        "405",
        "409",
        "422",
        "500",
        "502",
    }


def _routes(base_url: str) -> Iterator[tuple[str, str]]:
    for prefix in ("", "/internal"):
        paths = httpx.get(f"{base_url}{prefix}/openapi.json", trust_env=False).json()["paths"]
        yield from ((method.upper(), prefix + path) for path, methods in paths.items() for method in methods)


@pytest.mark.parametrize(("mode", "error"), [("/broken", "HTTPStatusError"), ("/timeout", "ReadTimeout")])
def test_a_bot_that_fails_is_a_bad_gateway(demo: Running, mode: str, error: str) -> None:
    """A bot that answers 500 or never answers gives 502 with the reason, within the timeout."""
    response = _try_connection(demo, demo.bot_url + mode)
    assert (response.status_code, response.json()) == (502, {"detail": f"bot unavailable: {error}"})


def test_a_closed_port_is_a_bad_gateway(demo: Running) -> None:
    """A bot that refuses the connection gives 502 with the reason."""
    response = _try_connection(demo, traffic.CLOSED_URL)
    assert response.json() == {"detail": "bot unavailable: ConnectError"}


def _try_connection(demo: Running, api_url: str) -> httpx.Response:
    with httpx.Client(base_url=demo.base_url + "/api/v1", trust_env=False, timeout=10) as client:
        credentials = {"email": f"{time.monotonic_ns()}@example.com", "password": "long-enough"}
        client.headers["X-User"] = client.post("/register", json=credentials).json()["user_id"]
        return client.post("/external-bots/test-connection", json={"api_url": api_url})


def test_the_app_ends_in_time_while_a_stream_is_open(tmp_path: Path) -> None:
    """SIGTERM ends the backend within its grace, with an endless stream open and the poll running."""
    port = free_port()
    backend = Child("backend", _bare(port), _environ(tmp_path, "0.05"), tmp_path / "backend.log", print)
    try:
        backend.wait_for_port(port)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", trust_env=False) as client:
            credentials = {"email": "stream@example.com", "password": "long-enough"}
            client.headers["X-User"] = client.post("/register", json=credentials).json()["user_id"]
            with client.stream("GET", "/live/prices", params={"ticks": 10_000}) as response:
                next(response.iter_lines())
                started = time.monotonic()
                backend.send_signal(signal.SIGTERM)
                backend.wait(10)
        assert time.monotonic() - started < 5
    finally:
        backend.stop()


def test_two_workers_start_on_one_empty_database(tmp_path: Path) -> None:
    """Workers that create the tables at the same moment do not trip over each other."""
    port = free_port()
    log = tmp_path / "backend.log"
    backend = Child("backend", [*_bare(port), "--workers", "2"], _environ(tmp_path), log, print)
    try:
        backend.wait_for_port(port)
        deadline = time.monotonic() + 20
        while log.read_text().count("startup complete") < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert log.read_text().count("startup complete") == 2, log.read_text()
    finally:
        backend.stop()


def test_the_app_uses_what_an_app_may_use() -> None:
    """No module of the app imports OpenTelemetry, nor of ours more than the documented calls."""
    used = {name for path in APP_FOLDER.rglob("*.py") for name in _imported(path)}
    ours = {name for name in used if name.startswith(("opentelemetry", "tradewise_otel"))}
    assert ours == PUBLIC, ours


def _imported(path: Path) -> Iterator[str]:
    depth = len(path.relative_to(APP_FOLDER).parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # More dots than folders would climb out of the app.
            assert node.level <= depth, f"{path}:{node.lineno}"
            if node.level == 0:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_importing_the_app_loads_no_telemetry(tmp_path: Path) -> None:
    """Without the launcher, no OpenTelemetry SDK comes into the app's process."""
    module = commands.BACKEND.partition(":")[0]
    unwanted = ("opentelemetry.sdk", "opentelemetry.instrumentation", "tradewise_otel.distro")
    code = f"import sys; import {module}; print([n for n in sys.modules if n.startswith({unwanted})])"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
