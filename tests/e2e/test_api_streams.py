"""Streams, WebSockets, clients that leave, and the request id that comes back (contract 2 and 5)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from harness.holds import holds
from harness.traffic import Traffic, eventually, serving
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

pytestmark = holds("1.M3")


@pytest.fixture(scope="module", params=["plain", "BaseHTTPMiddleware"])
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traffic]:
    """The app of all answers, bare and with a BaseHTTPMiddleware around it."""
    env = {"ANSWERS_MIDDLEWARE": "1"} if request.param != "plain" else {}
    with serving(tmp_path_factory.mktemp("streams"), "answers", env) as traffic:
        yield traffic


def _ws(app: Traffic, room: str) -> tuple[str, Any]:
    request_id = str(uuid.uuid4())
    url = f"{app.app.url.replace('http', 'ws')}/ws/{room}"
    try:
        with connect(url, additional_headers={"x-request-id": request_id}) as socket:
            socket.send("hello")
            assert socket.recv() == "hello"
            return request_id, socket.response
    except InvalidStatus as refused:
        return request_id, refused.response


def _counted(app: Traffic, metric: str, **labels: object) -> float:
    return app.sink.total(metric, **labels)


def test_server_sent_events_give_first_byte_and_stream_time(app: Traffic) -> None:
    """For SSE response_time_ms is the time to the first byte, and stream_duration_ms the rest."""
    line = app.response("GET", "/sse")
    assert (line["status_code"], line["route"], line["performance_status"]) == (200, "/sse", "normal")
    assert 50 <= line["response_time_ms"] < line["stream_duration_ms"]
    assert 290 <= line["stream_duration_ms"] < 3000


def test_a_chunked_answer_of_over_a_second_is_a_stream(app: Traffic) -> None:
    """A body without length that takes over a second counts as a stream; a quick one is timed to its last
    byte.
    """
    line = app.response("GET", "/chunked")
    assert line["response_time_ms"] < 1000 <= line["stream_duration_ms"]
    quick = app.response("GET", "/chunked?count=3&pause=0.05")
    assert "stream_duration_ms" not in quick
    assert quick["response_time_ms"] >= 100


def test_a_failure_in_mid_stream_is_an_error_with_the_status_that_was_sent(app: Traffic) -> None:
    """An exception in mid-stream keeps status 200, names the error and keeps the request."""
    request_id = str(uuid.uuid4())
    try:
        httpx.get(f"{app.app.url}/half", headers={"x-request-id": request_id})
    except httpx.RemoteProtocolError:
        named = True
    else:
        # Starlette's BaseHTTPMiddleware ends the body and raises only then: the answer was whole.
        named = False
    line = app.answered(request_id)
    assert (line["status_code"], line["route"], "error_type" in line) == (200, "/half", named)
    reason = app.record(line["event_id"])["sampling.reason"]
    assert (reason == "error") is named
    assert app.span(request_id)["attributes"]["sampling.reason"] == reason
    assert eventually(lambda: [x for x in app.lines(request_id) if "exception" in x])


def test_a_client_that_leaves_before_the_answer_is_499(app: Traffic) -> None:
    """Client gone before an answer gives 499 with the route, though the handler runs to its end."""
    line = app.answered(app.leave("/sleep/300", after=0.1))
    assert (line["status_code"], line["route"], line["level"]) == (499, "/sleep/{ms}", "INFO")


def test_a_client_that_leaves_in_mid_stream_keeps_the_status(app: Traffic) -> None:
    """Client gone in mid-stream gives the status that was sent, and no error."""
    request_id = app.leave("/sse?count=100", after=0.5)
    line = app.answered(request_id)
    assert (line["status_code"], line["route"]) == (200, "/sse")
    assert 100 < line["stream_duration_ms"] < 8000
    assert app.record(line["event_id"])["sampling.reason"] == "ratio"


def test_a_websocket_is_101_at_close_and_no_duration(app: Traffic) -> None:
    """A WebSocket gives one api_response at close: 101, counted, but not in the durations."""
    request_id, answer = _ws(app, "lobby")
    line = app.answered(request_id)
    assert (line["status_code"], line["route"], line["method"]) == (101, "/ws/{room}", "GET")
    assert line["performance_status"] == "normal"
    assert answer.headers.get_all("x-request-id") == [request_id]
    eventually(lambda: _counted(app, "api.requests.count", endpoint="/ws/{room}", status_code=101) >= 1)
    assert _counted(app, "api.requests.duration", endpoint="/ws/{room}") == 0


def test_a_websocket_that_is_refused_is_403(app: Traffic) -> None:
    """A WebSocket that the app closes before accepting it gives 403 and WARNING."""
    request_id, answer = _ws(app, "closed")
    line = app.answered(request_id)
    assert (answer.status_code, line["status_code"], line["route"]) == (403, 403, "/ws/{room}")
    assert line["level"] == "WARNING"


def test_a_websocket_that_breaks_in_the_handshake_is_500(app: Traffic) -> None:
    """An exception before the handshake gives what the client sees, 500, with the error's name and the
    route.
    """
    request_id, answer = _ws(app, "broken")
    line = app.answered(request_id)
    assert (answer.status_code, line["status_code"], line["route"]) == (500, 500, "/ws/{room}")
    assert (line["level"], line["error_type"][-4:]) == ("ERROR", "Boom")


@pytest.mark.parametrize(
    "path", ["/page", "/nobody", "/boom", "/status/500", "/sub/items/1", "/sub/boom", "/sse"]
)
def test_a_well_formed_request_id_comes_back_once(app: Traffic, path: str) -> None:
    """A well-formed incoming X-Request-ID is kept and returned exactly once, whatever the answer."""
    request_id = f"Az09._:-{uuid.uuid4()}"
    answer = httpx.get(app.app.url + path, headers={"x-request-id": request_id})
    assert answer.headers.get_list("x-request-id") == [request_id]
    assert app.answered(request_id)["request_id"] == request_id


@pytest.mark.parametrize("wrong", ["", "x" * 129, "a b", "a;b", "é"], ids=ascii)
def test_an_ill_formed_request_id_is_replaced(app: Traffic, wrong: str) -> None:
    """An X-Request-ID that is empty, too long or holds other characters is replaced by a UUID."""
    text = b"GET /page HTTP/1.1\r\nhost: app\r\nx-request-id: " + wrong.encode("latin-1") + b"\r\n\r\n"
    answer = app.raw(text, lambda so_far: b'"page"' in so_far)
    (returned,) = (
        line.partition(b": ")[2]
        for line in answer.split(b"\r\n")
        if line.lower().startswith(b"x-request-id:")
    )
    assert str(uuid.UUID(returned.decode())) == returned.decode()
    app.answered(returned.decode())


def test_a_missing_request_id_is_made(app: Traffic) -> None:
    """Without an incoming X-Request-ID the answer carries a new UUID, which the events have too."""
    answer = httpx.get(f"{app.app.url}/page")
    (request_id,) = answer.headers.get_list("x-request-id")
    assert str(uuid.UUID(request_id)) == request_id
    app.answered(request_id)
