"""A request of this app is one of everything: a statement, a call to a bot, a line; every twentieth fails."""

import logging
import os

import httpx
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

import tradewise_otel

log = logging.getLogger("trading")
engine = create_async_engine(os.environ["DATABASE_URL"])
client = httpx.AsyncClient(trust_env=False)
app = FastAPI()


@app.get("/orders/{number}")
async def order(number: int) -> str:
    """One order of one user."""
    tradewise_otel.bind(user_id=f"user-{number}", tenant_id="tenant-1")
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1 AS price WHERE 'secret' <> ''"))
    await client.get(os.environ["BOT_URL"] + "/api/v1/status")
    log.info("order %s", number)
    if number % 20 == 0:
        raise RuntimeError("the exchange is closed")
    return "done"
