"""The app under measurement: 40 routes, one without I/O, one with a statement, a call and a log line."""

from __future__ import annotations

import logging
import os

import httpx
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

if os.environ.get("BENCH_SEED_LOGGING"):
    import seed_logging

    seed_logging.setup_logging()

# A line that no level lets through would measure nothing; upstream leaves the level alone, ours does not.
logging.getLogger().setLevel(logging.INFO)

app = FastAPI()
if os.environ.get("BENCH_SEED_LOGGING"):
    app.add_middleware(seed_logging.RequestLogging)
log = logging.getLogger("app.bots")
engine = create_async_engine("sqlite+aiosqlite://")
client = httpx.AsyncClient()
BOT = os.environ.get("BENCH_BOT_URL", "http://127.0.0.1:1")

# The routes that matter come last, as a request pays for all that are tried before it.
for number in range(38):

    @app.get(f"/api/v1/resource{number}/{{item}}")
    async def other(item: str) -> dict[str, str]:
        """One of the many routes that a request does not take."""
        return {"item": item}


@app.get("/ping/{name}")
async def ping(name: str) -> dict[str, str]:
    """No I/O: what is measured is the distribution itself."""
    return {"name": name}


@app.get("/bots/{bot_id}/status")
async def status(bot_id: str) -> dict[str, object]:
    """One statement, one call, one line."""
    async with engine.connect() as connection:
        row = (await connection.execute(text("select 1"))).scalar()
    answer = await client.get(f"{BOT}/api/v1/status")
    log.info("bot asked", extra={"bot_id": bot_id, "state": answer.status_code})
    return {"bot": bot_id, "row": row}
