"""A running app of `harness/apps` with its OTLP door, and what one request of it left behind."""

from __future__ import annotations

import json
import shutil
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from harness.app import App
from harness.sink import Sink

T = TypeVar("T")

_APPS = Path(__file__).parent / "apps"
_SERVER = 2


class Traffic:
    """Sends requests, each under an id of its own, and reads what came of them."""

    def __init__(self, app: App, sink: Sink) -> None:
        self.app = app
        self.sink = sink
        # No connection is used twice: uvicorn closes one after an exception, maybe under the next request.
        self._client = httpx.Client(timeout=20, verify=False, headers={"connection": "close"})

    def call(self, method: str, path: str, **options: Any) -> tuple[str, httpx.Response]:
        """One request on a connection of its own; its id and the answer."""
        request_id = str(uuid.uuid4())
        headers = {"x-request-id": request_id, **options.pop("headers", {})}
        return request_id, self._client.request(method, self.app.url + path, headers=headers, **options)

    def response(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The `api_response` of one request."""
        return self.answered(self.call(method, path, **options)[0])

    def leave(self, path: str, after: float) -> str:
        """Requests a path and hangs up after so many seconds; the id."""
        request_id = str(uuid.uuid4())
        with socket.create_connection(("127.0.0.1", self.app.port)) as connection:
            connection.sendall(
                f"GET {path} HTTP/1.1\r\nhost: app\r\nx-request-id: {request_id}\r\n\r\n".encode()
            )
            time.sleep(after)
        return request_id

    def raw(self, text: bytes, until: Callable[[bytes], bool]) -> bytes:
        """Sends bytes on one connection and reads until the answer is all there."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.app.port), timeout=20) as connection:
            connection.sendall(text)
            while not until(answer) and (more := connection.recv(65536)):
                answer += more
        return answer

    def lines(self, request_id: str) -> list[dict[str, Any]]:
        """Lines that carry this request id, so far."""
        text = self.app.stdout
        whole = text[: text.rfind("\n") + 1].splitlines()
        return [line for line in map(json.loads, whole) if line.get("request_id") == request_id]

    def answered(self, request_id: str) -> dict[str, Any]:
        """The one `api_response` of a request, when it has come; it must follow one `api_request`."""
        eventually(lambda: "api_response" in _kinds(self.lines(request_id)))
        kinds = _kinds(self.lines(request_id))
        assert (kinds["api_request"], kinds["api_response"]) == (1, 1)
        return next(line for line in self.lines(request_id) if line.get("event_type") == "api_response")

    def line(self, request_id: str, message: str) -> dict[str, Any]:
        """The one line of a request with this message, when it has come."""
        return eventually(lambda: [x for x in self.lines(request_id) if x["message"] == message])[0]

    def record(self, event_id: str) -> dict[str, Any]:
        """The OTLP record of an event, when it has come."""
        return eventually(lambda: [x for x in self.sink.logs if x["event_id"] == event_id])[0]

    def span(self, request_id: str) -> dict[str, Any]:
        """The server span of a request, when it has come."""

        def found() -> list[dict[str, Any]]:
            return [
                span
                for span in self.sink.spans
                if span["kind"] == _SERVER and span["attributes"].get("request_id") == request_id
            ]

        return eventually(found)[0]


@contextmanager
def serving(folder: Path, name: str, env: Mapping[str, str] | None = None) -> Iterator[Traffic]:
    """Serves `harness/apps/{name}.py` from `folder`; at the end every request has one answer, on both
    roads.
    """
    shutil.copy(_APPS / f"{name}.py", folder / "app.py")
    settings = {"OTEL_METRIC_EXPORT_INTERVAL": "300", "OTEL_BLRP_SCHEDULE_DELAY": "100", **(env or {})}
    with Sink() as sink:
        with App(folder, env={"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, **settings}) as app:
            yield Traffic(app, sink)
        requests, responses = app.events("api_request"), app.events("api_response")
        assert Counter(x["request_id"] for x in requests) == Counter(x["request_id"] for x in responses)
        assert max(Counter(x["request_id"] for x in responses).values(), default=1) == 1
        assert _ids(app.lines) == _ids(sink.logs)
        assert "internal error" not in app.stderr


def eventually(look: Callable[[], T], seconds: float = 15.0) -> T:
    """What `look` finds once it finds something; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "never came"
        time.sleep(0.03)
    return found


def _kinds(lines: list[dict[str, Any]]) -> Counter[str]:
    return Counter(str(line.get("event_type")) for line in lines)


def _ids(records: list[dict[str, Any]]) -> set[str]:
    return {record["event_id"] for record in records}
