"""Passes everything of ours that a request can pass, and says what the app itself sees of it."""

import logging
import threading
import warnings
from typing import Any

import httpx
import sqlalchemy as sa
from fastapi import FastAPI, WebSocket
from fastapi.responses import RedirectResponse, StreamingResponse
from opentelemetry import _logs, trace

from harness import faults

PEER = faults.serve()
peer = httpx.Client()
heard: list[str] = []


class Heard(logging.Handler):
    """A handler of the app's own."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps what came."""
        heard.append(record.getMessage())


app = FastAPI()
engine = sa.create_engine(
    "sqlite://", poolclass=sa.pool.StaticPool, connect_args={"check_same_thread": False}
)
log = logging.getLogger("app")
log.addHandler(Heard())
log.setLevel(logging.INFO)
warnings.simplefilter("always")


def _say() -> list[str]:
    heard.clear()
    print("a line", '\n{"event": "an object", "level": "warning"}')
    warnings.warn("careful", stacklevel=1)
    log.info("plain", extra={"event_type": "bot_health_check", "bot_id": 7, "session_id": "s", "level": "x"})
    try:
        raise KeyError("token=s3cr3t-token")
    except KeyError:
        log.exception("caught")
    return list(heard)


def _die() -> None:
    raise LookupError("in a thread")


def _sql(statement: str) -> str:
    with engine.begin() as connection:
        try:
            return str(connection.execute(sa.text(statement)).scalar())
        except sa.exc.OperationalError as error:
            return type(error).__name__


@app.get("/all")
def everything() -> dict[str, Any]:
    """Logs, prints, warns, loses a thread, asks a database and a peer, uses the APIs of OpenTelemetry."""
    thread = threading.Thread(target=_die)
    thread.start()
    thread.join()
    with trace.get_tracer("app").start_as_current_span("own"):
        _logs.get_logger("app").emit(
            _logs.LogRecord(body="by the API", severity_number=_logs.SeverityNumber.WARN)
        )
    called = peer.get(f"{PEER}/peer/7").status_code
    return {"heard": _say(), "sql": [_sql("select 6 * 7"), _sql("select * from nowhere")], "called": called}


@app.get("/boom")
async def boom() -> None:
    """Is never answered by the app."""
    raise ZeroDivisionError("boom")


@app.get("/stream")
async def stream() -> StreamingResponse:
    """An answer in pieces."""
    return StreamingResponse(iter(["a", "b", "c"]), headers={"x-request-id": "the-apps-own"})


@app.api_route("/typed/{number}", methods=["GET", "HEAD"])
async def typed(number: int) -> int:
    """Takes numbers only."""
    return number


@app.get("/away")
async def away() -> RedirectResponse:
    """Points elsewhere."""
    return RedirectResponse("/typed/1")


@app.websocket("/ws")
async def talk(socket: WebSocket) -> None:
    """Says a word back."""
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()
