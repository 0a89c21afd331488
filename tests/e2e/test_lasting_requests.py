"""Requests that last: their records do not wait for an end that may never come (P8, 3.M5)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from harness.holds import holds
from harness.traffic import Traffic, serving
from websockets.sync.client import connect

pytestmark = holds("3.M5")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traffic]:
    """The app at a rate of 0, so that nothing is kept without a reason."""
    with serving(tmp_path_factory.mktemp("lasting"), "lasting", {"TRADEWISE_SAMPLE_RATE": "0"}) as running:
        yield running


def _in_background(app: Traffic, path: str) -> None:
    threading.Thread(target=app.call, args=("GET", path), daemon=True).start()


def _reasons(app: Traffic, text: str, count: int = 1, seconds: float = 8.0) -> set[str]:
    """Reasons of the lines with a text, as soon as there are so many of them."""
    app.sink.wait(lambda sink: sum(x["body"] == text for x in sink.logs) >= count, seconds)
    return {x["sampling.reason"] for x in app.sink.logs if x["body"] == text}


def test_a_hung_request_is_slow_before_it_ends(app: Traffic) -> None:
    """After five seconds the lines of a request without an answer go, and it is kept as slow."""
    began = time.monotonic()
    _in_background(app, "/hang")
    assert _reasons(app, "hangs") == {"slow"}
    assert time.monotonic() - began < 7.5


def test_a_stream_is_left_to_the_ratio_when_it_opens(app: Traffic) -> None:
    """The lines of a server-sent stream go while it lasts, by the ratio, and it is not slow."""
    with httpx.stream("GET", f"{app.app.url}/events") as answer:
        for _ in zip(range(5), answer.iter_lines(), strict=False):
            pass
        assert _reasons(app, "tick", 2, 3) == {"none"}


def test_a_websocket_is_left_to_the_ratio_when_it_opens(app: Traffic) -> None:
    """What is logged of a message is there before the socket closes."""
    with connect(app.app.url.replace("http", "ws") + "/socket") as socket:
        socket.send("hello")
        assert _reasons(app, "heard hello", 1, 3) == {"none"}


def test_a_flood_of_lines_does_not_wait(app: Traffic) -> None:
    """More lines than a request may keep waiting: all arrive before it ends, and it is kept as slow."""
    began = time.monotonic()
    _in_background(app, "/flood/3000")
    assert _reasons(app, "one of many", 3000) == {"slow"}
    assert time.monotonic() - began < 3


def test_background_work_does_not_make_an_answer_slow(app: Traffic) -> None:
    """An answer whose background tasks go on is judged as it was, after five seconds at the latest."""
    _in_background(app, "/background")
    assert _reasons(app, "before the answer") == {"none"}
    assert _reasons(app, "after the answer") == {"none"}


def test_a_loop_that_a_request_started_goes_on_with_its_verdict(app: Traffic) -> None:
    """Lines of a task that outlives its request arrive at once, under the verdict of that request."""
    app.call("GET", "/loop")
    assert _reasons(app, "polls", 3, 3) == {"none"}
