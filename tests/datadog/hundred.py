"""A hundred requests of a real app with four workers: how they are made, and what to ask of what arrived."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
from gateway import Gateway
from harness.app import App

from tradewise_otel.tools.standin.received import Received

APPS = Path(__file__).parents[1] / "harness" / "apps"
REQUESTS = range(1, 101)
FAILING = [number for number in REQUESTS if number % 20 == 0]


@dataclass
class Hundred:
    """A hundred requests, five of which failed, as Datadog has them and as the app printed them."""

    gateway: Gateway
    app: App
    ids: dict[int, str]


def serve(folder: Path, otlp: str, bot: int) -> App:
    """The trading app in production, where a tenth is kept, with four workers."""
    shutil.copy(APPS / "trading.py", folder / "trading.py")
    environ = {
        "ENVIRONMENT": "production",
        "OTEL_SERVICE_NAME": "trading",
        "OTEL_RESOURCE_ATTRIBUTES": "service.version=1.2.3",
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp,
        "BOT_URL": f"http://127.0.0.1:{bot}",
        "TRADEWISE_BOT_HOSTS": "127.0.0.1",
        "DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'trading.db'}",
    }
    server = ("uvicorn", "{target}", "--port", "{port}", "--workers", "4")
    return App(folder, "trading:app", environ, server)


def ask_a_hundred(url: str) -> dict[int, str]:
    """The requests, eight at a time so that every worker gets some; request number to request id."""

    def ask(number: int) -> str:
        answer = httpx.get(f"{url}/orders/{number}", headers={"connection": "close"}, timeout=30)
        assert answer.status_code == (500 if number in FAILING else 200)
        return answer.headers["x-request-id"]

    with ThreadPoolExecutor(8) as pool:
        return dict(zip(REQUESTS, pool.map(ask, REQUESTS), strict=True))


def answered(datadog: Received) -> float:
    """How many requests api.requests.count says were answered."""
    return sum(point.value for point in datadog.metrics if point.name == "api.requests.count")


def requests_of_spans(datadog: Received) -> set[str]:
    """Ids of the requests of which there is a span."""
    return {span.meta["request_id"] for span in datadog.spans}


def requests_of_logs(datadog: Received) -> set[str]:
    """Ids of the requests of which there is a log."""
    return {log.attributes["request_id"] for log in datadog.logs if "request_id" in log.attributes}
