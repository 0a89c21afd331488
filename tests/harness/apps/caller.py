"""An app that calls others with httpx as it is told, and says what came of it."""

import asyncio
import socket
from typing import Any

import httpx
from fastapi import FastAPI
from opentelemetry import baggage, context

app = FastAPI()

_getaddrinfo = socket.getaddrinfo


def _resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
    """Names under `.example` are this machine: what counts for our headers is the name."""
    name = host.decode() if isinstance(host, bytes) else host
    return _getaddrinfo("127.0.0.1" if str(name).rstrip(".").endswith(".example") else host, *args, **kwargs)


socket.getaddrinfo = _resolve


def _options(order: dict[str, Any]) -> dict[str, Any]:
    return {"timeout": order.get("timeout", 5), "follow_redirects": True, "verify": False}


@app.post("/sync")
def sync_call(order: dict[str, Any]) -> dict[str, Any]:
    try:
        with httpx.Client(**_options(order)) as client:
            return _answer(client.request(order.get("method", "GET"), order["url"]))
    except httpx.HTTPError as error:
        return {"failed": type(error).__name__}


@app.post("/async")
async def async_call(order: dict[str, Any]) -> dict[str, Any]:
    token = context.attach(baggage.set_baggage("owner", "bob"))
    try:
        async with httpx.AsyncClient(**_options(order)) as client:
            call = client.request(order.get("method", "GET"), order["url"], headers=order.get("headers"))
            return _answer(await asyncio.wait_for(call, order.get("patience", 20)))
    except (httpx.HTTPError, asyncio.TimeoutError) as error:
        return {"failed": type(error).__name__}
    finally:
        context.detach(token)


def _answer(answer: httpx.Response) -> dict[str, Any]:
    return {"status": answer.status_code, "seen": answer.json()}
