"""Life without a Collector: the app serves, says so once, accounts for every record, and ends in time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from harness.app import App
from harness.holds import holds
from harness.load import Load
from harness.sink import Sink

from tradewise_otel.tools.ports import free_port

SOURCE = """
import logging
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

app = FastAPI()
engine = create_async_engine("sqlite+aiosqlite:///app.db")

@app.get("/task/{name}")
async def work(name: str) -> dict[str, str]:
    logging.getLogger("app").info("at work")
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    return {"name": name}
"""

BEGINS, OVER = "cannot be reached", "takes records again"
QUICK = {
    # Long enough for a loaded machine: what a Collector has taken too late is counted as dropped.
    "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
    "OTEL_METRIC_EXPORT_INTERVAL": "500",
    "TRADEWISE_SHUTDOWN_SECONDS": "3",
}
# Tearing the process down takes its time on a loaded machine.
EXIT_SECONDS = 3 + 1.5

TROUBLES = {
    "closed port": None,
    "answers 503": 503,
    "answers 400": 400,
    "answers 401": 401,
    "never answers": 0,
}


class Door:
    """A Collector's address behind which something is wrong, until `repair`."""

    def __init__(self, trouble: str) -> None:
        self._stack = contextlib.ExitStack()
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        status = TROUBLES[trouble]
        self.sink = None if status is None else Sink(status, self._port)

    def __enter__(self) -> Door:
        if self.sink is not None:
            self._stack.enter_context(self.sink)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def repair(self) -> Sink:
        """A Collector that takes everything, at the same address."""
        if self.sink is None:
            self.sink = self._stack.enter_context(Sink(200, self._port))
        self.sink.status = 200
        return self.sink


@pytest.fixture
def app_at(app_of: Callable[..., App]) -> Callable[..., App]:
    """Makes the app with its Collector behind a door."""

    def make(door: Door, **env: str) -> App:
        return app_of(SOURCE, env={"OTEL_EXPORTER_OTLP_ENDPOINT": door.url, **QUICK, **env})

    return make


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """The block takes no longer."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def said(app: App, text: str) -> int:
    """How many lines say it."""
    return sum(text in line["message"] for line in app.lines)


def wait_for(app: App, text: str, seconds: float = 20.0) -> None:
    """Returns once a line says it."""
    deadline = time.monotonic() + seconds
    while not said(app, text):
        assert time.monotonic() < deadline, f"nobody said: {text}"
        time.sleep(0.1)


def assert_adds_up(sink: Sink, signal: str, received: int) -> None:
    """What the app says it emitted is what it says it left out, delivered, dropped, and what the sink has."""
    emitted, delivered, sampled_out, dropped = (
        sink.total(f"tradewise.telemetry.{what}", signal=signal)
        for what in ("emitted", "delivered", "sampled_out", "dropped")
    )
    assert delivered == received
    assert emitted == delivered + sampled_out + dropped


@holds("1.M5")
@pytest.mark.parametrize("trouble", TROUBLES)
def test_an_outage_is_said_once_and_every_record_is_accounted_for(
    app_at: Callable[..., App], trouble: str
) -> None:
    """In an outage all requests are answered, begin and end are said once, and the ledger adds up."""
    with Door(trouble) as door, app_at(door) as app:
        with Load(app.url) as load:
            wait_for(app, BEGINS)
            load.wait_for(len(load.answered) + 50)
        assert set(load.answered.values()) == {200}
        sink = door.repair()
        with Load(app.url, "/task/again-{n}", clients=1) as again:
            wait_for(app, OVER)
            again.wait_for(5)
        assert app.stop() == -15
    requests = len(load.answered) + len(again.answered)
    assert (said(app, BEGINS), said(app, OVER)) == (1, 1)
    assert app.stderr == ""
    assert sink.total("tradewise.telemetry.dropped", signal="logs", reason="export_failed") > 0
    assert_adds_up(sink, "logs", len(sink.logs))
    assert_adds_up(sink, "traces", len(sink.spans))
    assert sink.total("tradewise.telemetry.sampled_out", signal="traces", reason="pooled_connect") > 0
    assert sink.total("tradewise.telemetry.emitted", signal="logs") == len(app.lines)
    assert sink.total("api.requests.count", endpoint="/task/{name}") == requests, "metrics outlast the outage"


@holds("1.M5")
@pytest.mark.parametrize("trouble", ["closed port", "never answers"])
def test_an_app_that_stops_before_the_outage_is_noticed_ends_in_time(
    app_at: Callable[..., App], trouble: str
) -> None:
    """With upstream's retries still under way an idle app ends within 3 s and says what was not received."""
    with Door(trouble) as door, app_at(door, OTEL_EXPORTER_OTLP_TIMEOUT="10") as app:
        assert httpx.get(f"{app.url}/task/1").status_code == 200
        time.sleep(0.7)
        with within(EXIT_SECONDS):
            assert app.stop() == -15
    assert said(app, "exit: the Collector has not received") == 1
    assert app.stderr == ""


@holds("1.M5")
@pytest.mark.parametrize("trouble", ["closed port", "never answers"])
def test_a_loaded_app_ends_in_time_during_an_outage(app_at: Callable[..., App], trouble: str) -> None:
    """A busy app whose outage is known ends within 3 s, says it once, accounts for all that it printed."""
    with Door(trouble) as door, app_at(door) as app, Load(app.url) as load:
        wait_for(app, BEGINS)
        load.wait_for(20)
        with within(EXIT_SECONDS):
            assert app.stop() == -15
    (last,) = [line["message"] for line in app.lines if "exit:" in line["message"]]
    # The line that says it is the one that the figure cannot hold.
    assert f"{len(app.lines) - 1} of logs" in last
    assert (said(app, BEGINS), app.stderr) == (1, "")


@holds("1.M5")
def test_a_collector_that_refuses_one_signal_is_one_outage(app_of: Callable[..., App], sink: Sink) -> None:
    """When logs are refused and spans are taken the outage is said once, not again with every batch."""
    with Sink(404) as refusing:
        env = {**QUICK, "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": f"{refusing.url}/v1/logs"}
        with app_of(SOURCE, env=env) as app:
            for n in range(8):
                assert httpx.get(f"{app.url}/task/{n}").status_code == 200
                time.sleep(0.25)
            sink.wait(lambda s: len(s.spans) >= 16)
    assert (said(app, BEGINS), said(app, OVER)) == (1, 0)
