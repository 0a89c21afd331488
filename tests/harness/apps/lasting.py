"""An app whose requests last: hung, streaming, flooding, or with work that goes on after the answer."""

import asyncio
import logging
from collections.abc import AsyncIterator

from fastapi import BackgroundTasks, FastAPI, WebSocket
from fastapi.responses import StreamingResponse

log = logging.getLogger("lasting")
log.setLevel(logging.INFO)
app = FastAPI()
loops: set[asyncio.Task[None]] = set()


@app.get("/hang")
async def hang() -> None:
    log.info("hangs")
    await asyncio.sleep(8)


@app.get("/events")
async def events() -> StreamingResponse:
    async def ticks() -> AsyncIterator[str]:
        for number in range(1000):
            log.info("tick")
            yield f"data: {number}\n\n"
            await asyncio.sleep(0.1)

    return StreamingResponse(ticks(), media_type="text/event-stream")


@app.websocket("/socket")
async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        log.info("heard %s", await websocket.receive_text())


@app.get("/flood/{lines}")
async def flood(lines: int) -> None:
    for _ in range(lines):
        log.info("one of many")
    await asyncio.sleep(3)


@app.get("/background")
async def background(tasks: BackgroundTasks) -> str:
    async def work() -> None:
        log.info("after the answer")
        await asyncio.sleep(8)

    log.info("before the answer")
    tasks.add_task(work)
    return "done"


@app.get("/loop")
async def loop() -> None:
    async def poll() -> None:
        while True:
            log.info("polls")
            await asyncio.sleep(0.2)

    loops.add(asyncio.create_task(poll()))
