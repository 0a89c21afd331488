"""An app as the document has it, after its imports were changed and nothing else."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from starlette.middleware.base import BaseHTTPMiddleware

from tradewise_otel.compat import LogSampler, LogSanitizer, MetricsCollector, get_logger, setup_logging
from tradewise_otel.profiling import profile_performance

setup_logging("DEBUG")
log = get_logger("migrated")
sampler = LogSampler(0.0)


class Counting(BaseHTTPMiddleware):
    """Counts requests by hand."""

    async def dispatch(self, request: Request, call_next: Callable[[Request], Awaitable[Any]]) -> Any:
        """As in the document."""
        started = time.time()
        response = await call_next(request)
        ms = (time.time() - started) * 1000
        MetricsCollector.record_api_request(request.url.path, request.method, response.status_code, ms)
        return response


app = FastAPI()
app.add_middleware(Counting)


@profile_performance("bot_connection_test")
async def test_bot_connection(api_url: str, api_token: str) -> None:
    """Logs an attempt and counts it too."""
    if sampler.should_log("bot_connection_test_success", "INFO"):
        fields = LogSanitizer.sanitize({"api_url": api_url, "api_token": api_token})
        event = {"event_type": "bot_connection_test_success", "total_duration_ms": 5.0, **fields}
        log.info("Bot connection test successful", extra=event)
    MetricsCollector.record_bot_connection(True, 5.0)


@app.get("/try/{number}")
async def attempt(number: int) -> None:
    """One attempt."""
    log.debug("before")
    await test_bot_connection("http://192.168.1.100:8080", "s3cr3t-token")
    MetricsCollector.record_user_activity("attempted", f"user-{number}", "tenant-1")
