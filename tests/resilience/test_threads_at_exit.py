"""Daemon threads that log to the last: they change neither the exit code nor what has to come out."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.app import App
from harness.holds import holds
from harness.script import run_script
from harness.sink import Sink

SECRET = "hunter2hunter2"
TALKERS = f"""
import atexit, logging, sys, threading, time

log = logging.getLogger("app")
log.setLevel(logging.INFO)

def talk():
    while True:
        log.info("at work: " + "nothing to hide, " * 20)
        log.info("retry with password={SECRET} please")

for _ in range(4):
    threading.Thread(target=talk, daemon=True).start()
"""
ENDING = f"""
atexit.register(log.warning, "last words, password={SECRET}")
time.sleep(0.3)
sys.exit(3)
"""
LONG_SCAN = """
import logging, sys, threading, time

log = logging.getLogger("app")
log.setLevel(logging.INFO)
text = "nothing to hide, " * 3_000_000
threading.Thread(target=log.info, args=(text,), daemon=True).start()
time.sleep(0.1)
sys.exit(3)
"""
SHUT = """
import logging, threading
from tradewise_otel.redact import ending

log = logging.getLogger("app")
ending.leave()
log.warning("of the thread that ends the process")
other = threading.Thread(target=log.warning, args=("of another",))
other.start()
other.join()
"""
GREENLETS = """
import asyncio, sys, threading, time
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

async def work():
    async with create_async_engine("sqlite+aiosqlite://").connect() as connection:
        while True:
            await connection.execute(sa.text("select 1"))

for _ in range(2):
    threading.Thread(target=lambda: asyncio.run(work()), daemon=True).start()
time.sleep(1.2)
sys.exit(3)
"""
SERVER = (
    TALKERS
    + """
from fastapi import FastAPI

app = FastAPI()
"""
)
# As without us: of the signal itself, and what uvicorn makes of Ctrl-C.
CODES = {signal.SIGTERM: -signal.SIGTERM, signal.SIGINT: 0}


@holds("1.M4")
@pytest.mark.parametrize("road", ["otlp", "stdout"] * 2)
def test_threads_that_log_to_the_last_leave_the_exit_code_alone(
    tmp_path: Path, sink: Sink, road: str
) -> None:
    """The exit code is the script's, its last words come out, and no secret does, also by `re` at the end."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "TRADEWISE_LOGS_ROAD": road}
    ended = run_script(tmp_path, TALKERS + ENDING, environ)
    assert (ended.code, ended.stderr) == (3, "")
    assert SECRET not in ended.stdout
    assert "last words, password=***REDACTED***" in [line["message"] for line in ended.lines]


@holds("1.M4")
def test_the_end_waits_for_a_scan_that_is_under_way(tmp_path: Path, sink: Sink) -> None:
    """A thread that is in the middle of a long text when the script ends does not abort the process."""
    ended = run_script(tmp_path, LONG_SCAN, {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url})
    assert (ended.code, ended.stderr) == (3, "")


@holds("1.M4")
def test_statements_of_threads_leave_the_exit_code_alone(tmp_path: Path, sink: Sink) -> None:
    """Event loops of daemon threads, whose statements we report from within greenlets, do no harm."""
    ended = run_script(tmp_path, GREENLETS, {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url})
    assert (ended.code, ended.stderr) == (3, "")


def test_only_the_thread_that_ends_the_process_speaks_at_the_end(tmp_path: Path, sink: Sink) -> None:
    """Once the doors are shut the last thread's records still come out, those of others do not."""
    ended = run_script(tmp_path, SHUT, {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url})
    assert [line["message"] for line in ended.lines] == ["of the thread that ends the process"]
    assert (ended.code, ended.stderr) == (0, "")


@holds("1.M4")
@pytest.mark.parametrize("number", CODES)
def test_threads_that_log_to_the_last_leave_a_server_s_exit_code_alone(
    app_of: Callable[..., App], number: signal.Signals
) -> None:
    """uvicorn ends as without us, although threads of the app log while it does."""
    with app_of(SERVER) as app:
        app.signal(number)
        code = app.process.wait(20)
    assert (code, app.stderr) == (CODES[number], "")
    assert SECRET not in app.stdout
