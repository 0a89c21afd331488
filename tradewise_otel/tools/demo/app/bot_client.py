"""Talks to trading bots: one GET, timed."""

import time
from dataclasses import dataclass
from typing import Any

import httpx


class BotUnavailable(Exception):
    """The bot did not give its status; says why and how long we waited."""

    def __init__(self, reason: str, duration_ms: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.duration_ms = duration_ms


@dataclass(frozen=True)
class BotStatus:
    """What a bot told about itself."""

    state: str
    trades_count: int
    profit: float
    duration_ms: float

    @property
    def info(self) -> dict[str, Any]:
        """The documented `bot_info`."""
        return {"state": self.state, "trades_count": self.trades_count}


async def fetch_status(client: httpx.AsyncClient, api_url: str, api_token: str | None = None) -> BotStatus:
    """Ask a bot for its status, or raise BotUnavailable."""
    started = time.perf_counter()
    headers = {"Authorization": f"Bearer {api_token}"} if api_token else {}
    try:
        response = await client.get(f"{api_url.rstrip('/')}/api/v1/status", headers=headers)
        response.raise_for_status()
        body = response.json()
        return BotStatus(body["state"], body["trades_count"], body["profit"], _since(started))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError) as error:
        raise BotUnavailable(type(error).__name__, _since(started)) from error


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
