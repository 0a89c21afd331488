"""Routes that take 60 ms each: at the top, behind a router's prefix, and in a mounted app."""

import asyncio

from fastapi import APIRouter, FastAPI

app = FastAPI()
sub = FastAPI()
router = APIRouter(prefix="/api/v1")


async def work(number: str) -> None:
    """Takes its time."""
    await asyncio.sleep(0.06)


for path in ("/usual/{number}", "/files/{number:path}"):
    app.get(path)(work)
app.post("/usual/{number}")(work)
router.get("/bots/{number}")(work)
sub.get("/bots/{number}")(work)
app.include_router(router)
app.mount("/sub", sub)
