"""What Datadog has after a recording: only what it said yes to, decoded once, in its own terms."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import Self

from tradewise_otel.tools.standin import intake, otlp
from tradewise_otel.tools.standin.definitions import Definitions
from tradewise_otel.tools.standin.logs import exporter_logs, otlp_logs, too_old
from tradewise_otel.tools.standin.metrics import Point, exporter_series, exporter_sketches, otlp_points
from tradewise_otel.tools.standin.recording import Recording, Request
from tradewise_otel.tools.standin.reserved import Log
from tradewise_otel.tools.standin.spans import Span, exporter_spans, otlp_spans
from tradewise_otel.tools.standin.stats import Statistics, exporter_statistics


class UndecodableError(Exception):
    """A request that was answered 2xx, but that nobody can read; it names the request."""


class Received:
    """Logs, spans, statistics and metric points of a recording, as of the last `refresh`.

    Args:
        recording: may still be written to.
        definitions: see `definitions.load_definitions`.

    Raises:
        UndecodableError: see `refresh`.
    """

    def __init__(self, recording: Recording, definitions: Definitions) -> None:
        self._recording = recording
        self._definitions = definitions
        self._last: Request | None = None
        self._logs: list[Log] = []
        self._rejected: list[Log] = []
        self._spans: list[Span] = []
        self._stats: list[Statistics] = []
        self._points: list[Point] = []
        self._own_points: list[Point] = []
        self.refresh()

    def refresh(self) -> Self:
        """Read on from where the last refresh ended; returns itself.

        Raises:
            UndecodableError: a request that was answered 2xx is not what its path takes. It is left out, and
                the next refresh goes on behind it.
        """
        for request in self._recording.requests(self._last):
            self._last = request
            if 200 <= request.status < 300:
                self._decode(request)
        return self

    @property
    def logs(self) -> Sequence[Log]:
        """The logs that Datadog keeps."""
        return self._logs

    @property
    def rejected_logs(self) -> Sequence[Log]:
        """The logs that it accepted and then dropped, being too old."""
        return self._rejected

    @property
    def spans(self) -> Sequence[Span]:
        """The spans."""
        return self._spans

    @property
    def stats(self) -> Sequence[Statistics]:
        """The APM statistics."""
        return self._stats

    @property
    def metrics(self) -> Sequence[Point]:
        """The metric points, without the exporter's own."""
        return self._points

    @property
    def own_metrics(self) -> Sequence[Point]:
        """The points that the exporter sends about itself."""
        return self._own_points

    def _decode(self, request: Request) -> None:
        try:
            self._decode_route(request)
        except Exception as error:
            # Payloads may be malformed in ways that the decoders meet as any kind of error.
            raise UndecodableError(f"request {request.number}, {request.path}: {error}") from error

    def _decode_route(self, request: Request) -> None:
        definitions, route = self._definitions, request.route
        if route == otlp.LOGS:
            self._add_logs(list(otlp_logs(request)), request)
        elif route == intake.LOGS:
            self._add_logs(list(exporter_logs(request)), request)
        elif route == otlp.TRACES:
            self._spans += list(otlp_spans(request))
        elif route == intake.TRACES:
            self._spans += list(exporter_spans(request, definitions))
        elif route == intake.STATS:
            self._stats += list(exporter_statistics(request))
        else:
            self._add_points(request)

    def _add_logs(self, logs: list[Log], request: Request) -> None:
        for log in logs:
            (self._rejected if too_old(log, request) else self._logs).append(log)

    def _add_points(self, request: Request) -> None:
        points: list[Point] = []
        if request.route in otlp.METRICS:
            points = list(otlp_points(request))
        elif request.route == intake.SERIES:
            points = list(exporter_series(request, self._definitions))
        elif request.route == intake.SKETCHES:
            points = list(exporter_sketches(request, self._definitions))
        self._points += [point for point in points if not point.is_own]
        self._own_points += [point for point in points if point.is_own]
