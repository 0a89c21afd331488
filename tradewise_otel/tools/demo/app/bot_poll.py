"""The background poll: every connected bot is asked how it is, and `bot_health_check` says so."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Literal

import httpx
from fastapi import FastAPI
from sqlalchemy import select

from tradewise_otel import events

from .bot_client import BotUnavailable, fetch_status
from .database import Bot

logger = logging.getLogger(__name__)

# A bot that answers, but later than this, is degraded.
SLOW_MS = 300
# One turn must not take longer than the interval, whatever the number of bots.
BOTS_A_TURN = 10


@contextlib.asynccontextmanager
async def polling(app: FastAPI, every_seconds: float) -> AsyncIterator[None]:
    """Poll while the block runs; the task ends with it."""
    task = asyncio.create_task(_poll_for_ever(app, every_seconds), name="bot-poll")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _poll_for_ever(app: FastAPI, every_seconds: float) -> None:
    while True:
        await asyncio.sleep(every_seconds)
        try:
            await _poll_once(app)
        except Exception:
            logger.exception("Bot poll failed; the next one follows")


async def _poll_once(app: FastAPI) -> None:
    connected = select(Bot).where(Bot.state == "connected").order_by(Bot.id).limit(BOTS_A_TURN)
    async with app.state.sessions() as session:
        bots = (await session.scalars(connected)).all()
    # No session is open while bots take their time.
    for bot in bots:
        await check(app.state.http, bot)


async def check(client: httpx.AsyncClient, bot: Bot) -> None:
    """Ask one bot, and say how it is; how often it has failed in a row is for the state store to know."""
    status: Literal["healthy", "degraded", "unhealthy"]
    try:
        response_time_ms = (await fetch_status(client, bot.api_url)).duration_ms
        status = "healthy" if response_time_ms < SLOW_MS else "degraded"
    except BotUnavailable as error:
        response_time_ms, status = error.duration_ms, "unhealthy"
    events.bot_health_check(
        bot_id=bot.id, tenant_id=bot.tenant_id, status=status, response_time_ms=response_time_ms
    )
