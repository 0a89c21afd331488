"""What Datadog's intake answers to a request: its paths, its key check, its limits and its refusals.

Paths and limits are those of Datadog's documentation of the OTLP intake and of the Logs API, and of what the
Collector's exporter was seen to send.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE, Metric

from tradewise_otel.tools.standin import otlp
from tradewise_otel.tools.standin.recording import KEY_HEADER, decompress

MIB = 1024 * 1024
OTLP_LOGS_BYTES = int(5.1 * MIB)
OTLP_TRACES_BYTES = 15 * MIB
OTLP_METRICS_COMPRESSED_BYTES = 512 * 1024
LOGS_BYTES = 5_000_000
LOGS_ITEMS = 1000

VALIDATE = "/api/v1/validate"
LOGS = "/api/v2/logs"
TRACES = "/api/v0.2/traces"
STATS = "/api/v0.2/stats"
SERIES = "/api/v2/series"
SKETCHES = "/api/beta/sketches"

_JSON = {"content-type": "application/json"}
_ACCEPTED = frozenset(
    {"/intake", "/intake/", LOGS, TRACES, STATS, SERIES, SKETCHES, "/api/v1/check_run"},
)


@dataclass(frozen=True)
class Answer:
    """A status, a body and its headers."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusalError(Exception):
    """Why the intake does not take a request, with the status that says so."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def answer(api_key: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """What the intake answers.

    Args:
        api_key: the key it knows; "" takes every key, and none.
        path: with its query.
        headers: names in lower case.
        body: as it came.
    """
    url = urlsplit(path)
    try:
        _check_route(method, url.path)
        _check_key(api_key, url.path, url.query, headers)
        if url.path == VALIDATE:
            return Answer(200, b'{"valid":true}', _JSON)
        _check_body(url.path, headers, body)
    except RefusalError as refusal:
        return refused(refusal.status, str(refusal))
    if otlp.is_otlp(url.path):
        # The empty Export…ServiceResponse is no bytes at all.
        return Answer(200, b"", {"content-type": "application/x-protobuf"})
    return Answer(202, b"{}" if url.path == LOGS else b'{"status":"ok"}', _JSON)


def refused(status: int, reason: str) -> Answer:
    """An error as Datadog writes it; 429 says when to come back."""
    retry = {"retry-after": "1"} if status == 429 else {}
    return Answer(status, json.dumps({"errors": [reason]}).encode(), {**_JSON, **retry})


def _check_route(method: str, route: str) -> None:
    expected = "GET" if route == VALIDATE else "POST"
    known = route == VALIDATE or route in _ACCEPTED or otlp.is_otlp(route)
    if not known or method != expected:
        raise RefusalError(404, f"no such path: {method} {route}")


def _check_key(api_key: str, route: str, query: str, headers: Mapping[str, str]) -> None:
    sent = headers.get(KEY_HEADER, "")
    if route == VALIDATE and not sent:
        # The exporter's metrics forwarder asks this way.
        sent = parse_qs(query).get("api_key", [""])[0]
    if api_key and sent != api_key:
        raise RefusalError(403, "Forbidden")


def _check_body(route: str, headers: Mapping[str, str], body: bytes) -> None:
    try:
        plain = decompress(body, headers.get("content-encoding", ""))
        if otlp.is_otlp(route):
            _check_otlp(route, headers, body, plain)
        elif route == LOGS:
            _check_logs(plain)
    except ValueError as error:
        raise RefusalError(400, str(error)) from error


def _check_otlp(route: str, headers: Mapping[str, str], body: bytes, plain: bytes) -> None:
    if "json" in headers.get("content-type", ""):
        raise RefusalError(415, "this stand-in takes OTLP as protobuf only")
    if route in otlp.METRICS:
        _check_size(len(body), OTLP_METRICS_COMPRESSED_BYTES)
        _check_temporality(otlp.parse(route, plain))
        return
    _check_size(len(plain), OTLP_LOGS_BYTES if route == otlp.LOGS else OTLP_TRACES_BYTES)
    otlp.parse(route, plain)


def _check_logs(plain: bytes) -> None:
    _check_size(len(plain), LOGS_BYTES)
    items = json.loads(plain)
    if isinstance(items, list) and len(items) > LOGS_ITEMS:
        raise RefusalError(413, f"{len(items)} logs, at most {LOGS_ITEMS} are taken")


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise RefusalError(413, f"{size} bytes, at most {limit} are taken")


def _check_temporality(request: Any) -> None:
    for block in request.resource_metrics:
        for scope in block.scope_metrics:
            for metric in scope.metrics:
                if _is_cumulative(metric):
                    raise RefusalError(400, f"cumulative temporality is not supported: {metric.name}")


def _is_cumulative(metric: Metric) -> bool:
    kind = metric.WhichOneof("data")
    data = getattr(metric, kind) if kind else None
    if getattr(data, "aggregation_temporality", 0) != AGGREGATION_TEMPORALITY_CUMULATIVE:
        return False
    # An up-down counter stays cumulative under the SDK's delta preference, and Datadog makes a gauge of it.
    return kind != "sum" or metric.sum.is_monotonic
