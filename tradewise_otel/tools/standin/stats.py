"""APM statistics (what `trace.*` metrics are made of) from the exporter's `/api/v0.2/stats` payloads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgpack
from ddsketch.ddsketch import BaseDDSketch
from ddsketch.pb.ddsketch_pb2 import DDSketch
from ddsketch.pb.proto import DDSketchProto

from tradewise_otel.tools.standin.recording import Request


@dataclass(frozen=True)
class Statistics:
    """One group of spans in one time bucket.

    Attributes:
        name: the operation.
        http_status: 0 where there is none.
        top_level_hits: how many of the hits are a service's entry.
        duration_ns: of all hits together.
        peer_tags: `key:value`.
        start_ns: the bucket's start, unix nanoseconds.
        request: the number of the request in the recording.
    """

    service: str
    name: str
    resource: str
    type: str
    http_status: int
    span_kind: str
    hits: int
    errors: int
    top_level_hits: int
    duration_ns: int
    peer_tags: tuple[str, ...]
    synthetics: bool
    host: str
    env: str
    version: str
    start_ns: int
    request: int
    ok_sketch: bytes = field(repr=False)
    error_sketch: bytes = field(repr=False)

    def ok_summary(self, quantile: float) -> float | None:
        """Duration in nanoseconds at a quantile (0.95) of the spans without error, `None` without such.

        Raises:
            ValueError: the sketch is sparse, which Datadog's Python library cannot read.
        """
        return _quantile(self.ok_sketch, quantile)

    def error_summary(self, quantile: float) -> float | None:
        """As `ok_summary`, of the spans with an error."""
        return _quantile(self.error_sketch, quantile)


def exporter_statistics(request: Request) -> Iterator[Statistics]:
    """The rows of a request to `/api/v0.2/stats`.

    Raises:
        ValueError: the body is no such payload.
    """
    payload = msgpack.unpackb(request.body())
    if not isinstance(payload, dict):
        raise ValueError("not a StatsPayload")
    for client in payload.get("Stats") or ():
        host = client.get("Hostname") or payload.get("AgentHostname", "")
        env = client.get("Env") or payload.get("AgentEnv", "")
        for bucket in client.get("Stats") or ():
            for row in bucket.get("Stats") or ():
                place = (host, env, client.get("Version", ""), bucket.get("Start", 0))
                yield _row(row, place, request)


def _row(row: dict[str, Any], place: tuple[str, str, str, int], request: Request) -> Statistics:
    host, env, version, start = place
    return Statistics(
        service=row.get("Service", ""),
        name=row.get("Name", ""),
        resource=row.get("Resource", ""),
        type=row.get("Type", ""),
        http_status=row.get("HTTPStatusCode", 0),
        span_kind=row.get("SpanKind", ""),
        hits=row.get("Hits", 0),
        errors=row.get("Errors", 0),
        top_level_hits=row.get("TopLevelHits", 0),
        duration_ns=row.get("Duration", 0),
        peer_tags=tuple(sorted(row.get("PeerTags") or ())),
        synthetics=row.get("Synthetics", False),
        host=host,
        env=env,
        version=version,
        start_ns=start,
        request=request.number,
        ok_sketch=row.get("OkSummary") or b"",
        error_sketch=row.get("ErrorSummary") or b"",
    )


def _quantile(sketch: bytes, quantile: float) -> float | None:
    proto = DDSketch()
    proto.ParseFromString(sketch)
    if proto.positiveValues.binCounts or proto.negativeValues.binCounts:
        raise ValueError("a sketch with sparse bins, which `ddsketch` would silently read as empty")
    if not proto.positiveValues.contiguousBinCounts and not proto.zeroCount:
        return None
    summary: BaseDDSketch = DDSketchProto.from_proto(proto)
    found: float | None = summary.get_quantile_value(quantile)
    return found
