"""An app that says all that OTLP has a form for, and some that it has not; told to, it breaks our encoder."""

import logging
import os
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException
from opentelemetry import metrics, trace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

import tradewise_otel
from tradewise_otel.out import encode

log = logging.getLogger("encoded")
tracer = trace.get_tracer("encoded", "1.2", attributes={"scope": "own"})
fills = metrics.get_meter("encoded").create_counter("app.fills")
engine = create_async_engine("sqlite+aiosqlite://")
app = FastAPI()


def _broken(*args: Any) -> bytes:
    raise RuntimeError("a planted fault")


if os.environ.get("BREAK_OUR_ENCODER"):
    encode.LogParts.record = encode.span = encode.encode_metrics.metrics = _broken  # type: ignore[assignment,method-assign]


@app.get("/orders/{number}")
async def order(number: int) -> str:
    """A statement, a call, a span of the app's own with a link and an event, a line with nested fields."""
    tradewise_otel.bind(user_id="u-1", tenant_id="t-1", session_id="s-1")
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get(os.environ["STUB"])
    link = trace.Link(trace.get_current_span().get_span_context(), {"why": "same order"})
    with tracer.start_as_current_span("fill", links=[link], kind=trace.SpanKind.PRODUCER) as span:
        span.add_event("filled", {"part": 0.5, "venues": ["a", "b"]})
    fills.add(1, {"side": "buy"})
    nested = {"legs": [{"qty": 1, "none": None}, (1.5, True)], "": {}, "big": 2**70, "odd": "\ud800"}
    log.info("filled", extra={"event_type": "business_order_filled", "order": nested, "raw": b"\x00"})
    return "done"


@app.get("/boom")
async def boom() -> None:
    """Fails, with the INFO line before it."""
    log.info("about to fail")
    try:
        raise KeyError("no such order")
    except KeyError:
        log.exception("failed")
        raise


@app.get("/login")
async def login() -> None:
    """Is refused."""
    log.warning("no", extra={"event_type": "security_login_failed", "email": "a@b.example"})
    raise HTTPException(401)
