"""Failures on demand: statuses, hanging, cutting, and the whole intake going away and coming back."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from intake_wire import ask

from tradewise_otel.tools.standin.recording import Recording
from tradewise_otel.tools.standin.server import StandIn


def statuses(standin: StandIn) -> list[int]:
    """What the recording says was answered."""
    return [request.status for request in standin.recording.requests()]


@pytest.mark.parametrize("status", [400, 403, 413, 429, 500, 503])
def test_a_scripted_status_is_answered(standin: StandIn, status: int) -> None:
    """The status comes until the script is healed; 429 says to come back after a second."""
    standin.script("/api/v2/logs", status)
    replies = [ask(standin, "/api/v2/logs") for _ in range(2)]
    standin.heal()
    assert [reply.status for reply in [*replies, ask(standin, "/api/v2/logs")]] == [status, status, 202]
    assert replies[0].headers.get("retry-after") == ("1" if status == 429 else None)
    assert statuses(standin) == [status, status, 202]


def test_a_script_is_for_its_prefix_and_its_times(standin: StandIn) -> None:
    """Other paths are not touched, the count runs out, and the latest script that fits goes first."""
    standin.script("/api/v2/", 500, times=2)
    standin.script("/api/v2/logs", 503, times=1)
    assert ask(standin, "/intake").status == 202
    assert [ask(standin, "/api/v2/logs").status for _ in range(4)] == [503, 500, 500, 202]


def test_an_action_that_does_not_exist_is_refused(standin: StandIn) -> None:
    """A status that Datadog does not answer is an error where it is scripted."""
    with pytest.raises(ValueError, match="418"):
        standin.script("/", 418)


def test_cut_closes_without_an_answer(standin: StandIn) -> None:
    """The client sees the connection close; the request is recorded with status 0."""
    standin.script("/api/v2/logs", "cut", times=1)
    with pytest.raises(http.client.RemoteDisconnected):
        ask(standin, "/api/v2/logs")
    assert ask(standin, "/api/v2/logs").status == 202
    assert statuses(standin) == [0, 202]


def test_hang_answers_never_and_holds_nobody_else_up(standin: StandIn) -> None:
    """The client times out, others are served, and the stand-in stops at once all the same."""
    standin.script("/api/v2/logs", "hang", times=1)
    with pytest.raises(TimeoutError):
        ask(standin, "/api/v2/logs", timeout=0.3)
    assert ask(standin, "/api/v2/logs").status == 202
    assert statuses(standin) == [0, 202]


def test_a_hanging_client_is_let_go_when_the_stand_in_goes_down(standin: StandIn) -> None:
    """A request that hangs ends with the connection, which `down` cuts."""
    standin.script("/", "hang")
    ended = threading.Event()

    def send() -> None:
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            ask(standin, "/api/v2/logs", timeout=10)
        ended.set()

    threading.Thread(target=send).start()
    while not statuses(standin):
        time.sleep(0.01)
    standin.down()
    assert ended.wait(2)


def test_down_refuses_and_cuts_and_up_is_the_same_port(standin: StandIn) -> None:
    """While down, open connections are dead and new ones refused; after `up` the same URL works."""
    url = f"{standin.url}/api/v1/validate"
    kept = http.client.HTTPConnection("127.0.0.1", standin.port, timeout=5)
    kept.request("GET", "/api/v1/validate")
    kept.getresponse().read()
    standin.down()
    assert kept.sock is not None
    assert kept.sock.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", standin.port), timeout=5)
    standin.up()
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert answer.status == 200
    kept.close()


def test_what_is_recorded_as_answered_was_answered(standin: StandIn) -> None:
    """Going down under load: every request with a 202 in the recording had its 202 at the client."""
    answered: list[str] = []

    def send(sender: int) -> None:
        for number in range(10_000):
            body = f'[{{"message":"{sender}-{number}"}}]'
            try:
                connection = http.client.HTTPConnection("127.0.0.1", standin.port, timeout=5)
                connection.request("POST", "/api/v2/logs", body)
                connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                return
            answered.append(body)
            connection.close()

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    standin.down()
    for thread in threads:
        thread.join()
    recorded = [request.body().decode() for request in standin.recording.requests()]
    assert sorted(recorded) == sorted(answered)
    assert len(recorded) > 10


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_serves_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    """`python -m tradewise_otel.tools.standin` prints its URL, records, checks the key, and exits with 0."""
    command = [sys.executable, "-m", "tradewise_otel.tools.standin", "--recording", str(tmp_path)]
    with subprocess.Popen([*command, "--api-key", "right-key"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+:\d+", process.stdout.readline())
        assert found
        request = urllib.request.Request(f"{found[0]}/intake", b"{}", {"dd-api-key": "right-key"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 202
        process.send_signal(number)
        assert process.wait(5) == 0
    assert [request.status for request in Recording(tmp_path).requests()] == [202]


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    """The program says why it cannot start, without a traceback, and exits with 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "tradewise_otel.tools.standin", "--recording", str(tmp_path)]
        done = subprocess.run([*command, "--port", port], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
