"""Bots over HTTP: try a connection before it is noted, and connect one that is."""

import logging
from typing import Any

from fastapi import APIRouter, HTTPException, Request, status
from pydantic import BaseModel, Field

from tradewise_otel import events
from tradewise_otel.bots import bot_connection_test

from ..bot_client import BotUnavailable, fetch_status
from ..database import Session
from ..identity import CurrentUser
from ..journey import take_step
from .bots import bot_of_caller

logger = logging.getLogger(__name__)
router = APIRouter(tags=["external bots"])


class ConnectionTest(BaseModel):
    """The bot to try."""

    api_url: str = Field(pattern=r"^https?://", max_length=400)
    api_token: str | None = None
    bot_id: str | None = None


@router.post("/external-bots/test-connection")
async def check_connection(test: ConnectionTest, request: Request, user: CurrentUser) -> dict[str, Any]:
    """Ask the bot for its status: 200 with `connected`, or 502 when it does not give one."""
    # THE DEMO'S SLIP: somebody logs a whole request, api_token and all. Look for ***REDACTED***
    # in this line's output: the token must not be seen on stdout nor at the Collector.
    logger.info("Testing a bot connection", extra={"api_url": test.api_url, "api_token": test.api_token})
    take_step("bot_connection_test", request)
    async with bot_connection_test(test.api_url, bot_id=test.bot_id) as attempt:
        try:
            answer = await fetch_status(request.app.state.http, test.api_url, test.api_token)
        except BotUnavailable as error:
            attempt.failed(error.reason)
            raise HTTPException(status.HTTP_502_BAD_GATEWAY, f"bot unavailable: {error.reason}") from error
        attempt.bot_info = answer.info
    return {"connected": True, "bot_info": answer.info}


@router.post("/bots/{bot_id}/connect")
async def connect_bot(bot_id: str, request: Request, user: CurrentUser, session: Session) -> dict[str, Any]:
    """Connect a noted bot: from now on it is polled."""
    bot = await bot_of_caller(session, user, bot_id)
    try:
        answer = await fetch_status(request.app.state.http, bot.api_url)
    except BotUnavailable as error:
        raise HTTPException(status.HTTP_502_BAD_GATEWAY, f"bot unavailable: {error.reason}") from error
    bot.state, bot.trades_count, bot.profit = "connected", answer.trades_count, answer.profit
    await session.commit()
    events.business_bot_connected(
        bot_id=bot.id, api_url=bot.api_url, connection_duration_ms=answer.duration_ms
    )
    take_step("bot_connected", request)
    return {"connected": True, "bot_info": answer.info}
