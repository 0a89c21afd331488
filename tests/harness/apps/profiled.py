"""Functions of every kind, profiled, inside requests."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

import httpx
from fastapi import Depends, FastAPI
from fastapi.responses import StreamingResponse

import tradewise_otel
from tradewise_otel.profiling import profile_performance

log = logging.getLogger("profiled")
# The events of profiled calls do not depend on it.
logging.getLogger("tradewise_otel").setLevel(logging.CRITICAL)
app = FastAPI()


@profile_performance("price")
def price(order: int) -> float:
    """A function in the threadpool."""
    log.info("pricing %s", order)
    return order * 1.5


@profile_performance("session")
def session() -> Iterator[str]:
    """A dependency that yields."""
    yield "open"


@profile_performance("rows")
async def rows() -> AsyncIterator[str]:
    """The body of a stream."""
    for row in "abc":
        await asyncio.sleep(0)
        yield row


@profile_performance("wait")
async def wait() -> None:
    """Is cut off."""
    await asyncio.sleep(60)


@app.get("/orders/{order}")
def one(order: int, opened: str = Depends(session)) -> float:
    """Prices an order."""
    tradewise_otel.bind(user_id="u1", tenant_id="t1")
    return price(order)


@app.get("/fails")
async def fails() -> None:
    """A block that fails, whose failure the app handles."""
    try:
        with profile_performance("fill"):
            raise ValueError("password=s3cr3t-word is wrong")
    except ValueError:
        return


@app.get("/rows")
async def streamed() -> StreamingResponse:
    """Rows, one by one."""
    return StreamingResponse(rows())


@app.get("/timeout")
async def timeout() -> str:
    """Waits no longer than it likes."""
    try:
        await asyncio.wait_for(wait(), 0.05)
    except asyncio.TimeoutError:
        return "gave up"
    return "done"


@app.get("/nested")
@profile_performance("endpoint")
async def nested(to: str) -> int:
    """An endpoint that is profiled itself, and calls somebody."""
    async with httpx.AsyncClient(trust_env=False) as client, profile_performance("call"):
        return (await client.get(to)).status_code
