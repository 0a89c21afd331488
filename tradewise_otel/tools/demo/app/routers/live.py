"""What does not end at once: prices as server-sent events and over a WebSocket."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

from ..identity import CurrentUser, CurrentWebSocketUser

router = APIRouter(prefix="/live", tags=["live"])

TICK_SECONDS = 0.05


async def _ticks(count: int) -> AsyncIterator[str]:
    for number in range(count):
        if number:
            await asyncio.sleep(TICK_SECONDS)
        yield json.dumps({"symbol": "BTC-USD", "tick": number, "price": 40_000 + 7 * number})


async def _as_events(count: int) -> AsyncIterator[str]:
    async for tick in _ticks(count):
        yield f"data: {tick}\n\n"


@router.get("/prices")
async def stream_prices(
    user: CurrentUser, ticks: Annotated[int, Query(ge=1, le=10_000)] = 5
) -> StreamingResponse:
    """Prices as server-sent events."""
    return StreamingResponse(_as_events(ticks), media_type="text/event-stream")


@router.websocket("/trades")
async def trade_feed(websocket: WebSocket, user: CurrentWebSocketUser) -> None:
    """Answers every symbol that the client sends with three ticks; ends when the client does."""
    await websocket.accept()
    try:
        while True:
            symbol = await websocket.receive_text()
            async for tick in _ticks(3):
                await websocket.send_text(f"{symbol} {tick}")
    except WebSocketDisconnect:
        return
