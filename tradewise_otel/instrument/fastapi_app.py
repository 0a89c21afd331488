"""FastAPI: `api_request`, `api_response`, the API metrics and `X-Request-ID`.

contrib's instrumentor makes the server span. Inside its middleware sits a `Recorder`, plain ASGI, that
sees what the span does not: the route at the start of the answer, streams, WebSockets, clients that
leave. The answer's event is built when the span ends, so its duration is the span's.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import MutableMapping
from contextvars import Token
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation import fastapi as contrib
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from tradewise_otel import context
from tradewise_otel.instrument import asgi_spans
from tradewise_otel.instrument.asgi_spans import Recording, does_nothing_more, is_mounted_in, leave_ended
from tradewise_otel.instrument.http_exchange import Exchange
from tradewise_otel.instrument.http_response import Responses
from tradewise_otel.instrument.lasting_requests import Watch
from tradewise_otel.instrument.runtime import Runtime
from tradewise_otel.pipeline import shield
from tradewise_otel.pipeline.processors import Attributes, describe

SCOPE_NAME = contrib.__name__


class FastAPIEvents:
    """Makes the API events of one process. `translate` is this library's translator of ended spans."""

    def __init__(self, runtime: Runtime) -> None:
        self._ledger, self._sink = runtime.ledger, runtime.sink
        self._responses = Responses(runtime)
        self._announce = self._ledger.shielded("api_request", self._responses.announce, None)
        self._judge_early = self._ledger.shielded("early verdict", self._responses.judge_early, None)
        self._exchanges: dict[int, Exchange] = {}
        self._watch = Watch(self._exchanges, self._judge_early, self._ledger)

    def install(self) -> None:
        """Has contrib's instrumentor build its middleware around our recorder.

        `OpenTelemetryMiddleware` in contrib's module is the one seam: what is built there takes cheap span
        details (contrib's own match every route again, for every request) and the recorded app, and ours
        stands in front of it where it would do nothing more.
        """
        recorder = Recorder(self)
        fallback: tuple[str, dict[str, Any]] = ("HTTP", {})
        details = self._ledger.shielded("span details", span_details, fallback, "traces")

        def build(app: shield.App, **kwargs: Any) -> shield.App:
            kwargs["default_span_details"] = details
            theirs = OpenTelemetryMiddleware(asgi_spans.recorded(recorder.open, app, self._ledger), **kwargs)
            if not does_nothing_more(theirs):
                return theirs
            return asgi_spans.middleware(theirs, recorder.open, app, self._ledger)

        safe = self._ledger.guarded("server middleware", build, OpenTelemetryMiddleware)
        contrib.OpenTelemetryMiddleware = safe  # type: ignore[assignment,attr-defined]
        instrumentor: Any = contrib.FastAPIInstrumentor
        spared = self._ledger.shielded("native telemetry", without_native_telemetry, None, "traces")
        instrumentor.instrument_app = staticmethod(shield.then(spared, instrumentor.instrument_app))

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
        if exchange.has_own_id:
            self._sink.trust(exchange.request.request_id or "")
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
        if outer is not None and is_mounted_in(outer, scope):
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


class Recorder:
    """What goes on around the instrumented app, in the frame that `shield.Asgi` keeps for it."""

    def __init__(self, events: FastAPIEvents) -> None:
        shielded = events._ledger.shielded
        self._events = events
        self._received = shielded("receive", Exchange.received, None)
        self._ended = shielded("end request", self._end, None)
        self.open = shielded("begin request", self._open, None)

    def _open(self, scope: dict[str, Any], receive: shield.Receive) -> Recording | None:
        """Makes the request's holder the current one."""
        exchange = self._events.begin(scope, receive)
        if exchange is None:
            return None
        received = shield.receiving(receive, functools.partial(self._received, exchange))
        sending = functools.partial(self._events.sending, exchange)
        token = context.enter(exchange.request)
        return Recording(received, sending, functools.partial(self._ended, exchange, token))

    def _end(
        self, exchange: Exchange, token: Token[context.Request | None], error: BaseException | None
    ) -> None:
        exchange.ended(error)
        if error is None:
            # Else the holder stays the current one: the server logs this error next, in the same task.
            context.leave(token)


def without_native_telemetry(app: Any, *args: Any, **kwargs: Any) -> None:
    """Spares an app FastAPI's own telemetry, which does nothing where contrib's middleware is.

    It looks for that middleware at every request, and is one more frame around every step of the app.
    """
    config = getattr(app, "_telemetry", None)
    if isinstance(config, dict):
        config.update(tracing=False, metrics=False, logs=False)


def span_details(scope: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name and attributes of a server span at its start: the method; the route is set with the answer.

    contrib asks for them just before it starts the span: the place to let go of an earlier request.
    """
    leave_ended(scope)
    return str(scope.get("method", "WEBSOCKET")), {}
