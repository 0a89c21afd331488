"""`tradewise-otel demo` as a user runs it: real launcher, real Collector, and nothing left behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
import pytest
from harness.holds import holds

from tradewise_otel.catalogue.events import EVENTS
from tradewise_otel.catalogue.lookup import event_for
from tradewise_otel.catalogue.sensitive import MASK
from tradewise_otel.redact import gate
from tradewise_otel.tools.collector.build import build
from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses
from tradewise_otel.tools.demo.summary import EXPECTED, FIGURES

DEMO = [sys.executable, "-m", "tradewise_otel.tools.cli.main", "demo"]
# A first build of the Collector is part of it on a fresh machine.
WHOLE_DEMO_SECONDS = 1200

needs_go = pytest.mark.skipif(
    not (shutil.which("go") or os.environ.get("TRADEWISE_COLLECTOR_BIN")), reason="needs Go >= 1.26"
)


def _processes_of(folder: Path) -> list[str]:
    """Command lines of the processes that work in the folder or name it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in command or str(folder) in str((entry / "cwd").readlink()):
                found.append(f"{entry.name}: {command}")
        except OSError:
            # It has ended between the listing and the look.
            continue
    return found


def _start(folder: Path, *arguments: str, environ: dict[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*DEMO, "--keep", str(folder), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **(environ or {})},
    )


def _read_until(demo: subprocess.Popen[str], holds: Callable[[str], bool]) -> list[str]:
    assert demo.stdout is not None
    seen = []
    for line in demo.stdout:
        seen.append(line)
        if holds(line):
            return seen
    raise AssertionError("the demo ended early:\n" + "".join(seen[-40:]))


@dataclass
class Ended:
    """A demo that has ended."""

    folder: Path
    exit_code: int
    said: str


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """`demo --once`, played to its end once for all tests that look at it."""
    folder = tmp_path_factory.mktemp("demo") / "work"
    demo = _start(folder, "--once", "--seed", "3")
    said, _ = demo.communicate(timeout=WHOLE_DEMO_SECONDS)
    return Ended(folder, demo.returncode, said)


def test_the_demo_promises_every_documented_event() -> None:
    """What a demo has to show is every row of the catalogue, families included, but two that need a fault of
    the database and a word of the app's own.
    """
    promised = {event_for(name).name for name in (*EXPECTED, *FIGURES)}
    assert {event.name for event in EVENTS} - promised == {"database_connection_error", "security_"}


@needs_go
def test_the_demo_shows_every_event_and_ends_with_a_table(whole: Ended) -> None:
    """`demo --once` ends by itself with 0, shows each expected event, and its table counts them."""
    assert whole.exit_code == 0, whole.said[-4000:]
    events, _, table = whole.said.partition("sampled out")
    for name in EXPECTED:
        assert f" {name} " in events, name
        assert any(line.startswith(name) for line in table.splitlines()), name
    for name in FIGURES:
        assert f" {name} " in table, name
    assert table.count("| jq") + table.count("jq '") == 3
    assert not _processes_of(whole.folder)


@needs_go
def test_the_demo_loses_only_its_secrets_to_redaction(whole: Ended) -> None:
    """In the demo's lines only the bots' tokens are masked, and hardly a clean line went the slow way, but
    for ids: they are random, and may look like a secret.
    """
    lines = (whole.folder / "backend.jsonl").read_bytes().splitlines()
    masked = [json.loads(line) for line in lines if MASK.encode() in line]
    clean = [line for line in lines if MASK.encode() not in line]
    stopped = sum(gate.hit(_without_ids(line)) for line in clean)
    print(f"{len(masked)} lines masked; of {len(clean)} clean ones {stopped} were stopped by the gate")
    assert masked
    for line in masked:
        assert line.pop("api_token") == MASK
        assert MASK not in json.dumps(line)
    assert len(clean) > 500
    assert stopped < len(clean) * 0.01


def _without_ids(line: bytes) -> bytes:
    return orjson.dumps({name: value for name, value in orjson.loads(line).items() if name not in _RANDOM})


_RANDOM = frozenset({"request_id", "trace_id", "span_id", "event_id", "session_id"})


@needs_go
@holds("5.M3")
def test_the_collector_finds_nothing_more_in_the_demo(whole: Ended, tmp_path: Path) -> None:
    """All that the demo's Collector wrote, sent to another one, comes out of its redaction as it was."""
    port = free_addresses()["TRADEWISE_HEALTH"].rpartition(":")[2]
    own = {"TRADEWISE_PROMETHEUS_PORT": port}
    role = load_role("laptop", ("prometheus",))
    settings = {"TRADEWISE_DATA_DIR": str(tmp_path), **free_addresses(), **own}
    sent = 0
    with CollectorProcess(build(role, os.environ), role, settings) as collector:
        for signal_name in ("logs", "traces", "metrics"):
            for line in (whole.folder / "collector" / f"{signal_name}.jsonl").read_bytes().splitlines():
                httpx.post(
                    f"{collector.http}/v1/{signal_name}",
                    content=line,
                    headers={"content-type": "application/json"},
                ).raise_for_status()
                sent += 1
        counted = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert sent > 10
    assert "otelcol_processor_incoming_items" in counted
    assert "tradewise_telemetry_redacted" not in counted


@needs_go
def test_the_demo_delivers_all_of_the_second_round(whole: Ended) -> None:
    """Every record that the backend printed while the Collector was up is in the Collector's files."""
    assert whole.exit_code == 0, whole.said[-4000:]
    assert "still under way" not in whole.said


@needs_go
def test_calls_to_the_bot_say_what_was_called(whole: Ended) -> None:
    """Every external_api_call of the demo names the trading bot, its address, the method and the endpoint."""
    lines = [json.loads(line) for line in (whole.folder / "backend.jsonl").read_text().splitlines()]
    calls = [line for line in lines if line.get("event_type") == "external_api_call"]
    seen = {(call["service"], call["method"], call["api_url"].partition("127")[0]) for call in calls}
    assert seen == {("trading_bot", "GET", "http://")}
    assert all(call["endpoint"].endswith("/api/v1/status") for call in calls)


@needs_go
def test_the_demo_leaks_no_token(whole: Ended) -> None:
    """The api_token that the app logs by mistake is masked in every line and every Collector file."""
    assert whole.exit_code == 0, whole.said[-4000:]
    lines = (whole.folder / "backend.jsonl").read_text().splitlines()
    slips = [json.loads(line) for line in lines if "api_token" in line]
    assert {line["api_token"] for line in slips} == {"***REDACTED***"}
    for path in [whole.folder / "backend.jsonl", *(whole.folder / "collector").glob("*.jsonl")]:
        assert "tw_demo_" not in path.read_text(), path


@pytest.mark.parametrize(
    ("moment", "number", "exit_code"),
    [
        ("starting opentelemetry-instrument", signal.SIGINT, 130),
        ("first round of traffic", signal.SIGTERM, 130),
        pytest.param("second round of traffic", signal.SIGINT, 130, marks=needs_go),
        pytest.param("slow traffic goes on", signal.SIGINT, 0, marks=needs_go),
    ],
)
def test_a_signal_leaves_no_process(
    tmp_path: Path, moment: str, number: signal.Signals, exit_code: int
) -> None:
    """A signal sent to the demo alone, at any stage, stops every process that it started."""
    folder = tmp_path / "work"
    demo = _start(folder)
    _read_until(demo, lambda line: moment in line)
    demo.send_signal(number)
    said, _ = demo.communicate(timeout=40)
    assert demo.returncode == exit_code, said[-4000:]
    assert not _processes_of(folder)


def test_a_signal_during_the_build_leaves_no_compiler(tmp_path: Path) -> None:
    """SIGINT while the Collector is being built stops the builder and all it started."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    # A Go that is new enough and then never ends, with a child of its own.
    version = "go version go1.26.0 linux/amd64"
    go.write_text(f'#!/bin/sh\n[ "$1" = version ] && echo "{version}" && exit 0\nsleep 500 & wait\n')
    go.chmod(0o755)
    folder = tmp_path / "work"
    environ = {
        "PATH": f"{go.parent}{os.pathsep}{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "TRADEWISE_COLLECTOR_BIN": "",
    }
    demo = _start(folder, environ=environ)
    _read_until(demo, lambda line: "waiting for the Collector" in line)
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=40)
    assert demo.returncode == 130
    time.sleep(0.2)
    assert not _processes_of(tmp_path)


def test_without_go_there_are_events_and_then_one_line(tmp_path: Path) -> None:
    """Without Go the demo prints the events, says in one line what is missing, and ends with 3."""
    folder = tmp_path / "work"
    environ = {"PATH": "/nowhere", "TRADEWISE_COLLECTOR_BIN": ""}
    demo = _start(folder, "--once", environ=environ)
    said, _ = demo.communicate(timeout=120)
    assert demo.returncode == 3, said[-4000:]
    assert "Go 1.26" in said.splitlines()[-1]
    for name in EXPECTED:
        assert f" {name} " in said, name
    assert not _processes_of(folder)


def test_a_folder_that_is_in_use_is_refused(tmp_path: Path) -> None:
    """`--keep` with a folder that has something in it changes nothing and ends with 2."""
    (tmp_path / "mine").write_text("precious")
    demo = _start(tmp_path)
    said, _ = demo.communicate(timeout=60)
    assert (demo.returncode, "not empty" in said) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
