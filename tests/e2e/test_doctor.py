"""`tradewise-otel doctor`: what is in an app's way is named with its remedy, and nothing else is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from harness.app import clean_environment
from harness.doctor import visit
from harness.sink import Sink
from packaging.requirements import Requirement

from tradewise_otel.tools.doctor import installed
from tradewise_otel.tools.ports import free_port

FAULTS = {
    "OTEL_PROPAGATORS=tracecontext,b4": ("propagators", "names b4", "tracecontext"),
    "OTEL_SDK_DISABLED=true": ("settings", "as if it had been started without", "unset OTEL_SDK_DISABLED"),
    "TRADEWISE_SAMPLE_RATE=7": (
        "settings",
        "TRADEWISE_SAMPLE_RATE='7' is not a number from 0 to 1",
        "correct",
    ),
    "TRADEWISE_SAMPLERATE=0.1": ("settings", "is read by nobody", "TRADEWISE_SAMPLE_RATE="),
    "OTEL_BSP_MAX_QUEUE_SIZE=many": ("settings", "is not a whole number from 1", "correct OTEL_BSP"),
    "OTEL_LOGS_EXPORTER=console": ("settings", "is not otlp or none", "correct OTEL_LOGS_EXPORTER"),
    "OTEL_PYTHON_DISTRO=distro": ("distro", "OTEL_PYTHON_DISTRO=distro", "OTEL_PYTHON_DISTRO=tradewise"),
    "OTEL_PYTHON_CONFIGURATOR=sdk": ("distro", "CONFIGURATOR=sdk", "OTEL_PYTHON_CONFIGURATOR=tradewise"),
    "TRADEWISE_STATE_URL=redis://127.0.0.1:1/0": ("state", "redis://127.0.0.1:1/0", "TRADEWISE_STATE_URL"),
    "XDG_STATE_HOME=/dev/null/x": ("state", "/dev/null is no folder to write in", "XDG_STATE_HOME"),
    "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1": ("collector", "127.0.0.1:1 cannot be", "collector run"),
    "OTEL_EXPORTER_OTLP_ENDPOINT=http://u:pw@[::1": ("collector", "cannot be reached", "OTLP_ENDPOINT"),
}
"""A variable that does harm: what is found, a part of its text, and of its remedy."""


@pytest.fixture
def door() -> Iterator[Sink]:
    """A Collector's door that takes everything."""
    with Sink() as sink:
        yield sink


def test_nothing_is_in_the_way(door: Sink, tmp_path: Path) -> None:
    """Where all is well it says so, with exit code 0; no record is sent, and no file is made."""
    found = visit(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=door.url, ENVIRONMENT="production")
    assert (found.code, found.lines[-1]) == (0, "nothing is in the way"), found.lines
    assert found.said_of("collector") == [f"ok     collector    traces, logs, metrics: taken by {door.url}"]
    assert "10 % of the requests" in found.said_of("settings")[0]
    assert door.raw == [b"", b"", b""]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("variable", FAULTS)
def test_what_is_in_the_way_is_named(variable: str, door: Sink, tmp_path: Path) -> None:
    """A fault is told with what to do about it, ends in exit code 1, and shows no password."""
    name, _, value = variable.partition("=")
    found = visit(tmp_path, **{"OTEL_EXPORTER_OTLP_ENDPOINT": door.url, name: value})
    what, text, remedy = FAULTS[variable]
    faults = [line for line in found.said_of(what) if line.startswith("fault")]
    assert len(faults) == 1, found.lines
    assert text in faults[0].partition("->")[0]
    assert remedy in faults[0].partition("->")[2]
    assert (found.code, found.lines[-1]) == (1, "1 in the way")
    assert "pw" not in faults[0]


def test_a_launcher_of_another_environment_is_told(door: Sink, tmp_path: Path) -> None:
    """Where a shell would find another launcher, or none, the one that knows us is named."""
    other = tmp_path / "bin" / "opentelemetry-instrument"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    own = Path(sys.executable).parent / other.name
    for path, first in (("/nowhere", "not to be found"), (f"{other.parent}:/nowhere", str(other))):
        found = visit(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=door.url, PATH=path)
        (said,) = found.said_of("launcher")
        assert said.startswith("note")
        assert said.endswith(f"on PATH is {first} -> this environment's is {own}")


@pytest.mark.parametrize(("status", "remedy"), [(401, "HEADERS=Authorization"), (404, "/v1/"), (500, "log")])
def test_a_refusal_is_explained(status: int, remedy: str, tmp_path: Path) -> None:
    """A Collector that answers and refuses is told apart from one that is not there."""
    with Sink(status) as sink:
        found = visit(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=sink.url)
    (said,) = found.said_of("collector")
    assert f"{sink.url} answers {status}" in said
    assert remedy in said.partition("->")[2]


def test_a_token_goes_nowhere_else(door: Sink, tmp_path: Path) -> None:
    """A redirect is an answer, and is not followed."""

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"{door.url}/v1/logs")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        token = "Authorization=Bearer%20t0ken"
        found = visit(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_EXPORTER_OTLP_HEADERS=token)
        server.shutdown()
    assert f"{url} answers 302" in found.said_of("collector")[0]
    assert door.raw == []


def test_each_signal_has_its_own_door(door: Sink, tmp_path: Path) -> None:
    """Signals are asked for where each of them goes; one that is not sent is a note."""
    elsewhere = f"http://127.0.0.1:{free_port()}/in"
    found = visit(
        tmp_path,
        OTEL_EXPORTER_OTLP_ENDPOINT=door.url,
        OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=elsewhere,
        OTEL_METRICS_EXPORTER="none",
    )
    traces, logs, metrics = (" ".join(line.split()) for line in found.said_of("collector"))
    assert traces.startswith("ok collector traces: taken")
    assert logs.startswith(f"fault collector logs: {elsewhere.removesuffix('/in')} cannot be reached")
    assert metrics.startswith("note collector metrics: not sent")


@pytest.mark.parametrize("endpoint", ["{}", "http://{}"])
def test_grpc_is_asked_whether_somebody_listens(endpoint: str, door: Sink, tmp_path: Path) -> None:
    """With gRPC, where an endpoint may come without a scheme, only a connection is tried."""
    pytest.importorskip("grpc")
    grpc = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    there = visit(
        tmp_path, **grpc, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint.format(door.url.removeprefix("http://"))
    )
    (said,) = there.said_of("collector")
    assert said.startswith("ok")
    nobody = visit(tmp_path, **grpc, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint.format("127.0.0.1:1"))
    (said,) = nobody.said_of("collector")
    assert "127.0.0.1:1 cannot be reached" in said


def test_a_user_in_the_address_is_named_as_upstream_does(door: Sink, tmp_path: Path) -> None:
    """An endpoint with user and password is asked with them, and shown without."""
    address = door.url.replace("//", "//user:pw@")
    found = visit(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=address)
    assert found.said_of("collector") == [f"ok     collector    traces, logs, metrics: taken by {door.url}"]


@pytest.mark.parametrize(("one", "others", "is_told"), [(95, 5, True), (89, 11, False), (60, 0, False)])
def test_one_address_for_all(one: int, others: int, is_told: bool, door: Sink, tmp_path: Path) -> None:
    """One address with over 90 % of at least a hundred requests is told: it may be the proxy's."""
    callers = ["10.0.0.1"] * one + [f"10.1.0.{number}" for number in range(others)]
    lines = [_request_from(caller) for caller in callers]
    (tmp_path / "logs.jsonl").write_text("\n".join([*lines, lines[0][:-20]]))
    found = visit(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=door.url)
    said = found.said_of("client_ip")
    assert bool(said) is is_told
    assert found.code == 0
    assert all(f"10.0.0.1 has {one} of {one + others} requests" in line for line in said)


def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    """`tradewise-otel … | head` ends quietly, with the exit code that shells have for it."""
    read, write = os.pipe()
    os.close(read)
    words = [sys.executable, "-m", "tradewise_otel.tools.cli.main", "doctor"]
    done = subprocess.run(words, env=clean_environment(tmp_path), stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def _request_from(address: str) -> str:
    said = {"event_type": "api_request", "client_ip": address}
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in said.items()]
    scopes = [{"logRecords": [{"attributes": attributes}]}]
    return json.dumps({"resourceLogs": [{"scopeLogs": scopes}]})


@pytest.mark.parametrize(
    ("text", "missed"),
    [
        ("orjson>=3", None),
        ("orjson>=999", "is installed"),
        ("no-such-package>=1", "is not installed"),
        ("no-such-package>=1; extra == 'demo'", None),
        ("no-such-package>=1; python_version < '3'", None),
    ],
)
def test_packages_are_compared(text: str, missed: str | None) -> None:
    """What is needed here, and is not there in the right version, is missed; nothing else is."""
    found = installed._missed(Requirement(text))
    assert (found and missed in found[1]) if missed else found is None
