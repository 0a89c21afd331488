"""Readiness says whether intakes take what they are sent; liveness only that the process runs."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import otlp_wire
import pytest
from collector_command import NOWHERE
from harness.sink import Sink

from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses

AFTER_SECONDS = 2


class Asked:
    """A gateway and the two questions."""

    def __init__(self, collector: CollectorProcess, settings: dict[str, str], intake: Sink) -> None:
        self.collector, self.intake, self._settings = collector, intake, settings

    def ready(self) -> tuple[int, dict[str, Any]]:
        """Status and answer."""
        try:
            with urllib.request.urlopen(f"http://{self._settings['TRADEWISE_READY']}/", timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def alive(self) -> int:
        """The status of liveness."""
        with urllib.request.urlopen(f"http://{self._settings['TRADEWISE_HEALTH']}/", timeout=5) as answer:
            return int(answer.status)

    def log(self) -> None:
        """One record that is kept."""
        otlp_wire.post(self.collector.http, "logs", [otlp_wire.log(severityNumber=17)])

    def wait_for(self, status: int, seconds: float = 20) -> dict[str, Any]:
        """Readiness turns to a status; its answer."""
        deadline = time.monotonic() + seconds
        while True:
            now, answer = self.ready()
            if now == status:
                return answer
            assert time.monotonic() < deadline, answer
            time.sleep(0.05)


@pytest.fixture
def asked(gateway_binary: Path, tmp_path: Path, at_once: Path) -> Iterator[Asked]:
    """A gateway whose intake may be away for two seconds; `status` of the intake is what it answers."""
    with Sink() as intake:
        settings = {"TRADEWISE_DATA_DIR": str(tmp_path / "data"), "DD_API_KEY": "dummy", **free_addresses()}
        settings |= {"TRADEWISE_DD_OTLP_URL": intake.url, "TRADEWISE_READY_AFTER": f"{AFTER_SECONDS}s"}
        settings |= {f"TRADEWISE_DD_{name}_URL": NOWHERE for name in ("TRACES", "METRICS", "LOGS")}
        role = load_role("gateway", extras=at_once)
        with CollectorProcess(gateway_binary, role, settings) as collector:
            yield Asked(collector, settings, intake)


def test_ready_while_intakes_take_what_they_are_sent(asked: Asked) -> None:
    """200 from the start, also before anything was sent, and after it."""
    assert asked.ready() == (200, {"status": "ready"})
    asked.log()
    time.sleep(AFTER_SECONDS + 0.5)
    assert asked.ready() == (200, {"status": "ready"})


@pytest.mark.parametrize("status", [401, 403])
def test_an_intake_that_refuses_turns_it_red_at_once(asked: Asked, status: int) -> None:
    """A wrong key does not get better: 503, with the intake and its answer; green once it takes again."""
    asked.intake.status = status
    asked.log()
    (why,) = asked.wait_for(503, AFTER_SECONDS)["why"]
    assert f"/v1/logs answers {status}, for " in why
    assert asked.alive() == 200
    asked.intake.status = 200
    assert asked.wait_for(200) == {"status": "ready"}


def test_an_intake_that_is_away_turns_it_red_after_a_while(asked: Asked) -> None:
    """Green at first, since outages are short; red once nothing was taken for TRADEWISE_READY_AFTER."""
    asked.intake.status = 503
    asked.log()
    time.sleep(AFTER_SECONDS / 2)
    assert asked.ready()[0] == 200
    (why,) = asked.wait_for(503)["why"]
    assert "/v1/logs answers 503, for " in why
    assert asked.alive() == 200
    asked.intake.status = 200
    asked.wait_for(200)


def test_a_port_in_use_is_refused_before_the_start(gateway_binary: Path, tmp_path: Path) -> None:
    """TRADEWISE_READY is checked like the other addresses."""
    with Sink() as other:
        settings = {"TRADEWISE_DATA_DIR": str(tmp_path), "DD_API_KEY": "dummy", **free_addresses()}
        settings["TRADEWISE_READY"] = other.url.removeprefix("http://")
        with pytest.raises(Exception, match=r"TRADEWISE_READY=.*: the port is in use"):
            CollectorProcess(gateway_binary, load_role("gateway"), settings).start()
