"""The background poll: every connected bot is asked how it is, and `bot_health_check` says so."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timezone

import httpx
from fastapi import FastAPI
from sqlalchemy import Update, select, update

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
    # No session is open while bots take their time; and a statement a bot, because one that its owner
    # has deleted meanwhile is no error.
    for bot in bots:
        await check(app.state.http, bot)
        async with app.state.sessions() as session:
            await session.execute(_noted(bot))
            await session.commit()


def _noted(bot: Bot) -> Update:
    return (
        update(Bot)
        .where(Bot.id == bot.id)
        .values(last_successful_ping=bot.last_successful_ping, consecutive_failures=bot.consecutive_failures)
    )


async def check(client: httpx.AsyncClient, bot: Bot) -> str:
    """Ask one bot, note the result on it, log the event; returns the status."""
    try:
        answer = await fetch_status(client, bot.api_url)
    except BotUnavailable as error:
        bot.consecutive_failures += 1
        return _log(bot, "unhealthy", error.duration_ms)
    bot.consecutive_failures = 0
    bot.last_successful_ping = datetime.now(timezone.utc).replace(tzinfo=None)
    return _log(bot, "healthy" if answer.duration_ms < SLOW_MS else "degraded", answer.duration_ms)


def _log(bot: Bot, status: str, response_time_ms: float) -> str:
    fields = {
        "event_type": "bot_health_check",
        "bot_id": bot.id,
        "tenant_id": bot.tenant_id,
        "status": status,
        "response_time_ms": response_time_ms,
        "consecutive_failures": bot.consecutive_failures,
    }
    if bot.last_successful_ping:
        fields["last_successful_ping"] = bot.last_successful_ping.isoformat(timespec="seconds") + "Z"
    logger.log(logging.INFO if status == "healthy" else logging.WARNING, "Bot is %s", status, extra=fields)
    return status
