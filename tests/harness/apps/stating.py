"""Each request states a known number of events, by every way that an app has, and calls and asks somebody."""

import json
import logging
import os
from contextlib import suppress

import httpx
from fastapi import FastAPI
from opentelemetry import _logs
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

import tradewise_otel
from tradewise_otel import events
from tradewise_otel.bots import bot_connection_test
from tradewise_otel.profiling import profile_performance

log = logging.getLogger("stating")
engine = create_async_engine(os.environ["DATABASE_URL"])
nowhere = create_async_engine("sqlite+aiosqlite:////nowhere/at/all.db")
client = httpx.AsyncClient(trust_env=False)
app = FastAPI()


def state(event_type: str, **fields: object) -> None:
    """One event in the plain way."""
    log.info(event_type, extra={"event_type": event_type, **fields})


def call(number: int) -> None:
    """Events by typed calls, those of the state among them; a bot that fails does so each time."""
    events.business("note_written", number=number)
    events.business_bot_connected(bot_id=f"bot-{number % 40}", connection_duration_ms=120)
    events.user_journey_step(step=f"typed-{number % 4}", session_id=f"session-{number % 50}")
    events.bot_health_check(
        bot_id=f"bot-{number % 40}", status="unhealthy" if number % 10 == 5 else "healthy", response_time_ms=7
    )
    events.external_api_call(
        service="exchange", endpoint="/orders", method="GET", duration_ms=3, api_url="http://x"
    )
    events.audit("note_read", actor="somebody", action="read", target=str(number), outcome="success")
    events.metric_daily_active_users(
        date="2024-01-01", active_users=number, new_users=0, returning_users=number
    )


async def goes_wrong() -> None:
    """What has a request kept: a printed line, a record of the logs API, a database that is not there.

    And a field that is not as documented, which is emitted as it is, and counted.
    """
    state("performance_metric", operation="odd", duration_ms="long", status="success")
    print(json.dumps({"event_type": "security_probe", "message": "probe", "activity_type": "scan"}))
    _logs.get_logger("stating").emit(
        _logs.LogRecord(body="no", event_name="security_login_failed", attributes={"email": "a@b.example"})
    )
    with suppress(DBAPIError):
        async with nowhere.connect():
            pass


@app.get("/stated/{number}")
async def stated(number: int) -> None:
    """Everything once; every tenth goes wrong."""
    tenant = f"tenant-{number % 3}"
    tradewise_otel.bind(user_id=f"user-{number}", tenant_id=tenant)
    state("business_order_filled", password="hunter2")
    state("business_bot_connected", bot_id="bot", connection_duration_ms=250.0)
    state("user_journey_step", session_id="s", step=f"step-{number % 4}", step_sequence=1)
    state(
        "metric_bot_usage",
        total_bots=number,
        active_bots=1,
        external_bots=0,
        shared_bots=0,
        avg_bots_per_user=1.0,
    )
    call(number)
    with suppress(ConnectionError), profile_performance("attempt"), bot_connection_test("http://bot") as test:
        if number % 10 == 0:
            raise ConnectionError
        test.bot_info = {"state": "running"}
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1 FROM sqlite_master"))
    if number % 10 == 0:
        await goes_wrong()
    await client.get(os.environ["BOT_URL"] + f"/api/v1/bots/{number}")
