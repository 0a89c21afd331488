"""The walking skeleton: one request from the launcher to an OTLP door and to stdout."""

from __future__ import annotations

from collections.abc import Callable

import httpx
from harness.app import App
from harness.sink import Sink

SOURCE = """
import logging
from fastapi import FastAPI

app = FastAPI()

@app.get("/ping/{name}")
async def ping(name: str) -> dict[str, str]:
    logging.getLogger("app").info("pong", extra={"event_type": "bot_connection_test_success", "api_url": "http://b"})
    return {"name": name}
"""


def test_one_request_is_the_same_events_on_stdout_and_by_otlp(app_of: Callable[..., App], sink: Sink) -> None:
    """A request gives api_request, the app's own event and api_response, once, on both roads alike."""
    with app_of(SOURCE) as app:
        answer = httpx.get(f"{app.url}/ping/7?token=s3cr3t")
    request_id = answer.headers["x-request-id"]
    lines = [line for line in app.lines if line.get("request_id") == request_id]
    assert [line["event_type"] for line in lines] == [
        "api_request",
        "bot_connection_test_success",
        "api_response",
    ]
    assert {line["event_id"] for line in lines} <= {record["event_id"] for record in sink.logs}
    (span,) = sink.spans
    assert span["attributes"]["http.route"] == "/ping/{name}"
    assert {line["trace_id"] for line in lines} == {span["trace_id"]}
    assert sink.total("api.requests.count", endpoint="/ping/{name}", status_code=200) == 1
    assert b"s3cr3t" not in b"".join(sink.raw) + app.stdout.encode()
