"""httpx: `external_api_call` and its metrics.

The event is made when the client span ends, which also happens for calls that fail: contrib's own
metric and response hook never see those.
"""

from __future__ import annotations

import functools
import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

from opentelemetry.instrumentation import httpx as contrib
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from tradewise_otel.catalogue.vocabulary import Level
from tradewise_otel.instrument.hosts import HostList
from tradewise_otel.instrument.runtime import Runtime
from tradewise_otel.pipeline.aggregate import Labels
from tradewise_otel.pipeline.processors import Attributes, attributes_of, duration_ms
from tradewise_otel.record.build import automatic, living_request

SCOPE_NAME = contrib.__name__
BOT_SERVICE = "trading_bot"

# Path segments that are an id rather than a name: numbers, uuids, long hex or mixed tokens.
_ID_SEGMENT = re.compile(r"^(?:\d+|[0-9a-fA-F-]{16,}|(?=.*\d).{20,}|[A-Za-z]+[-_]\d+)$")


class HttpxEvents:
    """Makes the events of outgoing calls. `translate` is this library's translator of ended spans."""

    def __init__(self, runtime: Runtime) -> None:
        self._sink = runtime.sink
        self._aggregate = runtime.aggregate
        self._bots = HostList(runtime.settings.bot_hosts)

    def translate(self, span: ReadableSpan) -> Attributes | None:
        """Emits `external_api_call` for a client span."""
        if span.kind is not SpanKind.CLIENT:
            return {}
        attributes = attributes_of(span)
        url = urlsplit(str(attributes.get("url.full") or attributes.get("http.url") or ""))
        host = url.hostname or ""
        fields = self._fields(span, attributes, url, host)
        failed = "error_type" in fields or fields.get("status_code", 0) >= 500
        level: Level = "ERROR" if failed else "INFO"
        outcome = fields.get("status_code", fields.get("error_type", ""))
        message = f"{fields['method']} {fields['api_url']}{fields['endpoint']} {outcome}".rstrip()
        self._measure(fields, host)
        self._sink.emit(
            automatic(
                "external_api_call",
                level,
                message,
                dict(fields),
                span.context,
                living_request(),
                span.end_time,
            )
        )
        return _span_attributes(fields)

    def _fields(
        self, span: ReadableSpan, attributes: Attributes, url: SplitResult, host: str
    ) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "service": BOT_SERVICE if self._bots.holds(host) else host,
            "endpoint": url.path or "/",
            "method": str(attributes.get("http.request.method") or attributes.get("http.method") or ""),
            "duration_ms": duration_ms(span),
            "api_url": f"{url.scheme}://{url.netloc.rpartition('@')[2]}",
        }
        status = attributes.get("http.response.status_code") or attributes.get("http.status_code")
        if isinstance(status, int):
            fields["status_code"] = status
        elif span.status.status_code is StatusCode.ERROR or attributes.get("error.type"):
            fields["error_type"] = str(attributes.get("error.type") or "error")
        else:
            # Neither an answer nor an error that contrib would note: the caller gave up waiting.
            fields["error_type"] = "CancelledError"
        return fields

    def _measure(self, fields: dict[str, Any], host: str) -> None:
        labels, twin = _labels(
            fields["service"],
            host,
            templated(fields["endpoint"]),
            fields["method"],
            fields.get("status_code"),
        )
        self._aggregate.record("external.calls.duration", labels, fields["duration_ms"])
        self._aggregate.record("http.client.request.duration", twin, fields["duration_ms"] / 1000)


@functools.lru_cache(maxsize=1024)
def _labels(service: str, host: str, endpoint: str, method: str, status: int | None) -> tuple[Labels, Labels]:
    """The documented labels and those of the semantic conventions: the same objects every time."""
    documented = (
        ("service", service),
        ("endpoint", endpoint),
        ("status_class", f"{status // 100}xx" if status else "error"),
    )
    twin: Labels = (("http.request.method", method), ("server.address", host))
    return documented, (*twin, ("http.response.status_code", status)) if status else twin


def templated(path: str) -> str:
    """A path as a metric tag may carry it: ids become `{id}`, at most six segments."""
    segments = [("{id}" if _ID_SEGMENT.match(part) else part[:64]) for part in path.split("/")]
    return "/".join(segments[:7])


def _span_attributes(fields: dict[str, Any]) -> Attributes:
    attributes = {"event_type": "external_api_call", **fields}
    # `service` on a span would compete with the service itself (contract 4).
    attributes["peer.service"] = attributes.pop("service")
    return attributes
