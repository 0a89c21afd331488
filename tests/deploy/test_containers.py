"""The compose file, run by a real engine: events in files, at the stand-in, over killed Collectors."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tools
from conftest import COMPOSE, ROOT
from engine import BASE, BASE_PYTHON, Engine, EngineError
from harness.holds import holds

from tradewise_otel.tools.collector.build import cache_dir
from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.demo import traffic
from tradewise_otel.tools.ports import free_port
from tradewise_otel.tools.standin.definitions import load_definitions
from tradewise_otel.tools.standin.received import Received
from tradewise_otel.tools.standin.server import StandIn

pytestmark = pytest.mark.skipif(
    not os.environ.get("TRADEWISE_DEPLOY"), reason="containers take their time: make test-deploy"
)
KEY = "canary0123456789abcdef0123456789"
PASSWORD = "canary-of-the-database"
IMAGES = ("collector", "collector-local", "backend")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine with our images, and a PostgreSQL that stands for the official one."""
    if tools.find("docker-compose") is None:
        pytest.skip("docker-compose is not built: make test-deploy")
    contexts = tmp_path_factory.mktemp("contexts")
    prepare = [sys.executable, ROOT / "deploy/images/prepare.py", "--out", contexts, "--python", BASE_PYTHON]
    subprocess.run([str(word) for word in prepare], check=True, capture_output=True)
    try:
        # A socket's path must be short.
        folder = Path(tmp_path_factory.mktemp("e", numbered=True))
        with Engine(folder) as running:
            for name in IMAGES:
                arguments = {"BASE": BASE} if name == "backend" else {}
                running.build(f"tradewise-otel-{name}:0.1.0", contexts / name, **arguments)
            running.build("postgres:17.6-bookworm", Path(__file__).parent / "postgres", BASE=BASE)
            yield running
    except EngineError as error:
        pytest.skip(f"no container engine here: {error}")


class Project:
    """The compose file, up with some words before the command."""

    def __init__(self, engine: Engine, words: list[object], **environ: str) -> None:
        self._engine, self._words = engine, words
        self.port = free_port()
        self._environ = {"BACKEND_PORT": str(self.port), "POSTGRES_PASSWORD": PASSWORD, **environ}

    @property
    def url(self) -> str:
        """Of the backend, on this machine."""
        return f"http://127.0.0.1:{self.port}"

    def compose(self, *words: object, check: bool = True) -> str:
        """`docker compose …`."""
        return self._engine.compose(COMPOSE, *self._words, *words, check=check, **self._environ)

    def lines(self) -> list[dict[str, Any]]:
        """What the backend has printed."""
        text = self.compose("logs", "--no-log-prefix", "backend")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def file(self, service: str, path: str) -> str:
        """A file in a container, also of an image without a shell."""
        container = self.compose("ps", "-aq", service).split()[-1]
        command = ["docker", "cp", f"{container}:{path}", "-"]
        found = subprocess.run(command, env=self._engine.environ, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(found)) as archive:
            member = archive.extractfile(archive.getmembers()[0])
            assert member
            return member.read().decode()

    def __enter__(self) -> Project:
        self.compose("up", "--wait")
        return self

    def __exit__(self, *_error: object) -> None:
        self.compose("down", "--volumes", "--timeout", "30")


def _until(condition: Callable[[], object], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.5)


def _ids(otlp_lines: str) -> set[str]:
    """The event ids in a laptop's file."""
    found = set()
    for line in otlp_lines.splitlines():
        for resource in json.loads(line).get("resourceLogs", []):
            for scope in resource["scopeLogs"]:
                for record in scope["logRecords"]:
                    own = {one["key"]: one["value"] for one in record.get("attributes", [])}
                    found.add(own.get("event_id", {}).get("stringValue", ""))
    return found


@holds("7.M1")
def test_a_laptop_has_every_event_in_its_files(engine: Engine) -> None:
    """`docker compose up`: traffic to a backend with PostgreSQL; each printed record is in the file."""
    with Project(engine, []) as project:
        traffic.run(project.url, "http://bot:8123", seed=3)
        time.sleep(2)
        printed = {line["event_id"]: line for line in project.lines()}
        kinds = {line.get("event_type") for line in printed.values()}
        assert {"api_response", "database_operation", "external_api_call", "security_login_failed"} <= kinds
        _until(
            lambda: printed.keys() <= _ids(project.file("collector", "/var/lib/tradewise-otel/logs.jsonl"))
        )


@contextmanager
def standin(folder: Path) -> Iterator[tuple[StandIn, int]]:
    """Datadog's stand-in, and a port of every address of this machine that leads to it."""
    with StandIn(folder, api_key=KEY) as running, socket.create_server(("0.0.0.0", 0)) as door:
        threading.Thread(target=_forward, args=(door, running.port), daemon=True).start()
        yield running, door.getsockname()[1]


def _forward(door: socket.socket, port: int) -> None:
    while True:
        try:
            near, _ = door.accept()
        except OSError:
            return
        far = socket.create_connection(("127.0.0.1", port))
        for one, other in ((near, far), (far, near)):
            threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        for end in (source, target):
            end.close()


@holds("7.M1")
def test_killed_collectors_lose_nothing_on_the_stdout_road(engine: Engine, tmp_path: Path) -> None:
    """Agent and gateway are killed while the backend works; started again, Datadog gets every line, once."""
    override = Path(__file__).parent / "compose-test.yml"
    words: list[object] = [
        "-f",
        COMPOSE / "docker-compose.yml",
        "-f",
        COMPOSE / "stdout-road.yml",
        "-f",
        override,
    ]
    words += ["--profile", "datadog"]
    with standin(tmp_path / "recording") as (intake, port):
        environ = {"STANDIN_PORT": str(port), "DD_API_KEY": KEY}
        with Project(engine, words, **environ) as project:
            for killed in ("gateway", "agent"):
                traffic.run(project.url, "http://bot:8123", seed=5)
                project.compose("kill", killed)
                traffic.run(project.url, "http://bot:8123", seed=6)
                project.compose("up", "--wait")
            project.compose("stop", "backend")
            written = project.lines()
            received = Received(intake.recording, _definitions())
            wanted = {line["event_id"] for line in written}
            assert len(wanted) > 200
            missing = _missing(received, written)
            assert not missing, f"{len(missing)} of {len(wanted)}: {missing[0]}"
            hosts = {log.host for log in received.logs}
            assert hosts == {"compose"}
            _no_secret(engine, project)


def _missing(received: Received, written: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines that Datadog does not have after a minute and a half."""
    deadline = time.monotonic() + 90
    while True:
        there = {log.attributes.get("event_id") for log in received.refresh().logs}
        missing = [line for line in written if line["event_id"] not in there]
        if not missing or time.monotonic() > deadline:
            return missing
        time.sleep(1)


def _definitions() -> Any:
    return load_definitions(load_role("gateway").lock, os.environ, cache_dir(os.environ))


def _no_secret(engine: Engine, project: Project) -> None:
    """7.M4: neither key nor password is in what any container has printed."""
    for canary in (KEY, PASSWORD):
        assert canary not in project.compose("logs")


@holds("7.M1")
def test_a_gateway_without_a_key_says_so(engine: Engine) -> None:
    """`--profile datadog` without DD_API_KEY: it does not come up, and its log names the setting."""
    project = Project(engine, ["--profile", "datadog"], DD_API_KEY="")
    try:
        project.compose("up", "--detach", "--no-deps", "gateway", check=False)
        _until(
            lambda: "role gateway cannot work without DD_API_KEY" in project.compose("logs", "gateway"), 30
        )
    finally:
        project.compose("down", "--volumes")


@holds("7.M4")
def test_no_layer_of_an_image_has_a_secret(engine: Engine, tmp_path: Path) -> None:
    """Neither environment nor files of this machine are in any layer: no key, no password, no private key."""
    for name in IMAGES:
        archive = tmp_path / f"{name}.tar"
        engine.docker("save", f"tradewise-otel-{name}:0.1.0", "-o", archive)
        found = _canaries(archive)
        assert not found, (name, found)
        archive.unlink()


def _canaries(archive: Path) -> list[str]:
    marks = [KEY.encode(), PASSWORD.encode(), str(ROOT).encode()]
    found = []
    with tarfile.open(archive) as image:
        for layer in (member for member in image.getmembers() if member.name.endswith("layer.tar")):
            source = image.extractfile(layer)
            assert source
            with tarfile.open(fileobj=source) as files:
                for member in files.getmembers():
                    ours = member.name.startswith(
                        ("usr/local", "etc/tradewise", "opt/tradewise", "usr/share/tradewise")
                    )
                    if member.isfile() and ours:
                        text = files.extractfile(member).read()  # type: ignore[union-attr]
                        found += [f"{member.name}: {mark!r}" for mark in marks if mark in text]
    return found


def test_the_backend_is_observed_by_its_entry_point(engine: Engine) -> None:
    """The image's own entry point is the launcher, its user no root, and its root cannot be written."""
    image = json.loads(engine.docker("image", "inspect", "tradewise-otel-backend:0.1.0").stdout)[0]["Config"]
    assert image["Entrypoint"] == ["opentelemetry-instrument"]
    assert image["User"] == "10001:10001"
    collector = json.loads(engine.docker("image", "inspect", "tradewise-otel-collector:0.1.0").stdout)[0][
        "Config"
    ]
    assert collector["User"] == "10001:10001"
    assert collector["Healthcheck"]["Test"][0] == "CMD"
