"""`tradewise-otel collector`: what it refuses, what it names, and that it becomes the Collector."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses

COMMAND = [sys.executable, "-m", "tradewise_otel.tools.cli.main", "collector"]


@pytest.fixture
def settings(tmp_path: Path, binary: Path) -> dict[str, str]:
    """Settings under which `run` works."""
    return {
        "TRADEWISE_DATA_DIR": str(tmp_path / "data"),
        "TRADEWISE_COLLECTOR_BIN": str(binary),
        **free_addresses(),
    }


def _command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, **settings}
    return subprocess.run([*COMMAND, *arguments], env=environ, capture_output=True, text=True, timeout=60)


def test_the_role_is_valid(settings: dict[str, str]) -> None:
    """The real binary accepts the laptop's configuration, statements and patterns included."""
    done = _command("validate", "--role", "laptop", **settings)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("rate", ["0", "0.1", "1", "1.0"])
def test_every_rate_is_valid(settings: dict[str, str], rate: str) -> None:
    """The rate stands in the statements as text, and each way to write it is understood."""
    assert _command("validate", TRADEWISE_SAMPLE_RATE=rate, **settings).returncode == 0


def test_extras_are_loaded_last(settings: dict[str, str], tmp_path: Path) -> None:
    """A user's own layer wins over ours, and print-config shows the result."""
    extras = tmp_path / "mine.yaml"
    extras.write_text("processors: {memory_limiter: {limit_mib: 77}}\n")
    done = _command("print-config", "--extras", str(extras), **settings)
    assert yaml.safe_load(done.stdout)["processors"]["memory_limiter"]["limit_mib"] == 77


def test_run_becomes_the_collector(settings: dict[str, str]) -> None:
    """`run` starts it in the foreground, makes the data folder for its owner, and ends cleanly on SIGTERM."""
    process = subprocess.Popen(
        [*COMMAND, "run"],
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _wait_for_health(settings["TRADEWISE_HEALTH"])
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert settings["TRADEWISE_DATA_DIR"] in out
    assert stat.S_IMODE(Path(settings["TRADEWISE_DATA_DIR"]).stat().st_mode) == 0o700


def _wait_for_health(address: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://{address}", timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("not healthy in time")


@pytest.mark.parametrize("name", ["TRADEWISE_OTLP_HTTP", "TRADEWISE_OTLP_GRPC", "TRADEWISE_HEALTH"])
def test_a_port_in_use_is_named(settings: dict[str, str], name: str) -> None:
    """A taken port is refused at once, in one line with the setting, its value and the remedy."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = _command("run", **{**settings, name: address})
    assert done.returncode == 1
    problem = f"{name}={address}: the port is in use; set {name} to a free host:port"
    assert done.stderr == f"tradewise-otel: {problem}\n"


def test_an_unwritable_folder_is_named(settings: dict[str, str], tmp_path: Path) -> None:
    """A data folder that cannot be made is refused at once, with the setting."""
    (tmp_path / "file").touch()
    done = _command("run", **{**settings, "TRADEWISE_DATA_DIR": str(tmp_path / "file" / "data")})
    assert done.returncode == 1
    assert f"TRADEWISE_DATA_DIR={tmp_path}/file/data: not a directory" in done.stderr


def test_all_problems_are_told_at_once(settings: dict[str, str]) -> None:
    """Two wrong settings are two problems in one answer."""
    wrong = {"TRADEWISE_SAMPLE_RATE": "10%", "TRADEWISE_HEALTH": "nonsense"}
    done = _command("run", **{**settings, **wrong})
    assert done.returncode == 1
    assert "TRADEWISE_SAMPLE_RATE=10%: must be a plain number" in done.stderr
    assert "TRADEWISE_HEALTH=nonsense: must be host:port" in done.stderr


def test_without_a_binary_three_ways_are_named(settings: dict[str, str], tmp_path: Path) -> None:
    """No binary anywhere: the error names the option, the setting and the command that builds one."""
    nowhere = {"TRADEWISE_COLLECTOR_BIN": "", "XDG_CACHE_HOME": str(tmp_path / "empty")}
    done = _command("run", **{**settings, **nowhere})
    assert done.returncode == 1
    assert all(way in done.stderr for way in ("--bin", "TRADEWISE_COLLECTOR_BIN", "collector build"))


@pytest.mark.parametrize("way", ["--bin", "TRADEWISE_COLLECTOR_BIN"])
def test_a_named_binary_must_be_one(settings: dict[str, str], tmp_path: Path, way: str) -> None:
    """A binary that was named but is not there is an error, not a reason to look elsewhere."""
    missing = str(tmp_path / "none")
    arguments = ["--bin", missing] if way == "--bin" else []
    done = _command("run", *arguments, **{**settings, "TRADEWISE_COLLECTOR_BIN": missing})
    assert done.returncode == 1
    assert f"{way}={missing}: not an executable file" in done.stderr


def test_wrong_usage_is_exit_code_2() -> None:
    """An unknown role is told with the roles there are."""
    done = _command("run", "--role", "moon")
    assert done.returncode == 2
    assert "laptop" in done.stderr


def test_without_go_build_is_exit_code_3(tmp_path: Path) -> None:
    """Scripts can tell a missing Go from a failed build."""
    done = _command("build", PATH="/nowhere", XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1


def test_a_collector_that_ends_shows_why(binary: Path, settings: dict[str, str], tmp_path: Path) -> None:
    """Whoever starts a Collector that cannot run gets the end of what it printed."""
    extras = tmp_path / "bad.yaml"
    extras.write_text("processors: {memory_limiter: {nonsense: 1}}\n")
    with pytest.raises(Exception, match=r"did not become healthy(.|\n)*nonsense"):
        CollectorProcess(binary, load_role("laptop", extras=extras), settings).start()
