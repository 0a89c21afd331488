"""An app whose requests end in every verdict, with jobs outside of requests."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, HTTPException
from opentelemetry import trace

import tradewise_otel

log = logging.getLogger("verdicts")
tracer = trace.get_tracer("verdicts")


async def _job(number: int) -> None:
    if number % 2:
        tradewise_otel.bind(user_id=f"job-{number}")
    log.info("job outside of spans")
    with tracer.start_as_current_span("job"):
        log.info("job")
        log.warning("job warns")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await asyncio.gather(*(asyncio.create_task(_job(number)) for number in range(30)))
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/plain")
async def plain() -> str:
    """A call to somebody allowed; answers with the traceparent that they saw."""
    log.info("plain")
    async with httpx.AsyncClient(verify=False) as client:
        answer = await client.get(os.environ["STUB"])
    return str(answer.json().get("traceparent"))


@app.get("/event/{name}")
async def event(name: str) -> None:
    log.info("before")
    log.info("it happened", extra={"event_type": name, "email": "a@b.example", "failure_reason": "password"})
    log.info("after")


@app.get("/line/{level}")
async def line(level: str) -> None:
    log.log(getattr(logging, level), "a line")


@app.get("/status/{code}")
async def status(code: int) -> None:
    raise HTTPException(code)


@app.get("/boom")
async def boom() -> None:
    log.warning("about to fail")
    raise ValueError("boom")


@app.get("/sleep")
async def sleep() -> None:
    await asyncio.sleep(1.0)
