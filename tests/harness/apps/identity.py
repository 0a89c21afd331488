"""An app that learns who is asking in every way there is, and then logs, queries, calls and works."""

import asyncio
import logging
import os
from typing import Any

import httpx
from fastapi import Depends, FastAPI, Request
from opentelemetry import trace
from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

import tradewise_otel
import tradewise_otel.context

# A minute is too long for a test; it is read anew each time.
tradewise_otel.context.OUTLIVES_SECONDS = 0.6

log = logging.getLogger("identity")
tracer = trace.get_tracer("identity")
engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
app = FastAPI()


def _who(request: Request) -> dict[str, str]:
    names = ("user_id", "tenant_id", "session_id")
    return {name: request.headers[f"x-{name}"] for name in names if f"x-{name}" in request.headers}


def sync_dependency(request: Request) -> None:
    tradewise_otel.bind(**_who(request))


async def async_dependency(request: Request) -> None:
    tradewise_otel.bind(**_who(request))


async def state_dependency(request: Request) -> None:
    for name, value in _who(request).items():
        setattr(request.state, name, value)


async def work() -> str:
    """A line, a statement, a call and a span of the app's own."""
    log.info("later")
    with engine.connect() as connection:
        connection.execute(text("select 1"))
    if stub := os.environ.get("STUB"):
        async with httpx.AsyncClient(verify=False) as client:
            await client.get(stub)
    with tracer.start_as_current_span("own work"):
        await asyncio.sleep(0)
    return "done"


@app.get("/threadpool-dependency", dependencies=[Depends(sync_dependency)])
async def by_sync_dependency() -> str:
    return await work()


@app.get("/async-dependency", dependencies=[Depends(async_dependency)])
async def by_async_dependency() -> str:
    return await work()


@app.get("/endpoint")
async def by_endpoint(request: Request) -> str:
    tradewise_otel.bind(**_who(request))
    return await work()


@app.get("/state", dependencies=[Depends(state_dependency)])
async def by_state() -> str:
    return await work()


@app.get("/extra")
async def by_extra(request: Request) -> str:
    log.info("who", extra=_who(request))
    return await work()


@app.get("/threadpool-endpoint")
def by_threadpool_endpoint(request: Request) -> str:
    tradewise_otel.bind(**_who(request))
    return asyncio.run(work())


@app.get("/nobody")
async def nobody() -> str:
    return await work()


@app.get("/mixed/{number}", dependencies=[Depends(sync_dependency)])
async def mixed(number: int) -> str:
    """The same in turns with others: in threads, in child tasks, after pauses."""
    log.info("first")
    await asyncio.sleep((number % 7) / 500)
    await asyncio.gather(work(), asyncio.create_task(work()))
    await asyncio.to_thread(log.info, "in a thread")
    return "done"


_tasks: set[Any] = set()


async def _outlive() -> None:
    await asyncio.sleep(0.2)
    log.info("early")
    await asyncio.sleep(0.9)
    log.info("late")
    with engine.connect() as connection:
        connection.execute(text("select 2"))
    with tracer.start_as_current_span("late work"):
        tradewise_otel.bind(user_id="somebody-new")
        log.info("bound again")


@app.get("/straggler", dependencies=[Depends(sync_dependency)])
async def straggler() -> str:
    log.error("this request is kept whole")
    task = asyncio.create_task(_outlive())
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return "done"
