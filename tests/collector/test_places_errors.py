"""Addresses and folders that a Collector cannot have, or not without a lock, are refused at once."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from collector_command import NEEDED, Variant, fake_collector, start_here

from tradewise_otel.tools.collector.process import free_addresses

Run = Callable[..., subprocess.CompletedProcess[str]]
DOORS = ("TRADEWISE_OTLP_HTTP", "TRADEWISE_OTLP_GRPC")
ADDRESSES = (*DOORS, "TRADEWISE_HEALTH")
LAPTOP, GATEWAY = Variant("laptop"), Variant("gateway")
SECURE = Variant("gateway", ("secure",))


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no [::1]")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder, not there yet."""
    return tmp_path / "data"


@pytest.fixture
def run(tmp_path: Path, data: Path) -> Run:
    """`run` under settings that would work, but for those that are given."""
    (tmp_path / "pem").touch()
    pems = {name: str(tmp_path / "pem") for name in ("TRADEWISE_TLS_CERT", "TRADEWISE_TLS_KEY")}
    places = {"TRADEWISE_DATA_DIR": str(data), "TRADEWISE_COLLECTOR_BIN": str(fake_collector(tmp_path))}
    good = {**NEEDED, **pems, **places, **free_addresses()}

    def run_(variant: Variant, **settings: str) -> subprocess.CompletedProcess[str]:
        return start_here("run", *variant.arguments, settings={**good, **settings})

    return run_


def _problem(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of an answer that is an error and nothing else."""
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    return line.removeprefix("tradewise-otel: ")


def _port() -> str:
    return free_addresses()["TRADEWISE_HEALTH"].rpartition(":")[2]


@pytest.mark.parametrize("host", ["0.0.0.0", "", "[::]", "192.0.2.1", "gateway.example", "localhost.example"])
@pytest.mark.parametrize("name", DOORS)
def test_beyond_loopback_it_needs_a_lock(run: Run, name: str, host: str) -> None:
    """A door that others can reach is refused, in every role, with the two remedies."""
    address = f"{host}:{_port()}"
    for variant, way in ((GATEWAY, "add --overlay secure"), (LAPTOP, "use --role gateway --overlay secure")):
        expected = f"beyond loopback it needs TLS and a token; {way}, or listen on 127.0.0.1"
        assert _problem(run(variant, **{name: address})) == f"{name}={address}: {expected}"


@pytest.mark.parametrize("host", ["0.0.0.0", "", pytest.param("[::]", marks=needs_ipv6)])
def test_with_a_lock_it_may_listen_everywhere(run: Run, host: str) -> None:
    """The overlay `secure` opens both doors to others."""
    addresses = {name: f"{host}:{_port()}" for name in DOORS}
    assert run(SECURE, **addresses).returncode == 0


def test_the_health_check_may_be_seen(run: Run) -> None:
    """Health tells nothing of anybody, and a container's probe comes from outside: no lock is asked for."""
    assert run(GATEWAY, TRADEWISE_HEALTH=f"0.0.0.0:{_port()}").returncode == 0


@pytest.mark.parametrize("host", ["127.0.0.2", "localhost", pytest.param("[::1]", marks=needs_ipv6)])
@pytest.mark.parametrize("name", DOORS)
def test_all_of_loopback_is_fine(run: Run, name: str, host: str) -> None:
    """Every way to write this machine alone is accepted without a lock."""
    assert run(GATEWAY, **{name: f"{host}:{_port()}"}).returncode == 0


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_port_in_use_is_named(run: Run, name: str) -> None:
    """A taken port is refused in one line with the setting, its value and the remedy."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        problem = _problem(run(GATEWAY, **{name: address}))
    assert problem == f"{name}={address}: the port is in use; set {name} to a free host:port"


def test_one_address_for_two_is_named(run: Run) -> None:
    """Two settings with one address are refused, though each alone would do."""
    address = f"127.0.0.1:{_port()}"
    problem = _problem(run(GATEWAY, TRADEWISE_OTLP_HTTP=address, TRADEWISE_HEALTH=address))
    assert problem.startswith(f"TRADEWISE_HEALTH={address}: TRADEWISE_OTLP_HTTP has the same; set ")


@pytest.mark.parametrize(
    "text", ["nonsense", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:0", "::1:99999"]
)
def test_no_address_is_told_with_an_example(run: Run, text: str) -> None:
    """What has no port from 1 to 65535 is refused with how it should look."""
    problem = _problem(run(GATEWAY, TRADEWISE_HEALTH=text))
    assert problem == f"TRADEWISE_HEALTH={text}: must be host:port, such as 127.0.0.1:13133"


@pytest.mark.parametrize("host", ["..", "192.0.2.1"])
def test_an_address_that_is_not_here_is_named(run: Run, host: str) -> None:
    """A host that is not this machine, or cannot be one, is refused with the setting."""
    problem = _problem(run(GATEWAY, TRADEWISE_HEALTH=f"{host}:{_port()}"))
    assert problem.startswith(f"TRADEWISE_HEALTH={host}:")
    assert problem.endswith("; set TRADEWISE_HEALTH to a free host:port")


def test_a_folder_that_cannot_be_made_is_named(run: Run, tmp_path: Path) -> None:
    """A data folder below a file is refused, with the setting and the reason once."""
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "data"
    problem = _problem(run(GATEWAY, TRADEWISE_DATA_DIR=str(folder)))
    assert problem == f"TRADEWISE_DATA_DIR={folder}: not a directory; set it to a folder you may write to"


def test_a_queue_folder_that_is_none_is_named(run: Run, data: Path) -> None:
    """Something else in the place of the queue's folder is refused, and it is said where."""
    data.mkdir()
    (data / "queue").touch()
    expected = f"TRADEWISE_DATA_DIR={data}: queue in it: file exists; set it to a folder you may write to"
    assert _problem(run(GATEWAY)) == expected


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
@pytest.mark.parametrize("part", ["", "queue"])
def test_a_read_only_folder_is_named(run: Run, data: Path, part: str) -> None:
    """A folder without the right to write, or its queue, is refused before data comes."""
    (data / "queue").mkdir(parents=True)
    (data / part).chmod(0o500)
    assert "permission denied; set it to a folder you may write to" in _problem(run(GATEWAY))


@pytest.mark.parametrize("variant", [LAPTOP, GATEWAY], ids=str)
def test_without_any_home_the_setting_is_named(run: Run, variant: Variant) -> None:
    """With no data folder, no XDG folder and no home the answer says which to set."""
    nowhere = {"TRADEWISE_DATA_DIR": "", "XDG_STATE_HOME": "", "HOME": ""}
    problem = _problem(run(variant, **nowhere))
    assert problem.startswith("neither XDG_STATE_HOME nor HOME is set: set ")


def test_a_folder_that_another_collector_uses_is_named(run: Run, data: Path) -> None:
    """Two Collectors on one queue would wait for each other; the second says so and does not start."""
    (data / "queue").mkdir(parents=True)
    with (data / "queue" / "exporter_otlp_http_datadog_logs_logs").open("wb") as queue:
        fcntl.flock(queue, fcntl.LOCK_EX)
        assert "another Collector uses it" in _problem(run(GATEWAY))
    assert run(GATEWAY).returncode == 0
