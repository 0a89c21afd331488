"""FastAPI: `api_request`, `api_response`, the API metrics and `X-Request-ID`.

contrib's instrumentor makes the server span. Inside its middleware sits a `Recorder`, plain ASGI, that
sees what the span does not: the route at the start of the answer, streams, WebSockets, clients that
leave. The answer's event is built when the span ends, so its duration is the span's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation import fastapi as contrib
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from tradewise_otel import context
from tradewise_otel.instrument.http_exchange import Exchange
from tradewise_otel.instrument.http_response import Responses
from tradewise_otel.instrument.runtime import Runtime
from tradewise_otel.pipeline.processors import Attributes, describe

SCOPE_NAME = contrib.__name__

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

_API_REQUEST_WAITS_SECONDS = 1.0


class FastAPIEvents:
    """Makes the API events of one process. `translate` is this library's translator of ended spans."""

    def __init__(self, runtime: Runtime) -> None:
        self._ledger = runtime.ledger
        self._responses = Responses(runtime)
        self._exchanges: dict[int, Exchange] = {}

    def install(self) -> None:
        """Has contrib's instrumentor build its middleware around our recorder.

        `OpenTelemetryMiddleware` in contrib's module is the one seam: it takes the cheap span details
        (contrib's own match every route again, for every request) and the wrapped app. It stays
        upstream's class, since FastAPI's native telemetry looks for exactly that.
        """

        def build(app: App, **kwargs: Any) -> OpenTelemetryMiddleware:
            kwargs["default_span_details"] = span_details
            return OpenTelemetryMiddleware(Recorder(app, self), **kwargs)

        contrib.OpenTelemetryMiddleware = build  # type: ignore[assignment,attr-defined]

    def begin(self, scope: dict[str, Any], receive: Receive) -> Exchange | None:
        """A new exchange for the current server span; None where this app is mounted in another."""
        span = trace.get_current_span()
        if not isinstance(span, ReadableSpan) or not span.is_recording():
            return None
        if span.kind is not SpanKind.SERVER:
            self._enter_mounted(scope)
            return None
        exchange = Exchange.open(scope, span, receive)
        describe(exchange.request, span)
        self._exchanges[span.get_span_context().span_id] = exchange
        self._responses.announce(exchange)
        asyncio.get_running_loop().call_later(_API_REQUEST_WAITS_SECONDS, exchange.request.settle)
        return exchange

    def _enter_mounted(self, scope: dict[str, Any]) -> None:
        outer = context.current()
        if (
            outer is not None
            and outer.scope is not None
            and outer.scope.get("headers") is scope.get("headers")
        ):
            outer.scope = scope

    def translate(self, span: ReadableSpan) -> Attributes | None:
        """Ends the exchange of a server span; other spans of the library pass as they are."""
        exchange = self._exchanges.pop(span.context.span_id, None) if span.context is not None else None
        return {} if exchange is None else self._responses.conclude(exchange, span)

    def after_fork(self) -> None:
        """The parent's requests are not this process's."""
        self._exchanges.clear()


class Recorder:
    """ASGI app around the instrumented one. Whatever fails in our part, the app's part goes on."""

    def __init__(self, app: App, events: FastAPIEvents) -> None:
        self.app = app
        self._events = events
        self._begin = events._ledger.shielded("begin request", events.begin, None)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Runs the app with the request's holder as the current one."""
        exchange = self._begin(scope, receive)
        if exchange is None:
            await self.app(scope, receive, send)
            return
        token = context.enter(exchange.request)
        try:
            await self.app(
                scope, self._watched_receive(exchange, receive), self._watched_send(exchange, send)
            )
        except BaseException as error:
            exchange.failed_with(error, cancelled=isinstance(error, asyncio.CancelledError))
            raise
        finally:
            context.leave(token)

    def _watched_receive(self, exchange: Exchange, receive: Receive) -> Receive:
        note = self._events._ledger.shielded("receive", exchange.received, None)

        async def watched() -> Message:
            message = await receive()
            note(message)
            return message

        return watched

    def _watched_send(self, exchange: Exchange, send: Send) -> Send:
        note = self._events._ledger.shielded("send", exchange.sending, None)

        async def watched(message: Message) -> None:
            note(message)
            await send(message)

        return watched


def span_details(scope: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name and attributes of a server span at its start: the method; the route is set with the answer."""
    return str(scope.get("method", "WEBSOCKET")), {}
