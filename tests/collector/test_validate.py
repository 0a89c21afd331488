"""Every role and overlay is valid in the eyes of the real binary, quickly and without a network."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from collector_command import NEEDED, NOWHERE, VARIANTS, Variant, run_command
from harness.holds import holds

SECONDS = 5.0
PROXIES = {
    name: NOWHERE for word in ("http_proxy", "https_proxy", "all_proxy") for name in (word, word.upper())
}
"""Whoever asks the network in spite of all asks nobody."""
NO_NETWORK = ("unshare", "-rn")
"""A network namespace of its own, in which not even loopback is up."""


@cache
def _can_cut_off() -> bool:
    if not shutil.which(NO_NETWORK[0]):
        return False
    return subprocess.run([*NO_NETWORK, "true"], capture_output=True).returncode == 0


def _validate(
    variant: Variant, binary: Path, folder: Path, before: Sequence[str] = (), extras: str = ""
) -> subprocess.CompletedProcess[str]:
    arguments = ["validate", *variant.arguments]
    if extras:
        (folder / "extras.yaml").write_text(extras)
        arguments += ["--extras", str(folder / "extras.yaml")]
    places = {"TRADEWISE_COLLECTOR_BIN": str(binary), "TRADEWISE_DATA_DIR": str(folder / "data")}
    return run_command(*arguments, before=before, settings={**NEEDED, **PROXIES, **places})


@pytest.fixture
def binary_of(binary: Path, gateway_binary: Path) -> dict[str, Path]:
    """Role to its Collector."""
    return {"laptop": binary, "gateway": gateway_binary, "agent": gateway_binary}


@holds("2.M6")
@pytest.mark.parametrize("before", [(), NO_NETWORK], ids=["no proxy answers", "no network"])
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_it_is_valid_offline_at_once(
    variant: Variant, before: tuple[str, ...], binary_of: dict[str, Path], tmp_path: Path
) -> None:
    """The real binary accepts each role and overlay within five seconds, offline, and makes no file."""
    if before and not _can_cut_off():
        pytest.skip("`unshare -rn` does not work here, so the network cannot be taken away")
    began = time.monotonic()
    done = _validate(variant, binary_of[variant.role], tmp_path, before)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    assert time.monotonic() - began < SECONDS
    assert list(tmp_path.iterdir()) == []


def test_the_network_is_really_gone() -> None:
    """What runs without a network cannot even reach this machine, so the test above means something."""
    if not _can_cut_off():
        pytest.skip("`unshare -rn` does not work here, so the network cannot be taken away")
    script = "import socket; socket.create_connection(('127.0.0.1', 9), timeout=2)"
    done = subprocess.run([*NO_NETWORK, "python3", "-c", script], capture_output=True, text=True)
    assert "unreachable" in done.stderr


MISTAKES = {
    "an unknown setting of a component": "processors: {memory_limiter: {nonsense: 1}}",
    "a statement that does not parse": "processors: {transform/edge: {log_statements: ['set(log.body']}}",
    "a processor that nobody defined": "service: {pipelines: {logs/in: {processors: [transform/none]}}}",
    "a pipeline that leads nowhere": "service: {pipelines: {logs/in: {exporters: []}}}",
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_not_valid(mistake: str, gateway_binary: Path, tmp_path: Path) -> None:
    """A mistake in a user's own layer is found by `validate`, with an exit code and where it is."""
    done = _validate(Variant("gateway"), gateway_binary, tmp_path, extras=f"{MISTAKES[mistake]}\n")
    assert done.returncode == 1
    assert any(
        word in done.stderr for word in ("memory_limiter", "transform/edge", "transform/none", "logs/in")
    )


@pytest.mark.parametrize("rate", ["0", "0.1", "1", "1.0"])
@pytest.mark.parametrize("role", ["laptop", "gateway"])
def test_every_rate_is_valid(role: str, rate: str, binary_of: dict[str, Path]) -> None:
    """The rate stands in the statements as text, and each way to write it is understood."""
    settings = {**NEEDED, "TRADEWISE_COLLECTOR_BIN": str(binary_of[role]), "TRADEWISE_SAMPLE_RATE": rate}
    done = run_command("validate", "--role", role, settings=settings)
    assert (done.returncode, done.stderr) == (0, "")
