"""Whatever way an app logs: each record is one documented JSON line, once, and once an OTLP record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from harness.app import App
from harness.holds import holds
from harness.lines import assert_documented, assert_once_on_both_roads
from harness.sink import Sink

DICT_CONFIG = """
import logging.config
logging.config.dictConfig({
    "version": 1,
    "disable_existing_loggers": %s,
    "formatters": {"plain": {"format": "%%(levelname)s %%(message)s"}},
    "handlers": {
        "out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "plain"},
    },
    "root": {"level": "INFO", "handlers": ["out"]},
})
"""
STRUCTLOG_STDLIB = """
import structlog
logging.basicConfig(format="%(message)s", stream=sys.stdout, level=logging.INFO)
structlog.configure(
    processors=[structlog.stdlib.add_log_level, structlog.processors.JSONRenderer()],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)
"""
STYLES = {
    "none": "",
    "basicConfig": "logging.basicConfig(level=logging.INFO, stream=sys.stdout)",
    "basicConfig-force": "logging.basicConfig(level=logging.INFO, stream=sys.stdout, force=True)",
    "dictConfig": DICT_CONFIG % True,
    "dictConfig-keeping": DICT_CONFIG % False,
    "structlog": "import structlog",
    "structlog-stdlib": STRUCTLOG_STDLIB,
    "loguru": "import loguru",
    "root-handler": "logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))",
    "own-handler": (
        "own = logging.getLogger('app'); own.propagate = False; own.setLevel(logging.INFO)\n"
        "own.addHandler(logging.StreamHandler(sys.stdout)); own.addHandler(logging.StreamHandler())"
    ),
}
# What each style has to say of its own, and the number of lines that must come of it.
SPEECH = {
    "structlog": ("structlog.get_logger().info('mark-own', shares=3)", 1),
    "structlog-stdlib": ("structlog.get_logger('app.own').info('mark-own', shares=3)", 1),
    "loguru": ("loguru.logger.info('mark-own')", 0),
}
SOURCE = """
import logging, sys, threading, warnings
{setup}
from fastapi import FastAPI
app = FastAPI()
log = logging.getLogger("app.orders")

def die():
    raise LookupError("mark-thread")

@app.get("/speak")
def speak() -> dict[str, str]:
    print("mark-print")
    warnings.warn("mark-warning")
    log.info("mark-info %s", 1)
    log.info("mark-extra", extra={{"bot_id": "b1", "depth": {{"a": [1, 2]}}}})
    try:
        {{}}["nothing"]
    except KeyError:
        log.exception("mark-logged")
    {speech}
    thread = threading.Thread(target=die, name="mortal")
    thread.start()
    thread.join()
    return {{"said": "all"}}

@app.get("/fail")
def fail() -> None:
    raise ZeroDivisionError("mark-raise")
"""
MARKS = ("mark-print", "mark-warning", "mark-info 1", "mark-extra", "mark-logged")


@pytest.mark.parametrize("style", STYLES)
@holds("1.M1")
def test_every_record_is_one_documented_line(style: str, app_of: Callable[..., App], sink: Sink) -> None:
    """In each style of logging every record is exactly one documented line and one OTLP record alike.

    loguru's default sink is the one documented exception: it writes text to stderr itself, past `logging` and
    past stdout, so its lines are no events, and stdout stays pure without them.
    """
    speech, own_lines = SPEECH.get(style, ("", 0))
    with app_of(SOURCE.format(setup=STYLES[style], speech=speech)) as app:
        assert httpx.get(f"{app.url}/speak").json() == {"said": "all"}
        assert httpx.get(f"{app.url}/fail").status_code == 500
    lines = app.lines
    assert_documented(lines)
    assert_once_on_both_roads(lines, sink.logs)
    counts = {mark: len(_with(lines, mark)) for mark in (*MARKS, "mark-own")}
    assert counts == {**dict.fromkeys(MARKS, 1), "mark-own": own_lines}
    assert ("mark-own" in app.stderr) == (style == "loguru")
    assert not [line for line in lines if line["logger_name"] == "uvicorn.access"]
    _check_the_kinds(lines, style)


def _check_the_kinds(lines: list[dict[str, Any]], style: str) -> None:
    (extra,) = _with(lines, "mark-extra")
    assert (extra["bot_id"], extra["depth"]) == ("b1", {"a": [1, 2]})
    assert extra["source"]["function"] == "speak"
    (logged,) = _with(lines, "mark-logged")
    assert (logged["level"], logged["exception"]["type"]) == ("ERROR", "KeyError")
    assert logged["exception"]["traceback"][0] == "Traceback (most recent call last):\n"
    (warning,) = _with(lines, "mark-warning")
    assert (warning["level"], warning["logger_name"]) == ("WARNING", "py.warnings")
    died = [line for line in lines if line.get("exception", {}).get("message") == "mark-thread"]
    assert [(line["level"], line["exception"]["type"]) for line in died] == [("ERROR", "LookupError")]
    raised = [line for line in lines if line.get("exception", {}).get("message") == "mark-raise"]
    # A dictConfig that disables existing loggers silences uvicorn's own report.
    assert len(raised) == (0 if style == "dictConfig" else 1)
    (answer,) = [line for line in lines if line.get("status_code") == 500]
    assert (answer["level"], answer["error_type"]) == ("ERROR", "ZeroDivisionError")


def _with(lines: list[dict[str, Any]], mark: str) -> list[dict[str, Any]]:
    return [line for line in lines if mark in line["message"]]
