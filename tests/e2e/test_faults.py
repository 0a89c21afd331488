"""Our own faults: whatever raises in us, the app answers as bare, and each fault is counted."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from harness.app import App
from harness.holds import holds
from harness.sink import Sink
from websockets.sync.client import connect

TESTS = Path(__file__).parents[1]
ASKED = [
    ("GET", "/all"),
    ("GET", "/boom"),
    ("GET", "/stream"),
    ("GET", "/typed/7?token=s3cr3t-token"),
    ("HEAD", "/typed/7"),
    ("GET", "/typed/x"),
    ("GET", "/away"),
    ("GET", "/nobody"),
    ("GET", "/sub/7"),
]
SETTINGS = {"OTEL_BLRP_SCHEDULE_DELAY": "20", "OTEL_METRIC_EXPORT_INTERVAL": "40"}
AT_START = re.compile(
    r"\.(install|after_fork|instrument_\w+|__(eq|repr|hash|setattr|delattr)__|_hook_\w+)\b"
    r"|(?<!Event)(?<!Exchange)(?<!ExceptionInfo)\.__init__$|Libraries"
)
"""What no request runs: it makes the long-lived parts, installs them, or is there for people."""
AT_EXIT = [
    "instrument.process:ProcessEvents._finish_once",
    "instrument.process:ProcessEvents.finish",
    "instrument.printed:PrintedLines.finish",
    "instrument.stateful:StatefulEvents.stop",
    "instrument.stateful:StatefulEvents.finish",
    "out.dispatch:Dispatch.shutdown",
    "out.exporter:Exporters.abort",
    "out.exporter:Exporters.outage",
]
"""What runs when the process is told to end."""


class Faulty(App):
    """The app of `harness/apps/faulty.py`, its answers, and orders to its saboteur."""

    def __init__(self, folder: Path, launcher: bool, env: dict[str, str]) -> None:
        folder.mkdir(exist_ok=True)
        shutil.copy(TESTS / "harness" / "apps" / "faulty.py", folder / "app.py")
        super().__init__(folder, env={"PYTHONPATH": str(TESTS), **env}, launcher=launcher)
        limits = httpx.Limits(max_keepalive_connections=0)
        self.client = httpx.Client(base_url=self.url, timeout=30, limits=limits)

    def order(self, words: str) -> Any:
        """Has the saboteur do something; its answer."""
        return self.client.get(f"{(self.folder / 'orders').read_text()}/{words}").json()

    def has_counted_since(self, before: Any) -> bool:
        """Waits a moment: the exporter thread may be between the fault and its count."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if self.order("mend")["counted"] > before["counted"]:
                return True
        return False

    def answers(self) -> list[Any]:
        """What the clients see: status, body, headers; not the id that we add, nor the time."""
        seen: list[Any] = []
        for method, path in ASKED:
            answer = self.client.request(method, path)
            headers = {
                name: value for name, value in answer.headers.items() if name not in ("date", "x-request-id")
            }
            seen.append((path, answer.status_code, answer.text, headers))
        with connect(f"ws://127.0.0.1:{self.port}/ws") as socket:
            socket.send("word")
            return [*seen, socket.recv()]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The answers of the bare app."""
    with Faulty(tmp_path_factory.mktemp("bare"), False, {}) as app:
        return app.answers()


@pytest.fixture
def app(tmp_path: Path, sink: Sink) -> Iterator[Faulty]:
    """The app under the launcher."""
    with Faulty(tmp_path, True, {**SETTINGS, "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}) as running:
        yield running


@holds("1.M4")
@pytest.mark.parametrize("room", ["instrument", "record", "out"])
def test_no_fault_of_ours_reaches_the_app(room: str, app: Faulty, sink: Sink, bare: list[Any]) -> None:
    """With each function raising in turn, answers are as bare, faults are counted, secrets stay inside."""
    assert app.answers() == bare
    wrong: dict[str, Any] = {}
    names = [name for name in app.order("targets") if name.startswith(f"tradewise_otel.{room}.")]
    for name in [name for name in names if not AT_START.search(name)]:
        before = app.order(f"break/{name}")
        answers = app.answers()
        if room == "out":
            # What happens in the exporter thread.
            time.sleep(0.1)
        after = app.order("mend")
        if answers != bare:
            wrong[name] = [pair for pair in zip(bare, answers, strict=True) if pair[0] != pair[1]]
        elif after["raised"] > before["raised"] and not app.has_counted_since(before):
            wrong[name] = "not counted"
    assert wrong == {}
    assert "s3cr3t-token" not in app.stdout + app.stderr
    assert b"s3cr3t-token" not in b"".join(sink.raw)
    counted = app.order("mend")["counted"]
    sink.wait(lambda s: s.total("tradewise.telemetry.dropped", reason="internal_error") >= counted)


@pytest.fixture(scope="module")
def bare_exit(tmp_path_factory: pytest.TempPathFactory) -> int:
    """The exit code of the bare app after SIGTERM."""
    with Faulty(tmp_path_factory.mktemp("bare-exit"), False, {}) as app:
        return app.stop()


@holds("1.M4")
@pytest.mark.parametrize("name", AT_EXIT)
def test_no_fault_of_ours_changes_the_exit(name: str, app: Faulty, bare_exit: int) -> None:
    """With a function of the way out made to raise, SIGTERM ends the app as bare and in time."""
    app.answers()
    assert app.order(f"break/tradewise_otel.{name}")["counted"] == 0
    started = time.monotonic()
    assert app.stop() == bare_exit
    assert time.monotonic() - started < 10
