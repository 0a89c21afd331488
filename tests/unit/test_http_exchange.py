"""Routes, queries and request ids from ASGI scopes, and streams from ASGI messages."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from tradewise_otel.instrument.http_exchange import UNMATCHED, Exchange, client_of, query_of, route_of


async def _ok(request: Any = None) -> Any:
    return PlainTextResponse("ok")


async def _leaf(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("leaf")(scope, receive, send)


def _app() -> FastAPI:
    inner, outer = APIRouter(prefix="/bots"), APIRouter(prefix="/v1")
    inner.add_api_route("/{bot_id}", _ok)
    inner.add_api_route("/files/{path:path}", _ok)
    outer.include_router(inner)
    sub = FastAPI()
    sub.include_router(outer, prefix="/api")
    deep = Starlette(routes=[Mount("/deep", Starlette(routes=[Route("/end/{n:int}", _ok)]))])
    app = FastAPI()
    app.include_router(outer, prefix="/api")
    app.mount("/sub", sub)
    app.mount("/tenants/{tenant}", sub)
    app.mount("/stars", deep)
    app.mount("/static", _leaf)
    return app


def _scope_after(path: str, **scope: Any) -> dict[str, Any]:
    """The scope as the app leaves it."""
    full = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "headers": [],
    }
    full.update(query_string=b"", state={}, **scope)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        pass

    asyncio.run(_app()(full, receive, send))
    return full


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/v1/bots/7", "/api/v1/bots/{bot_id}"),
        ("/api/v1/bots/files/a/b", "/api/v1/bots/files/{path}"),
        ("/sub/api/v1/bots/7", "/sub/api/v1/bots/{bot_id}"),
        ("/sub/api/v1/bots/sub", "/sub/api/v1/bots/{bot_id}"),
        ("/tenants/42/api/v1/bots/42", "/tenants/{tenant}/api/v1/bots/{bot_id}"),
        ("/stars/deep/end/5", "/stars/deep/end/{n}"),
        ("/static/a/b.css", "/static/{path}"),
        ("/nobody", UNMATCHED),
        ("/sub/nobody", UNMATCHED),
        ("/stars/deep/nobody", UNMATCHED),
        ("/api/v1/bots", UNMATCHED),
    ],
)
@pytest.mark.parametrize("root_path", ["", "/behind/proxy"])
def test_the_route_is_the_template_with_router_and_mount_prefixes(
    path: str, route: str, root_path: str
) -> None:
    """The route has every router and mount prefix, ids as parameters, never the server's root path."""
    assert route_of(_scope_after(root_path + path, root_path=root_path)) == route


def test_queries_keep_repeated_names_and_are_bounded() -> None:
    """A query becomes name to value, lists where repeated, blanks kept, at most 64 fields."""
    assert query_of({"query_string": b"a=1&b=2&a=3&c=&a=%26&d+e=f%20g"}) == {
        "a": ["1", "3", "&"],
        "b": "2",
        "c": "",
        "d e": "f g",
    }
    assert query_of({"query_string": b""}) == {}
    assert len(query_of({"query_string": b"&".join(b"k%d=1" % n for n in range(500))})) == 64


def test_clients_are_told_as_far_as_they_are_known() -> None:
    """client_ip and user_agent are absent when unknown."""
    assert client_of({"client": None, "headers": []}) == {}
    known = {"client": ("192.0.2.1", 5), "headers": [(b"user-agent", b"curl/8")]}
    assert client_of(known) == {"client_ip": "192.0.2.1", "user_agent": "curl/8"}


@pytest.mark.parametrize("good", ["a", "x" * 128, "A-z_0.9:1"])
def test_well_formed_request_ids_are_kept(good: str) -> None:
    """An id of 1 to 128 letters, digits and `._:-` is the request's."""
    exchange = _exchange(good.encode())
    assert exchange.request.request_id == good
    assert not exchange.has_own_id


@pytest.mark.parametrize("bad", [b"", b"x" * 129, b"a\n", b"a b", b"a\x00", b"\xe9", b"a/b", b"<a>"])
def test_other_request_ids_are_replaced(bad: bytes) -> None:
    """Anything else is replaced by a UUID, a trailing line feed included."""
    exchange = _exchange(bad)
    assert len(exchange.request.request_id or "") == 36
    assert exchange.has_own_id


def test_the_request_id_is_added_once() -> None:
    """A response that names a request id of its own keeps that one, in any case of the header's name."""
    exchange = _exchange(b"mine")
    own = {"type": "http.response.start", "status": 200, "headers": [(b"X-Request-ID", b"app")]}
    exchange.sending(own)
    assert own["headers"] == [(b"X-Request-ID", b"app")]
    bare: dict[str, Any] = {"type": "websocket.accept"}
    exchange.sending(bare)
    assert bare["headers"] == [(b"x-request-id", b"mine")]


@pytest.mark.parametrize(
    ("headers", "chunks", "seconds", "streams"),
    [
        ([], 3, 1.5, True),
        ([], 3, 0.5, False),
        ([], 1, 1.5, False),
        ([(b"content-length", b"9")], 3, 1.5, False),
        ([(b"content-type", b"text/event-stream; charset=utf-8")], 1, 0.1, True),
        ([(b"content-type", b"text/plain")], 2, 0.9, False),
    ],
)
def test_streams_are_sse_and_chunks_over_a_second(
    headers: list[tuple[bytes, bytes]], chunks: int, seconds: float, streams: bool
) -> None:
    """A stream is SSE, or a body in chunks without a length that takes over a second."""
    exchange = _exchange(b"rid")
    exchange.sending({"type": "http.response.start", "status": 200, "headers": headers})
    for _ in range(chunks):
        exchange.sending({"type": "http.response.body", "body": b"x", "more_body": True})
    assert (exchange.stream_seconds(exchange.started + seconds) is not None) is streams


class _Span:
    def update_name(self, name: str) -> None:
        self.name = name


def _exchange(request_id: bytes) -> Exchange:
    scope: dict[str, Any] = {"type": "http", "headers": [(b"x-request-id", request_id)]}
    return Exchange.open(scope, _Span(), None)  # type: ignore[arg-type]
