"""The API events: what an exchange becomes, and the verdict over its request."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from tradewise_otel.catalogue.vocabulary import Level
from tradewise_otel.instrument.http_exchange import Exchange, client_of, query_of
from tradewise_otel.instrument.runtime import Runtime
from tradewise_otel.pipeline.processors import Attributes
from tradewise_otel.record.build import automatic

CLIENT_CLOSED_REQUEST = 499
"""Status of a request whose client left before there was an answer (contract 2)."""

_WARNING_STATUSES = (401, 403, 429)
_METHODS = frozenset(
    ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY")
)


class Responses:
    """Makes `api_request` at the start, and `api_response` and the verdict at the end."""

    def __init__(self, runtime: Runtime) -> None:
        settings = runtime.settings
        self._thresholds, self._usual = settings.route_thresholds, (settings.p95_ms, settings.p99_ms)
        self._sink = runtime.sink
        self._verdicts = runtime.verdicts

    def announce(self, exchange: Exchange) -> None:
        """Prepares `api_request`; it goes when somebody knows the user, or the answer starts."""
        scope = exchange.scope
        method, path = method_of(scope), scope.get("path", "")
        fields = {"method": method, "path": path, **client_of(scope)}
        if query := query_of(scope):
            fields["query_params"] = query
        span = exchange.span
        event = automatic(
            "api_request",
            "INFO",
            f"{method} {path}",
            fields,
            span.get_span_context(),
            exchange.request,
            span.start_time,
        )
        self._sink.hold(event, exchange.request)

    def conclude(self, exchange: Exchange, span: ReadableSpan) -> Attributes:
        """Decides over the request and emits `api_response`; the span's new attributes."""
        exchange.request.settle()
        seconds = ((span.end_time or 0) - (span.start_time or 0)) / 1e9
        fields = self._fields(exchange, span, seconds)
        self._decide(exchange, fields)
        level = self._level(fields)
        message = f"{fields['method']} {fields['path']} {fields['status_code']}"
        event = automatic(
            "api_response", level, message, fields, span.context, exchange.request, span.end_time
        )
        event.untimed = exchange.is_websocket
        self._sink.emit(event)
        return _span_attributes(exchange, fields)

    def judge_early(self, exchange: Exchange) -> None:
        """Decides before the end: over a stream at its open, and over what takes too long to wait for.

        A stream is left to the ratio, unless it has asked to be kept. What has been answered, and only its
        background tasks still run, is judged as it was; anything else that takes so long is slow (P8).
        """
        if exchange.is_stream:
            self._verdicts.decide(exchange.request)
        elif exchange.answered is not None:
            fields = self._fields(exchange, exchange.span, exchange.answered - exchange.started)
            self._decide(exchange, fields)
        else:
            self._verdicts.decide(exchange.request, slow=True)

    def let_go(self, exchange: Exchange) -> None:
        """Decides over a request that the end of the process cuts off."""
        self._verdicts.decide(exchange.request)

    def _fields(self, exchange: Exchange, span: ReadableSpan, seconds: float) -> dict[str, Any]:
        stream = None if exchange.is_websocket else exchange.stream_seconds(exchange.started + seconds)
        answered = seconds if stream is None else seconds - stream
        method = method_of(exchange.scope)
        p95, p99 = self._thresholds.get((method, exchange.route), self._usual)
        fields: dict[str, Any] = {
            "method": method,
            "path": exchange.scope.get("path", ""),
            "route": exchange.route,
            "status_code": _status(exchange),
            "response_time_ms": _ms(answered),
            "p95_threshold": p95,
            "p99_threshold": p99,
            "performance_status": "normal"
            if exchange.is_websocket
            else _performance(answered * 1000, p95, p99),
        }
        if stream is not None:
            fields["stream_duration_ms"] = _ms(stream)
        if error := _error_type(exchange, span):
            fields["error_type"] = error
        return fields

    def _decide(self, exchange: Exchange, fields: dict[str, Any]) -> None:
        failed = fields["status_code"] >= 500 or ("error_type" in fields and not exchange.cancelled)
        is_stream = exchange.is_websocket or "stream_duration_ms" in fields
        slow = not is_stream and fields["performance_status"] != "normal"
        self._verdicts.decide(exchange.request, failed=failed, slow=slow)

    def _level(self, fields: dict[str, Any]) -> Level:
        if fields["status_code"] >= 500:
            return "ERROR"
        if fields["status_code"] in _WARNING_STATUSES or fields["performance_status"] == "critical":
            return "WARNING"
        return "INFO"


def _performance(ms: float, p95: float, p99: float) -> str:
    return "normal" if ms <= p95 else "critical" if ms > p99 else "slow"


def method_of(scope: dict[str, Any]) -> str:
    """The method as a metric tag may carry it: unknown words, which clients can invent, are `_OTHER`."""
    method = str(scope.get("method", "GET")).upper()
    return method if method in _METHODS else "_OTHER"


def _status(exchange: Exchange) -> int:
    if exchange.is_websocket:
        # Closed or failed before it was accepted; servers answer 500 to an exception there.
        failed = exchange.error_type is not None and not exchange.cancelled
        return exchange.status or (500 if failed else 403)
    if exchange.disconnected or (exchange.cancelled and exchange.status is None):
        return CLIENT_CLOSED_REQUEST
    return exchange.status if exchange.status is not None else 500


def _error_type(exchange: Exchange, span: ReadableSpan) -> str | None:
    inner = exchange.request.span
    found = _error_of(span) or exchange.error_type
    # A mounted app answers 500 before its exception gets as far as the outer span.
    return found if found or inner is exchange.span or inner is None else _error_of(inner)


def _error_of(span: ReadableSpan) -> str | None:
    """Type of the exception that the app let through, as contrib noted it on the span."""
    for event in reversed(span.events or ()):
        if event.name == "exception" and event.attributes:
            return str(event.attributes.get("exception.type", "")).removeprefix("builtins.") or None
    return None


def _span_attributes(exchange: Exchange, fields: dict[str, Any]) -> Attributes:
    request = exchange.request
    attributes = {"event_type": "api_response", "http.route": exchange.route, **fields}
    attributes["http.response.status_code"] = fields["status_code"]
    attributes.update(request.identity())
    attributes["sampling.reason"], attributes["sampling.weight"] = request.reason, request.weight
    return attributes


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
