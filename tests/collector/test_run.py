"""`tradewise-otel collector` becomes the Collector, and says what is missing where it cannot.

Wrong settings are in test_settings_errors.py, what is valid in test_validate.py.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
import yaml
from collector_command import COMMAND, TABLE, run_command

from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses
from tradewise_otel.tools.collector.settings import ROWS


@pytest.fixture
def settings(tmp_path: Path, binary: Path) -> dict[str, str]:
    """Settings under which `run` works."""
    return {
        "TRADEWISE_DATA_DIR": str(tmp_path / "data"),
        "TRADEWISE_COLLECTOR_BIN": str(binary),
        **free_addresses(),
    }


def test_extras_are_loaded_last(settings: dict[str, str], tmp_path: Path) -> None:
    """A user's own layer wins over ours, and print-config shows the result."""
    extras = tmp_path / "mine.yaml"
    extras.write_text("processors: {memory_limiter: {limit_mib: 77}}\n")
    done = run_command("print-config", "--extras", str(extras), settings=settings)
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


def test_without_a_binary_three_ways_are_named(settings: dict[str, str], tmp_path: Path) -> None:
    """No binary anywhere: the error names the option, the setting and the command that builds one."""
    nowhere = {"TRADEWISE_COLLECTOR_BIN": "", "XDG_CACHE_HOME": str(tmp_path / "empty")}
    done = run_command("run", settings={**settings, **nowhere})
    assert done.returncode == 1
    assert all(way in done.stderr for way in ("--bin", "TRADEWISE_COLLECTOR_BIN", "collector build"))


@pytest.mark.parametrize("way", ["--bin", "TRADEWISE_COLLECTOR_BIN"])
def test_a_named_binary_must_be_one(settings: dict[str, str], tmp_path: Path, way: str) -> None:
    """A binary that was named but is not there is an error, not a reason to look elsewhere."""
    missing = str(tmp_path / "none")
    arguments = ["--bin", missing] if way == "--bin" else []
    done = run_command("run", *arguments, settings={**settings, "TRADEWISE_COLLECTOR_BIN": missing})
    assert done.returncode == 1
    assert f"{way}={missing}: not an executable file" in done.stderr


def test_wrong_usage_is_exit_code_2() -> None:
    """An unknown role is told with the roles there are."""
    done = run_command("run", "--role", "moon")
    assert done.returncode == 2
    assert "laptop" in done.stderr
    assert "gateway" in done.stderr


def test_an_empty_setting_is_an_unset_one(settings: dict[str, str]) -> None:
    """What a Compose file leaves empty has its default; the Collector itself would take the empty text."""
    own = {row.env: "" for row in ROWS if row.env not in settings}
    done = run_command("print-config", settings={**settings, **own})
    shown = yaml.safe_load(done.stdout)
    assert shown["processors"]["memory_limiter"]["limit_mib"] == 512
    assert shown["service"]["telemetry"]["metrics"]["level"] == "Normal"


@pytest.mark.parametrize("overlays", [("secure", "datadog-agent"), ("datadog-agent", "secure")])
def test_the_order_of_overlays_does_not_matter(overlays: tuple[str, str]) -> None:
    """`secure` keeps its authenticator among the extensions, wherever it stands on the command line."""
    chosen, other = (load_role("gateway", order) for order in (overlays, overlays[::-1]))
    assert chosen.files == other.files
    assert [path.name for path in chosen.files[-3:]] == ["datadog-agent.yaml", "secure.yaml", "extras.yaml"]


def test_help_names_every_setting_and_overlay() -> None:
    """`run --help` has each setting with its meaning, and each overlay."""
    said = run_command("run", "--help").stdout
    assert not [row.env for row in ROWS if row.env not in said]
    assert all(overlay in said for overlay in TABLE["overlays"])


def test_without_go_build_is_exit_code_3(tmp_path: Path) -> None:
    """Scripts can tell a missing Go from a failed build."""
    done = run_command("build", settings={"PATH": "/nowhere", "XDG_CACHE_HOME": str(tmp_path)})
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1


def test_a_collector_that_ends_shows_why(binary: Path, settings: dict[str, str], tmp_path: Path) -> None:
    """Whoever starts a Collector that cannot run gets the end of what it printed."""
    extras = tmp_path / "bad.yaml"
    extras.write_text("processors: {memory_limiter: {nonsense: 1}}\n")
    with pytest.raises(Exception, match=r"did not become healthy(.|\n)*nonsense"):
        CollectorProcess(binary, load_role("laptop", extras=extras), settings).start()
