"""Seeded traffic: `run(base_url, bot_url, seed, rounds)` uses every route of the demo backend.

What is asked and in which order follows from the seed alone; so does how often each route gives
each status. Only the e-mail addresses differ from run to run, because a backend that is still
up knows those of the last one.
"""

import asyncio
import random
import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

# Discard service: nothing listens there, so a connection is refused.
CLOSED_URL = "http://127.0.0.1:9"
USERS_A_ROUND = 2
# One more than the ten failed logins in five minutes that are still no attack.
GUESSES = 11
# Over the default p95 threshold of 2 s, so that a slow request is kept.
SLOW_SECONDS = 2.1


def run(base_url: str, bot_url: str, seed: int = 1, rounds: int = 1, pause: float = 0) -> dict[str, int]:
    """Play the rounds and return how often each `METHOD route status` was seen.

    Args:
        base_url: the backend.
        bot_url: the stub bot.
        seed: decides what is done, in which order.
        rounds: how many days the traders have.
        pause: seconds that a trader waits after each call.
    """
    return asyncio.run(play(base_url, bot_url, seed, rounds, pause))


async def play(
    base_url: str, bot_url: str, seed: int = 1, rounds: int = 1, pause: float = 0
) -> dict[str, int]:
    """`run` for callers that have an event loop."""
    # A connection a request: uvicorn closes one after an unhandled error, and whether a reused one
    # is closed before or after the next request would be chance.
    limits = httpx.Limits(max_keepalive_connections=0)
    tag = secrets.token_hex(4)
    async with httpx.AsyncClient(base_url=base_url, timeout=30, limits=limits, trust_env=False) as client:
        market = Market(client, bot_url, pause)
        for number in range(rounds):
            names = [f"{number}-{user}" for user in range(USERS_A_ROUND)]
            traders = [Trader(market, random.Random(f"{seed}/{name}"), f"{tag}-{name}") for name in names]
            await asyncio.gather(*(trader.day(is_attacked=trader is traders[0]) for trader in traders))
    return dict(sorted(market.counts.items()))


@dataclass
class Market:
    """What all traders share: the two servers and the tally."""

    client: httpx.AsyncClient
    bot_url: str
    pause: float
    counts: Counter[str] = field(default_factory=Counter)

    async def note(self, route: str, status: int) -> None:
        """Count a call, and wait before the next."""
        self.counts[f"{route} {status}"] += 1
        await asyncio.sleep(self.pause)


class Trader:
    """One user with a browser: registers, makes bots, tries them, reads, and makes mistakes."""

    def __init__(self, market: Market, rng: random.Random, name: str) -> None:
        self._market, self._client, self._bot_url, self._rng = market, market.client, market.bot_url, rng
        self._credentials = {"email": f"trader-{name}@example.com", "password": f"correct-horse-{name}"}
        self._headers = {"User-Agent": rng.choice(["Mozilla/5.0 (demo)", "TradeWise-iOS/4.2"])}

    async def day(self, is_attacked: bool = False) -> None:
        """Everything once, the shuffled part in the seed's order; before it somebody may guess passwords."""
        await self._arrive(GUESSES if is_attacked else self._rng.randint(1, 2))
        acts = [self._bots, self._connections, self._live, self._reports, self._mistakes, self._internal]
        self._rng.shuffle(acts)
        for act in acts:
            await act()

    async def _arrive(self, wrong_passwords: int) -> None:
        account = await self._call("POST", "/api/v1/register", json=self._credentials)
        self._user_id, self._tenant_id = account["user_id"], account["tenant_id"]
        await self._call("POST", "/api/v1/register", json=self._credentials)
        for _ in range(wrong_passwords):
            wrong = {**self._credentials, "password": "not-the-password"}
            await self._call("POST", "/api/v1/login", json=wrong)
        login = await self._call("POST", "/api/v1/login", json=self._credentials)
        self._headers |= {"X-User": self._user_id, "X-Session": login["session_id"]}

    async def _bots(self) -> None:
        bots = [await self._new_bot(mode) for mode in ("", "/idle", "/slow")]
        await self._call("GET", "/api/v1/bots")
        for bot_id in bots:
            await self._call("POST", "/api/v1/bots/{bot_id}/connect", bot_id=bot_id)
            await self._call("GET", "/api/v1/bots/{bot_id}", bot_id=bot_id)
            # The idle one has not traded: the backend's bug answers 500.
            await self._call("GET", "/api/v1/bots/{bot_id}/performance", bot_id=bot_id)
        renamed = {"name": "renamed", "api_url": self._bot_url}
        await self._call("PUT", "/api/v1/bots/{bot_id}", bot_id=bots[0], json=renamed)
        await self._call("DELETE", "/api/v1/bots/{bot_id}", bot_id=bots[2])

    async def _new_bot(self, mode: str) -> str:
        new = {"name": f"bot {self._rng.randint(1, 99)}", "api_url": self._bot_url + mode}
        return str((await self._call("POST", "/api/v1/bots", json=new))["id"])

    async def _connections(self) -> None:
        urls = [self._bot_url + mode for mode in ("", "", "/slow", "/broken", "/timeout")] + [CLOSED_URL]
        self._rng.shuffle(urls)
        for url in urls:
            test = {"api_url": url, "api_token": f"tw_demo_{self._rng.getrandbits(96):024x}"}
            await self._call("POST", "/api/v1/external-bots/test-connection", json=test)

    async def _live(self) -> None:
        await self._stream(ticks=self._rng.randint(2, 5), leave_early=False)
        await self._stream(ticks=10_000, leave_early=True)
        await self._websocket(self._user_id)
        await self._websocket("nobody")

    async def _reports(self) -> None:
        await self._call("POST", "/api/v1/reports")
        await self._call("GET", "/api/v1/reports/daily", params={"seconds": SLOW_SECONDS})

    async def _mistakes(self) -> None:
        await self._call("GET", "/api/v1/bots/{bot_id}", bot_id="bot-of-somebody-else")
        await self._call("POST", "/api/v1/bots", json={"name": ""})
        await self._call("GET", "/api/v1/does-not-exist")
        await self._call("DELETE", "/api/v1/register")
        await self._call("GET", "/api/v1/bots", headers={"X-User": "user-unknown"})

    async def _internal(self) -> None:
        await self._call("GET", "/internal/health")
        await self._call("GET", "/internal/tenants/{tenant_id}/bots", tenant_id=self._tenant_id)

    async def _call(
        self, method: str, route: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> dict[str, Any]:
        ids = {name: options.pop(name) for name in ("bot_id", "tenant_id") if name in options}
        sent = {**self._headers, **(headers or {})}
        response = await self._client.request(method, route.format(**ids), headers=sent, **options)
        await self._market.note(f"{method} {route}", response.status_code)
        body = response.json() if response.content[:1] in (b"{", b"[") else {}
        return body if isinstance(body, dict) else {"items": body}

    async def _stream(self, ticks: int, leave_early: bool) -> None:
        route = "/api/v1/live/prices"
        asked = {"params": {"ticks": ticks}, "headers": self._headers}
        async with self._client.stream("GET", route, **asked) as response:  # type: ignore[arg-type]
            async for line in response.aiter_lines():
                if leave_early and line:
                    break
        await self._market.note(f"GET {route}", response.status_code)

    async def _websocket(self, user: str) -> None:
        route = "/api/v1/live/trades"
        url = str(self._client.base_url.join(route)).replace("http", "ws", 1)
        try:
            async with connect(f"{url}?user={user}", proxy=None) as socket:
                await socket.send("BTC-USD")
                for _ in range(3):
                    await socket.recv()
            status = 101
        except InvalidStatus as error:
            status = error.response.status_code
        await self._market.note(f"WEBSOCKET {route}", status)
