"""The app is the same with us as without: what its own handlers hear, what it answers, how it ends."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from harness.app import App
from harness.holds import holds
from harness.script import Ended, run_script
from harness.sink import Sink

HANDLERS = {
    "root-untouched": "target = logging.getLogger()",
    "root-basicConfig": "logging.basicConfig(level=logging.INFO); target = logging.getLogger()",
    "root-basicConfig-untouched": "logging.basicConfig(); target = logging.getLogger()",
    "root-captured-warnings": "logging.captureWarnings(True); target = logging.getLogger()",
    "named-level": "target = logging.getLogger('app'); target.setLevel(logging.DEBUG)",
    "named-no-level": "target = logging.getLogger('app.orders')",
    "no-propagation": "target = logging.getLogger('app'); target.propagate = False; target.setLevel(20)",
    "handler-level": "target = logging.getLogger(); target.setLevel(10); level = logging.ERROR",
    "access-log": "target = logging.getLogger('uvicorn.access'); target.setLevel(20)",
}
HEARD = """
import logging, queue, sys, warnings
from logging.handlers import QueueHandler, QueueListener
level = logging.NOTSET
{setup}
written = logging.FileHandler("heard.log")
written.setFormatter(logging.Formatter("%(name)s|%(levelname)s|%(message)s"))
written.setLevel(level)
queued = QueueHandler(queue.Queue())
target.addHandler(written)
target.addHandler(queued)
target.addHandler(logging.StreamHandler(sys.stdout))
for name in ("app.orders", "app", "library", "uvicorn.access", "opentelemetry.exporter.own", "urllib3.pool"):
    logger = logging.getLogger(name)
    for number in (5, 10, 20, 30, 40, 50):
        logger.log(number, "level %s", number)
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("failed")
warnings.warn("careful")
print("a line")
with open("queued.log", "w") as file:
    while not queued.queue.empty():
        record = queued.queue.get()
        print(record.name, record.levelname, record.getMessage().partition("\\n")[0], sep="|", file=file)
"""
ROUTES = """
import logging
from fastapi import FastAPI, HTTPException
from fastapi.responses import RedirectResponse, StreamingResponse

app = FastAPI()

@app.api_route("/items/{number}", methods=["GET", "HEAD", "POST"])
async def item(number: int, q: str = "") -> dict[str, object]:
    logging.getLogger("app").info("item")
    return {"number": number, "q": q}

@app.get("/refused")
def refused() -> None:
    raise HTTPException(403, "not you", {"x-why": "because"})

@app.get("/fails")
async def fails() -> None:
    raise RuntimeError("no")

@app.get("/stream")
async def stream() -> StreamingResponse:
    async def parts():
        for part in ("one", "two"):
            yield part
    return StreamingResponse(parts(), media_type="text/event-stream")

@app.get("/moved")
async def moved() -> RedirectResponse:
    return RedirectResponse("/items/1", 307)
"""
GETS = ("/items/7?q=%C3%A9", "/items/x", "/items/7/", "/nobody", "/refused", "/fails", "/stream", "/moved")
ASKED = [
    *(("GET", path) for path in (*GETS, "/openapi.json")),
    *(("HEAD", "/items/7"), ("POST", "/items/8"), ("PUT", "/items/9"), ("OPTIONS", "/items/9")),
]
WAIT = "\nimport pathlib, time\npathlib.Path('ready').touch()\ntime.sleep(60)\n"
TAKES_SIGTERM = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))"
ENDS: dict[str, tuple[str, signal.Signals | None]] = {
    "normal": ("print('done')", None),
    "sys.exit(3)": ("import sys; sys.exit(3)", None),
    "sys.exit(text)": ("import sys; sys.exit('enough')", None),
    "exception": ("raise ValueError('no')", None),
    "SIGINT": (WAIT, signal.SIGINT),
    "SIGTERM": (WAIT, signal.SIGTERM),
    "SIGTERM-handled": (TAKES_SIGTERM + WAIT, signal.SIGTERM),
    "os._exit": ("import os; print('now', flush=True); os._exit(4)", None),
}
NO_START = {
    "import": "raise ImportError('nothing here')",
    "sys.exit-on-import": "import sys; sys.exit(5)",
    "startup": (
        "import sys, contextlib\nfrom fastapi import FastAPI\n@contextlib.asynccontextmanager\n"
        "async def life(app):\n    sys.exit(3)\n    yield\napp = FastAPI(lifespan=life)"
    ),
}
SEEN = """
import logging, signal, sys, threading, warnings
log = logging.getLogger("app")
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(message)s")
print("a line", end="|")
print(logging.Logger.callHandlers.__module__, logging.StreamHandler.emit.__module__)
print(type(sys.stdout).__name__)
print(sys.excepthook is sys.__excepthook__, threading.excepthook is threading.__excepthook__)
print(warnings.showwarning is warnings._showwarning_orig, signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
log.info("a record")
print(logging.getLogger().level, [thread.name for thread in threading.enumerate()])
"""


def _twice(tmp_path: Path, source: str, sink: Sink, signal_at_ready: Any = None) -> tuple[Ended, Ended]:
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}
    bare = run_script(tmp_path / "bare", source, env, False, signal_at_ready)
    return bare, run_script(tmp_path / "with", source, env, True, signal_at_ready)


@holds("1.M4")
@pytest.mark.parametrize("case", HANDLERS)
def test_the_apps_own_handlers_hear_the_same(case: str, tmp_path: Path, sink: Sink) -> None:
    """A file handler and a QueueHandler get the same sequence of logger, level and message as bare."""
    for ended in _twice(tmp_path, HEARD.replace("{setup}", HANDLERS[case]), sink):
        assert ended.code == 0, ended.stderr
    for name in ("heard.log", "queued.log"):
        bare, ours = ((tmp_path / folder / name).read_text() for folder in ("bare", "with"))
        # A traceback and a warning name the file that they are in.
        assert ours.replace(str(tmp_path / "with"), "") == bare.replace(str(tmp_path / "bare"), "")
        assert bare.count("\n") >= 3


@holds("1.M4")
def test_answers_are_the_same(app_of: Callable[..., App]) -> None:
    """Status, headers and body of every kind of answer are as bare, but for the request id that we add."""
    answers = []
    for launcher in (False, True):
        with app_of(ROUTES, {"PYTHONHASHSEED": "0"}, launcher=launcher) as app:
            answers.append([_ask(app, method, path) for method, path in ASKED])
    assert answers[0] == answers[1]
    assert {answer[0] for answer in answers[0]} >= {200, 307, 403, 404, 405, 422, 500}


def _ask(app: App, method: str, path: str) -> tuple[int, dict[str, str], str]:
    answer = httpx.request(method, app.url + path)
    ours = ("date", "x-request-id")
    headers = {name: value.replace(app.url, "") for name, value in answer.headers.items() if name not in ours}
    return answer.status_code, headers, answer.text


@holds("1.M4")
@pytest.mark.parametrize("case", ENDS)
def test_a_script_ends_the_same(case: str, tmp_path: Path, sink: Sink) -> None:
    """A script's exit code is as bare, however it ends."""
    bare, ours = _twice(tmp_path, ENDS[case][0], sink, ENDS[case][1])
    assert ours.code == bare.code


@holds("1.M4")
@pytest.mark.parametrize("case", NO_START)
def test_a_server_that_does_not_start_ends_the_same(case: str, tmp_path: Path, sink: Sink) -> None:
    """uvicorn's exit code is as bare when the app cannot be imported or refuses to start."""
    script = "import uvicorn\nuvicorn.run('app:app', port=0)\n"
    for folder in ("bare", "with"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "app.py").write_text(NO_START[case])
    bare, ours = _twice(tmp_path, script, sink)
    assert ours.code == bare.code != 0


@holds("1.M4")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_ends_the_same_at_a_signal(number: signal.Signals, app_of: Callable[..., App]) -> None:
    """uvicorn's exit code after a signal is as bare."""
    codes = []
    for launcher in (False, True):
        with app_of(ROUTES, launcher=launcher) as app:
            app.signal(number)
            codes.append(app.process.wait(20))
    assert codes[0] == codes[1]


@holds("1.M4")
def test_disabled_is_the_bare_app(tmp_path: Path, sink: Sink) -> None:
    """`OTEL_SDK_DISABLED=true` gives the bare app: the same stdout, no hook in place, nothing sent."""
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "OTEL_SDK_DISABLED": "true"}
    bare = run_script(tmp_path / "bare", SEEN, env, launcher=False)
    ours = run_script(tmp_path / "with", SEEN, env)
    assert _timeless(ours.stdout) == _timeless(bare.stdout)
    assert "a record" in ours.stdout
    assert (ours.code, ours.stderr, sink.raw) == (bare.code, bare.stderr, [])


def _timeless(text: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", "TIME", text)
