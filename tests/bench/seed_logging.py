"""The document's own way as a yardstick: a JSON formatter and a middleware, without traces or metrics."""

from __future__ import annotations

import logging
import sys
import time
import uuid
from datetime import datetime, timezone
from typing import Any

from pythonjsonlogger import jsonlogger
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response

log = logging.getLogger("app.requests")


class Formatter(jsonlogger.JsonFormatter):  # type: ignore[misc,name-defined]
    """The documented fields on every record."""

    def add_fields(self, line: dict[str, Any], record: logging.LogRecord, message: dict[str, Any]) -> None:
        """Adds them as the document's snippet does."""
        super().add_fields(line, record, message)
        line["timestamp"] = datetime.now(timezone.utc).isoformat()
        line["level"], line["logger_name"] = record.levelname, record.name
        line["service"], line["environment"] = "tradewise-backend", "production"
        line["process_id"], line["thread_id"] = record.process, record.thread
        line["source"] = {"file": record.pathname, "line": record.lineno, "function": record.funcName}


class RequestLogging(BaseHTTPMiddleware):
    """Two lines a request."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Logs before and after."""
        started, request_id = time.time(), str(uuid.uuid4())
        common = {"method": request.method, "path": request.url.path, "request_id": request_id}
        client = request.client.host if request.client else ""
        agent = request.headers.get("user-agent")
        log.info(
            "request", extra={"event_type": "api_request", **common, "client_ip": client, "user_agent": agent}
        )
        response = await call_next(request)
        took = (time.time() - started) * 1000
        answer = {"status_code": response.status_code, "response_time_ms": took}
        log.info("response", extra={"event_type": "api_response", **common, **answer})
        return response


def setup_logging() -> None:
    """One handler on the root logger."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Formatter())
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel("INFO")
    logging.getLogger("uvicorn.access").disabled = True
