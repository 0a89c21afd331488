"""A stub trading bot: `python -m tradewise_otel.tools.demo.bot --port 8123`.

The first part of the path chooses how it behaves, so that one port serves every kind of bot and
each event's `api_url` tells which it was: `http://127.0.0.1:8123/slow`. A bot that refuses is a
closed port and needs no stub.
"""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SLOW_SECONDS = 0.4
HEALTHY = {"state": "running", "trades_count": 15, "profit": 42.5}
IDLE = {"state": "idle", "trades_count": 0, "profit": 0.0}


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Serve `[/slow|/broken|/timeout|/idle]/api/v1/status`; 404 for everything else."""
    if scope["type"] != "http":
        return
    mode, found, rest = str(scope["path"]).partition("/api/v1/status")
    if not found or rest or mode not in ("", "/slow", "/broken", "/timeout", "/idle"):
        await _answer(send, 404, {"error": "no such route"})
    elif mode == "/timeout":
        await _wait_for_disconnect(receive)
    elif mode == "/broken":
        await _answer(send, 500, {"error": "exchange connection lost"})
    else:
        await asyncio.sleep(SLOW_SECONDS if mode == "/slow" else 0)
        await _answer(send, 200, IDLE if mode == "/idle" else HEALTHY)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(send: Send, status: int, body: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


def main() -> None:
    """Serve until stopped."""
    import uvicorn

    parser = argparse.ArgumentParser(description="a stub trading bot")
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
