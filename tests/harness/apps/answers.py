"""An app that answers in every way there is: plain, failing, streaming, mounted, over WebSockets."""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException, Request, Response, WebSocket
from fastapi.responses import RedirectResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles

log = logging.getLogger("answers")


class Boom(Exception):
    """What the app throws and nobody catches."""


bots = APIRouter(prefix="/bots")


@bots.get("/{bot_id}")
async def bot(bot_id: int, tag: str = "") -> dict[str, Any]:
    return {"bot": bot_id, "tag": tag}


@bots.post("/{bot_id}")
async def save_bot(bot_id: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"bot": bot_id, "keys": len(body)}


v1 = APIRouter(prefix="/v1")
v1.include_router(bots)

sub = FastAPI()


@sub.get("/items/{item_id}")
async def item(item_id: str) -> dict[str, str]:
    return {"item": item_id}


@sub.get("/boom")
async def sub_boom() -> None:
    raise Boom("in the mounted app")


app = FastAPI()
app.include_router(v1, prefix="/api")
app.mount("/sub", sub)
app.mount("/tenants/{tenant}/sub", sub)
app.mount("/static", StaticFiles(directory="."))


async def header(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """A BaseHTTPMiddleware in the way of every answer, as many apps have one."""
    answer = await call_next(request)
    answer.headers["x-app"] = "answers"
    return answer


if os.environ.get("ANSWERS_MIDDLEWARE"):
    app.middleware("http")(header)


@app.get("/status/{code}")
async def status(code: int) -> None:
    raise HTTPException(code)


@app.get("/boom")
async def boom() -> None:
    raise Boom("nobody catches this")


@app.get("/threadpool/{name}")
def threadpool(name: str) -> str:
    log.info("in the threadpool")
    return name


@app.api_route("/page", methods=["GET", "HEAD"])
async def page() -> str:
    return "page"


@app.get("/moved")
async def moved() -> Response:
    return RedirectResponse("/page")


@app.get("/sleep/{ms}")
async def sleep(ms: int) -> int:
    await asyncio.sleep(ms / 1000)
    return ms


@app.get("/long")
async def long() -> Response:
    return Response(b"x" * 3_000_000)


async def _chunks(count: int, pause: float, fail: bool = False) -> AsyncIterator[bytes]:
    for number in range(count):
        yield f"data: {number}\n\n".encode()
        await asyncio.sleep(pause)
    if fail:
        raise Boom("in mid-stream")


@app.get("/sse")
async def sse(count: int = 3) -> Response:
    await asyncio.sleep(0.05)
    return StreamingResponse(_chunks(count, 0.1), media_type="text/event-stream")


@app.get("/chunked")
async def chunked(count: int = 4, pause: float = 0.4) -> Response:
    return StreamingResponse(_chunks(count, pause), media_type="application/octet-stream")


@app.get("/half")
async def half() -> Response:
    return StreamingResponse(_chunks(2, 0.01, fail=True), media_type="text/plain")


def _later(seconds: float) -> None:
    time.sleep(seconds)
    log.info("background work is done")


@app.get("/background")
async def background(tasks: BackgroundTasks) -> str:
    tasks.add_task(_later, 0.5)
    return "soon"


@app.websocket("/ws/{room}")
async def talk(socket: WebSocket, room: str) -> None:
    if room == "closed":
        await socket.close()
        return
    if room == "broken":
        raise Boom("before the handshake")
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()
