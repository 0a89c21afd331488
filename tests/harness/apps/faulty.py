"""Passes everything of ours that a request can pass, and says what the app itself sees of it."""

import itertools
import logging
import sys
import threading
import warnings
from typing import Any

import httpx
import sqlalchemy as sa
from fastapi import FastAPI, WebSocket
from fastapi.responses import RedirectResponse, StreamingResponse
from opentelemetry import _logs, metrics, trace

from harness import faults
from harness.stating import state_all
from tradewise_otel import bind
from tradewise_otel.profiling import profile_performance

PEER = faults.serve()
peer = httpx.Client()
heard: list[str] = []


class Heard(logging.Handler):
    """A handler of the app's own."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps what came."""
        heard.append(record.getMessage())


app = FastAPI()
nowhere = sa.create_engine("sqlite:////nowhere/at/all.db")
schema = sa.table("sqlite_schema", sa.column("name"))
STATEMENTS = (
    sa.text("with a as (select 6 * 7 as x) select x from a"),
    sa.text("select * from nowhere"),
    sa.select(sa.func.count()).select_from(schema.join(schema.alias(), sa.true())),
)
numbers = itertools.count(2)
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
    sys.stdout.buffer.write(b"bytes\n")
    warnings.warn("careful", stacklevel=1)
    state_all()
    log.info("plain", extra={"event_type": "bot_health_check", "bot_id": 7, "session_id": "s", "level": "x"})
    try:
        raise KeyError("token=s3cr3t-token")
    except KeyError:
        log.exception("caught")
    return list(heard)


def _die() -> None:
    log.info("outside all requests")
    raise LookupError("in a thread")


def _sql(statement: Any, where: sa.Engine = engine) -> str:
    try:
        with where.connect() as connection:
            return str(connection.execute(statement).scalar())
    except sa.exc.OperationalError as error:
        return type(error).__name__


@app.get("/all")
def everything() -> dict[str, Any]:
    """Logs, prints, warns, loses a thread, profiles, asks a database and a peer, uses the APIs."""
    # First of all, so that the record that waits for the user goes from within the app's own call.
    bind(user_id="u1", session_id="s1")
    thread = threading.Thread(target=_die)
    thread.start()
    thread.join()
    with trace.get_tracer("app").start_as_current_span("own"):
        _logs.get_logger("app").emit(
            _logs.LogRecord(body="by the API", severity_number=_logs.SeverityNumber.WARN)
        )
    metrics.get_meter("app").create_counter("app.calls").add(1)
    # A host that was not seen before: what is known of hosts is remembered.
    host = f"127.0.{next(numbers) // 250}.{next(numbers) % 250 + 2}"
    called = peer.get(PEER.replace("127.0.0.1", host) + "/peer/7").status_code
    with profile_performance("statements"):
        sql = [*map(_sql, STATEMENTS), _sql(STATEMENTS[0], nowhere)]
    return {"heard": _say(), "sql": sql, "called": called}


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


sub = FastAPI()
app.mount("/sub", sub)


@sub.get("/{number}")
async def mounted(number: int) -> int:
    """Answers from an app within the app."""
    return number
