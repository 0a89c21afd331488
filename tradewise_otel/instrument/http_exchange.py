"""One HTTP request or WebSocket as ASGI messages tell it: route, status, stream, who left.

Knows no event and no exporter; `http_response` makes events of what is noted here.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from opentelemetry.sdk.trace import ReadableSpan

from tradewise_otel.context import Request

UNMATCHED = "(unmatched)"
"""The route of a request that no route took (contract 2)."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_HEADER = b"x-request-id"
_MAX_QUERY_FIELDS = 64


@dataclass(slots=True)
class Exchange:
    """What is known of a request while it is answered. Times are `time.perf_counter` seconds.

    Attributes:
        is_websocket: has one answer, at close.
        has_own_id: its id was made here.
        answered: when the last byte of the answer was handed to the server; background tasks come later.
    """

    request: Request
    scope: dict[str, Any]
    span: Any
    receive: Any
    is_websocket: bool
    has_own_id: bool
    started: float = field(default_factory=time.perf_counter)
    status: int | None = None
    route: str = UNMATCHED
    first_byte: float | None = None
    answered: float | None = None
    has_length: bool = False
    is_event_stream: bool = False
    chunks: int = 0
    disconnected: bool = False
    cancelled: bool = False
    error_type: str | None = None

    @classmethod
    def open(cls, scope: dict[str, Any], span: ReadableSpan, receive: Any) -> Exchange:
        """A new exchange with its holder; a well-formed incoming request id is kept (contract 5)."""
        incoming = _header(scope, _HEADER)
        kept = _REQUEST_ID.fullmatch(incoming) is not None
        request = Request(incoming if kept else _new_id(), scope)
        return cls(request, scope, span, receive, scope["type"] == "websocket", not kept)

    @property
    def is_stream(self) -> bool:
        """True once it is known to be one that may go on for ever."""
        chunked = self.first_byte is not None and not self.has_length and self.answered is None
        return self.is_event_stream or chunked or (self.is_websocket and self.status == 101)

    def received(self, message: Mapping[str, Any]) -> None:
        """Notes what the app receives: a client that leaves before there is an answer."""
        if message["type"] == "http.disconnect" and self.status is None:
            self.disconnected = True

    def sending(self, message: MutableMapping[str, Any]) -> None:
        """Notes what the app answers, and returns the request id with it."""
        kind = message["type"]
        if kind == "http.response.body":
            self._body(bool(message.get("more_body")))
        elif kind in ("http.response.start", "websocket.http.response.start"):
            self._start(message)
        elif kind == "websocket.accept":
            self.status = 101
            self._return_request_id(message)
            self._find_route()
        elif kind == "websocket.close" and self.status is None:
            self.status = 403
            self._find_route()

    def _start(self, message: MutableMapping[str, Any]) -> None:
        self.status = int(message["status"])
        if self._client_is_gone():
            self.disconnected = True
        for name, value in message.get("headers", ()):
            lower = name.lower()
            if lower == b"content-length":
                self.has_length = True
            elif lower == b"content-type":
                self.is_event_stream = value.startswith(b"text/event-stream")
        self._return_request_id(message)
        self._find_route()
        self.request.settle()

    def _client_is_gone(self) -> bool:
        # uvicorn keeps the flag on the object whose method `receive` is; nobody has to ask for it there.
        return bool(getattr(getattr(self.receive, "__self__", None), "disconnected", False))

    def _return_request_id(self, message: MutableMapping[str, Any]) -> None:
        headers = list(message.get("headers", ()))
        if _HEADER not in [name.lower() for name, _ in headers]:
            message["headers"] = [*headers, (_HEADER, (self.request.request_id or "").encode())]

    def _body(self, goes_on: bool) -> None:
        now = time.perf_counter()
        if self.first_byte is None:
            self.first_byte = now
        if not goes_on:
            self.answered = now
        self.chunks += 1

    def _find_route(self) -> None:
        self.route = route_of(self.request.scope or self.scope)
        if self.route != UNMATCHED:
            self.span.update_name(f"{self.scope.get('method', 'GET')} {self.route}")

    def ended(self, error: BaseException | None = None) -> None:
        """Notes that the app is done, and how. Only the error's name: the text is the exception record's."""
        if error is not None:
            self.cancelled = isinstance(error, asyncio.CancelledError)
            self.error_type = type(error).__qualname__
        if self.status is None:
            self.disconnected = self.disconnected or self._client_is_gone()
            self._find_route()

    def stream_seconds(self, ended: float) -> float | None:
        """How long the body streamed, for answers that are streams (contract 2); else None."""
        if self.first_byte is None or self.has_length:
            return None
        duration = ended - self.started
        if self.is_event_stream or (self.chunks > 1 and duration > 1.0):
            return ended - self.first_byte
        return None


def _new_id() -> str:
    # A version 4 UUID; `uuid.uuid4` asks the kernel and costs ten times as much.
    digits = f"{random.getrandbits(128):032x}"
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def route_of(scope: Mapping[str, Any]) -> str:
    """The route's template with router and mount prefixes, or `(unmatched)`.

    Newer FastAPI keeps the template with its router prefixes in a context of its own; `route` has the
    short one there.
    """
    effective = getattr(scope.get("fastapi", {}).get("effective_route_context"), "path_format", None)
    route = scope.get("route")
    # Newer Starlette names a mount here too, when nothing in it matched.
    route = None if hasattr(route, "routes") else route
    template = effective or getattr(route, "path_format", None) or getattr(route, "path", None)
    prefix = _mount_prefix(scope, str(template or ""))
    if template is not None:
        return f"{prefix}{template}"
    endpoint = scope.get("endpoint")
    # A mounted app without routes of its own, such as static files.
    is_leaf = endpoint is not None and not hasattr(endpoint, "routes")
    return f"{prefix}/{{path}}" if prefix and is_leaf else UNMATCHED


def _mount_prefix(scope: Mapping[str, Any], template: str) -> str:
    """Where the answering app is mounted, as a template; the server's own root path is no part of it."""
    if "app_root_path" not in scope:
        return ""
    prefix = str(scope.get("root_path", ""))[len(str(scope["app_root_path"])) :]
    # Starlette keeps the mounted path as requested: parameters of the mount are values there.
    names = {str(v): name for name, v in scope.get("path_params", {}).items() if f"{{{name}" not in template}
    return "/".join(f"{{{names[part]}}}" if part in names else part for part in prefix.split("/"))


def query_of(scope: Mapping[str, Any]) -> dict[str, Any]:
    """The query as the document shows it: name to value, a list where a name is repeated."""
    raw = scope.get("query_string", b"")
    query: dict[str, Any] = {}
    if not raw:
        return query
    for name, value in parse_qsl(raw.decode("latin-1"), keep_blank_values=True)[:_MAX_QUERY_FIELDS]:
        known = query.get(name)
        query[name] = value if known is None else [*(known if isinstance(known, list) else [known]), value]
    return query


def client_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """`client_ip` and `user_agent`, as far as they are known."""
    found = {}
    client = scope.get("client")
    if client:
        found["client_ip"] = str(client[0])
    agent = _header(scope, b"user-agent")
    if agent:
        found["user_agent"] = agent
    return found


def _header(scope: Mapping[str, Any], wanted: bytes) -> str:
    for name, value in scope.get("headers", ()):
        if name == wanted:
            return bytes(value).decode("latin-1")
    return ""
