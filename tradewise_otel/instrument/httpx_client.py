"""httpx: `external_api_call`.

The event is made when the client span ends, which also happens for calls that fail: contrib's own
metric and response hook never see those.
"""

from __future__ import annotations

import functools
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.instrumentation import httpx as contrib
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from tradewise_otel.catalogue.vocabulary import Level
from tradewise_otel.instrument.hosts import HostList
from tradewise_otel.instrument.runtime import Runtime
from tradewise_otel.pipeline.processors import Attributes, duration_ms
from tradewise_otel.record.build import automatic, living_request

SCOPE_NAME = contrib.__name__
BOT_SERVICE = "trading_bot"


class HttpxEvents:
    """Makes the events of outgoing calls. `translate` is this library's translator of ended spans."""

    def __init__(self, runtime: Runtime) -> None:
        self._sink = runtime.sink
        self._bots = HostList(runtime.settings.bot_hosts)

    def translate(self, span: ReadableSpan, attributes: Attributes) -> bool:
        """Emits `external_api_call` for a client span."""
        if span.kind is not SpanKind.CLIENT:
            return True
        fields = self._fields(span, attributes)
        failed = "error_type" in fields or fields.get("status_code", 0) >= 500
        level: Level = "ERROR" if failed else "INFO"
        outcome = fields.get("status_code", fields.get("error_type", ""))
        message = f"{fields['method']} {fields['api_url']}{fields['endpoint']} {outcome}".rstrip()
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
        attributes.update(_span_attributes(fields))
        return True

    def _fields(self, span: ReadableSpan, attributes: Attributes) -> dict[str, Any]:
        host, base, path = _parts(str(attributes.get("url.full") or attributes.get("http.url") or ""))
        fields: dict[str, Any] = {
            "service": BOT_SERVICE if self._bots.holds(host) else host,
            "endpoint": path,
            "method": str(attributes.get("http.request.method") or attributes.get("http.method") or ""),
            "duration_ms": duration_ms(span),
            "api_url": base,
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


@functools.lru_cache(maxsize=1024)
def _parts(text: str) -> tuple[str, str, str]:
    """Host, `scheme://host:port` without credentials, and path of a URL."""
    url = urlsplit(text)
    return url.hostname or "", f"{url.scheme}://{url.netloc.rpartition('@')[2]}", url.path or "/"


def _span_attributes(fields: dict[str, Any]) -> Attributes:
    attributes = {"event_type": "external_api_call", **fields}
    # `service` on a span would compete with the service itself (contract 4).
    attributes["peer.service"] = attributes.pop("service")
    return attributes
