"""From the queues to the wire: what is queued becomes redacted copies, batches, and exports.

One of it a process. Everything here happens in the exporter thread, off the request's path, except `put`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter

from opentelemetry.sdk.metrics import export as otlp
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from tradewise_otel.catalogue.lookup import max_length
from tradewise_otel.out import metrics, sdk_objects
from tradewise_otel.out.encode import Encoder
from tradewise_otel.out.exporter import Exporters
from tradewise_otel.out.scrub import SpanScrubber
from tradewise_otel.pipeline.aggregate import Aggregate
from tradewise_otel.pipeline.identity import Identity
from tradewise_otel.pipeline.lanes import Lane, Limits
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.pipeline.processors import SPAN_BYTES, SpanItem
from tradewise_otel.pipeline.workers import Worker
from tradewise_otel.record.build import Event

_STACK_BYTES = max_length("exception.stacktrace")
_LOST = ("queue_full", "export_failed", "shutdown")


class Dispatch:
    """Queues, thread and exporters of one process.

    Args:
        exporters: upstream's, one a signal.
        identity: says which process this is; a supervisor queues nothing.
        scrubber: makes the copies of spans that may leave.
        app_metrics: metrics of the app's own instruments, if it has any; always written by upstream.
        own_encoder: False has upstream's encoder write everything.
    """

    def __init__(
        self,
        exporters: Exporters,
        identity: Identity,
        scrubber: SpanScrubber,
        aggregate: Aggregate,
        ledger: Ledger,
        version: str,
        app_metrics: Callable[[], otlp.MetricsData | None],
        limits: Limits,
        own_encoder: bool = True,
    ) -> None:
        self._exporters, self._identity, self._scrubber = exporters, identity, scrubber
        self._aggregate, self._ledger, self._app_metrics = aggregate, ledger, app_metrics
        self._scopes = sdk_objects.Scopes(version)
        self._encoder = Encoder(self._scopes)
        self._own_encoder = own_encoder
        self._own_scope = InstrumentationScope("tradewise_otel", version)
        weigh = ledger.guarded("weigh span", weight_of, _usual_weight, "traces")
        self._spans: Lane[SpanItem] = Lane("traces", self._send_spans, limits, ledger, weigh)
        self._logs: Lane[Event] = Lane("logs", self._send_logs, limits, ledger, attrgetter("size"))
        self._worker = Worker(
            [self._logs, self._spans],
            aggregate.fold,
            self._send_metrics,
            exporters.abort,
            lambda: exporters.outage,
            limits,
            ledger,
        )

    def put_span(self, item: SpanItem) -> None:
        """Queues an ended span."""
        self._put("traces", self._spans, item)

    def put_log(self, event: Event) -> None:
        """Queues a redacted event."""
        self._put("logs", self._logs, event)

    def _put(self, signal: str, lane: Lane, item: object) -> None:  # type: ignore[type-arg]
        if self._identity.supervises:
            # Its lines are on stdout; a slot of its own would shift those of the workers.
            self._ledger.add("dropped", signal, reason="supervisor")
        elif not self._exporters.enabled(signal):
            self._ledger.add("dropped", signal, reason="exporter_none")
        elif self._worker.stopping:
            self._ledger.add("dropped", signal, reason="shutdown")
        else:
            lane.put(item)
            self._worker.ensure_running()

    def shutdown(self, seconds: float) -> dict[str, int]:
        """Sends what is queued within `seconds`, then closes.

        Returns what was lost by signal, as far as no metric has told it; empty from the second call on.
        """
        if not self._worker.stop(seconds):
            return {}
        self._exporters.abort()
        untold: dict[str, int] = {}
        for (what, signal, reason), count in self._ledger.news().items():
            if what == "dropped" and reason in _LOST:
                untold[signal] = untold.get(signal, 0) + count
        return untold

    def after_fork(self) -> None:
        """A forked child has its own queues, thread, connections, metrics and account."""
        self._identity.after_fork()
        self._exporters.after_fork()
        self._aggregate.reset()
        self._ledger.reset()
        self._worker.after_fork()

    def _send_spans(self, batch: Sequence[SpanItem]) -> bool:
        clean = [self._scrubber.clean(item) for item in batch]
        resource = self._identity.resource
        request = self._encoded("traces", lambda: self._encoder.spans(clean, resource))
        if request is not None:
            return self._exporters.send_bytes("traces", request)
        return self._exporters.send("traces", [sdk_objects.readable_span(span, resource) for span in clean])

    def _send_logs(self, batch: Sequence[Event]) -> bool:
        resource = self._identity.resource
        request = self._encoded("logs", lambda: self._encoder.logs(batch, resource))
        if request is not None:
            return self._exporters.send_bytes("logs", request)
        records = [sdk_objects.log_record(event, resource, self._scopes) for event in batch]
        return self._exporters.send("logs", records)

    def _encoded(self, signal: str, encode: Callable[[], bytes]) -> bytes | None:
        """The request in bytes; None where upstream's encoder has to write it."""
        if not (self._own_encoder and self._exporters.takes_bytes(signal)):
            return None
        try:
            return encode()
        except Exception as error:
            # Upstream's encoder saves the batch; the fault is counted all the same, as any of ours.
            self._ledger.internal_error(f"encode {signal}", error, signal)
            return None

    def _send_metrics(self) -> None:
        figures = metrics.collect(self._aggregate, self._ledger)
        if figures:
            self._settle(self._send_figures(figures))
        app = self._app_metrics()
        if app is not None and app.resource_metrics:
            self._exporters.send("metrics", self._as_this_process(app))

    def _settle(self, delivered: bool) -> None:
        """They are deltas: what did not arrive now must be in the next ones."""
        if delivered:
            self._ledger.told()
        elif self._exporters.enabled("metrics"):
            self._aggregate.give_back()

    def _send_figures(self, figures: metrics.Figures) -> bool:
        resource, scope = self._identity.resource, self._own_scope
        request = self._encoded("metrics", lambda: self._encoder.metrics(figures, resource, scope))
        if request is not None:
            return self._exporters.send_bytes("metrics", request)
        return self._exporters.send("metrics", metrics.metrics_data(figures, resource, scope))

    def _as_this_process(self, data: otlp.MetricsData) -> otlp.MetricsData:
        resource = self._identity.resource
        return otlp.MetricsData(
            [
                otlp.ResourceMetrics(resource, item.scope_metrics, item.schema_url)
                for item in data.resource_metrics
            ]
        )


def weight_of(item: SpanItem) -> int:
    """About how many bytes a span takes: an event of it may hold a stack trace."""
    return SPAN_BYTES + len(item.span.events or ()) * _STACK_BYTES


def _usual_weight(_: SpanItem) -> int:
    return SPAN_BYTES


def limits(environ: Mapping[str, str]) -> Limits:
    """Queue limits from the standard variables, whose defaults are ours; bad numbers mean the default."""
    ours = Limits()
    return Limits(
        queue=_positive(
            environ.get("OTEL_BLRP_MAX_QUEUE_SIZE") or environ.get("OTEL_BSP_MAX_QUEUE_SIZE"), ours.queue
        ),
        batch=_positive(environ.get("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE"), ours.batch),
        delay=_positive(environ.get("OTEL_BLRP_SCHEDULE_DELAY"), round(ours.delay * 1000)) / 1000,
        metrics_every=_positive(environ.get("OTEL_METRIC_EXPORT_INTERVAL"), round(ours.metrics_every * 1000))
        / 1000,
    )


def _positive(text: str | None, default: int) -> int:
    try:
        return max(int(text), 1) if text else default
    except ValueError:
        return default
