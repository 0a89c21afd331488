"""FastAPI: `api_request`, `api_response`, the API metrics and `X-Request-ID`.

contrib's instrumentor makes the server span. Inside its middleware sits a `Recorder`, plain ASGI, that
sees what the span does not: the route at the start of the answer, streams, WebSockets, clients that
leave. The answer's event is built when the span ends, so its duration is the span's.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import MutableMapping
from types import SimpleNamespace
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.instrumentation import asgi as contrib_asgi
from opentelemetry.instrumentation import fastapi as contrib
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.metrics import NoOpMeter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from tradewise_otel import context
from tradewise_otel.instrument.http_exchange import Exchange
from tradewise_otel.instrument.http_response import Responses
from tradewise_otel.instrument.lasting_requests import Watch
from tradewise_otel.instrument.runtime import Runtime
from tradewise_otel.pipeline import shield
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.pipeline.processors import Attributes, describe

SCOPE_NAME = contrib.__name__


class FastAPIEvents:
    """Makes the API events of one process. `translate` is this library's translator of ended spans."""

    def __init__(self, runtime: Runtime) -> None:
        self._ledger = runtime.ledger
        self._responses = Responses(runtime)
        self._announce = self._ledger.shielded("api_request", self._responses.announce, None)
        self._judge_early = self._ledger.shielded("early verdict", self._responses.judge_early, None)
        self._exchanges: dict[int, Exchange] = {}
        self._watch = Watch(self._exchanges, self._judge_early, self._ledger)

    def install(self) -> None:
        """Has contrib's instrumentor build its middleware around our recorder.

        `OpenTelemetryMiddleware` in contrib's module is the one seam: it takes the cheap span details
        (contrib's own match every route again, for every request) and the wrapped app. It stays
        upstream's class, since FastAPI's native telemetry looks for exactly that.
        """

        recorder = Recorder(self)
        fallback: tuple[str, dict[str, Any]] = ("HTTP", {})
        details = self._ledger.shielded("span details", span_details, fallback, "traces")

        def build(app: shield.App, **kwargs: Any) -> OpenTelemetryMiddleware:
            kwargs["default_span_details"] = details
            if isinstance(kwargs.get("meter"), NoOpMeter):
                kwargs["tracer"] = start_at_once(kwargs["tracer"], self._ledger)
            return OpenTelemetryMiddleware(shield.asgi(self._ledger, recorder.run, app), **kwargs)

        safe = self._ledger.guarded("server middleware", build, OpenTelemetryMiddleware)
        contrib.OpenTelemetryMiddleware = safe  # type: ignore[assignment,attr-defined]
        contrib_asgi.asgi_getter = HeaderGetter(self._ledger)

    def begin(self, scope: dict[str, Any], receive: shield.Receive) -> Exchange | None:
        """A new exchange for the current server span; None where this app is mounted in another."""
        span = trace.get_current_span()
        if not isinstance(span, ReadableSpan) or not span.is_recording():
            return None
        if span.kind is not SpanKind.SERVER:
            self._enter_mounted(scope, span)
            return None
        exchange = Exchange.open(scope, span, receive)
        describe(exchange.request, span)
        self._announce(exchange)
        self._watch.ensure(asyncio.get_running_loop())
        # Last, since an exchange that nobody watches would end as an answer without a status.
        self._exchanges[span.get_span_context().span_id] = exchange
        return exchange

    def sending(self, exchange: Exchange, message: MutableMapping[str, Any]) -> None:
        """Notes what the app answers; a stream is judged when it opens, for it may never end."""
        exchange.sending(message)
        if message["type"] != "http.response.body" and exchange.is_stream:
            self._judge_early(exchange)

    def let_go(self) -> None:
        """The process ends: what waits for the verdict of an open request goes by what is known of it."""
        for exchange in list(self._exchanges.values()):
            exchange.request.settle()
            self._responses.let_go(exchange)

    def _enter_mounted(self, scope: dict[str, Any], span: ReadableSpan) -> None:
        outer = context.current()
        if outer is not None and _is_mounted_in(outer, scope):
            outer.scope, outer.span = scope, span

    def translate(self, span: ReadableSpan, attributes: Attributes) -> bool:
        """Ends the exchange of a server span; other spans of the library pass as they are."""
        exchange = self._exchanges.pop(span.context.span_id, None) if span.context is not None else None
        if exchange is not None:
            try:
                attributes.update(self._responses.conclude(exchange, span))
            finally:
                exchange.request.end()
        return True

    def after_fork(self) -> None:
        """The parent's requests are not this process's."""
        self._exchanges.clear()
        self._watch.after_fork()


class HeaderGetter(contrib_asgi.ASGIGetter):
    """contrib's getter, which is asked seven times a request, but only what is wanted gets decoded."""

    def __init__(self, ledger: Ledger) -> None:
        self.get = ledger.guarded("header", self.get, super().get, "traces")  # type: ignore[method-assign]

    def get(self, carrier: dict[str, Any], key: str) -> list[str] | None:
        """The values of a header, None where there is none."""
        wanted = key.lower().encode()
        headers = carrier.get("headers")
        if not headers or wanted not in [pair[0].lower() for pair in headers]:
            return None
        return super().get({"headers": [pair for pair in headers if pair[0].lower() == wanted]}, key)


class Recorder:
    """What goes on around the instrumented app; `shield.asgi` sees to it that the app goes on."""

    def __init__(self, events: FastAPIEvents) -> None:
        shielded = events._ledger.shielded
        self._begin = shielded("begin request", events.begin, None)
        self._received = shielded("receive", Exchange.received, None)
        self._sending = shielded("send", events.sending, None)
        self._ended = shielded("end request", Exchange.ended, None)

    async def run(
        self, app: shield.App, scope: dict[str, Any], receive: shield.Receive, send: shield.Send
    ) -> None:
        """Runs the app with the request's holder as the current one."""
        exchange = self._begin(scope, receive)
        if exchange is None:
            await app(scope, receive, send)
            return
        received = shield.receiving(receive, functools.partial(self._received, exchange))
        sent = shield.sending(send, functools.partial(self._sending, exchange))
        token = context.enter(exchange.request)
        try:
            await app(scope, received, sent)
        except BaseException as error:
            # The holder stays the current one: the server logs this error next, in the same task.
            self._ended(exchange, error)
            raise
        self._ended(exchange)
        context.leave(token)


def start_at_once(tracer: trace.Tracer, ledger: Ledger) -> SimpleNamespace:
    """contrib's tracer, but its span takes its attributes at the start and leaves none behind.

    contrib sets each of them again right after, which costs four times as much. Besides that it wants them
    for its metrics only, so this is for where those go nowhere.
    """

    def start(name: str, attributes: Any = None, **options: Any) -> trace.Span:
        span = tracer.start_span(name, attributes=attributes, **options)
        if attributes:
            attributes.clear()
        return span

    safe = ledger.guarded("start span", start, tracer.start_span, "traces")
    return SimpleNamespace(start_span=safe, start_as_current_span=tracer.start_as_current_span)


def _is_mounted_in(outer: context.Request, scope: dict[str, Any]) -> bool:
    # Scopes are copied on the way, their list of headers is not.
    return outer.scope is not None and outer.scope.get("headers") is scope.get("headers")


def span_details(scope: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name and attributes of a server span at its start: the method; the route is set with the answer.

    contrib asks for them just before it starts the span, so here is the place to let go of an earlier
    request: uvicorn starts a pipelined one in the context of the one that it has just answered.
    """
    earlier = context.current()
    if earlier is not None and earlier.ended_at is not None and not _is_mounted_in(earlier, scope):
        otel_context.attach(otel_context.Context())
    return str(scope.get("method", "WEBSOCKET")), {}
