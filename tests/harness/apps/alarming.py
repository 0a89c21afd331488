"""An app that is asked for trouble: errors, slow answers, failed logins, a lost database, sick bots."""

import asyncio
import os
from contextlib import suppress

from fastapi import FastAPI, HTTPException
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from tradewise_otel import events

nowhere = create_async_engine("sqlite+aiosqlite:////nowhere/at/all.db")
app = FastAPI()


@app.get("/ok")
async def ok() -> None:
    """All is well."""


@app.get("/missing")
async def missing() -> None:
    """An error of the client, which the document counts."""
    raise HTTPException(404)


@app.get("/slow")
async def slow() -> None:
    """Longer than anybody waits."""
    await asyncio.sleep(float(os.environ["SLOW_SECONDS"]))


@app.get("/login/{address}")
async def login(address: str) -> None:
    """A login that fails, which the app answers politely."""
    events.security_login_failed(email=f"{address}@b.example", ip_address=address)


@app.get("/bot/{bot_id}")
async def bot(bot_id: str) -> None:
    """A bot that is not well."""
    events.bot_health_check(bot_id=bot_id, status="unhealthy")


@app.get("/database")
async def database() -> None:
    """A database that is not there."""
    with suppress(DBAPIError):
        async with nowhere.connect():
            pass
