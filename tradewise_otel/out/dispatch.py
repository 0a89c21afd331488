"""From the records to the wire: each takes its form, waits in its queue, and leaves in a batch.

One of it a process. Redaction and form are whoever recorded's work, and short; all else happens in the
exporter thread.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.sdk.metrics import export as otlp
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from tradewise_otel.out import metrics, sdk_objects
from tradewise_otel.out.encode import Encoder
from tradewise_otel.out.exporter import SIGNALS, Exporters
from tradewise_otel.out.forms import Form, InBytes, InObjects
from tradewise_otel.out.scrub import SpanScrubber
from tradewise_otel.pipeline.aggregate import Aggregate
from tradewise_otel.pipeline.identity import Identity
from tradewise_otel.pipeline.lanes import Lane, Limits
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.pipeline.processors import SpanItem
from tradewise_otel.pipeline.workers import Worker
from tradewise_otel.record.build import Event

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
        self._exporters, self._identity = exporters, identity
        self._aggregate, self._ledger, self._app_metrics = aggregate, ledger, app_metrics
        self._told_ms = 0
        self._ways = self._open_ways()
        scopes = sdk_objects.Scopes(version)
        self._encoder = Encoder(scopes)
        self._own_encoder = own_encoder
        self._own_scope = InstrumentationScope("tradewise_otel", version)
        self._bytes = InBytes(self._encoder, scopes, scrubber, exporters, identity, ledger)
        self._objects = InObjects(scopes, scrubber, exporters, identity, ledger)
        self._as_span, self._spans = self._form("traces").span, self._lane("traces", limits)
        self._as_log, self._logs = self._form("logs").log, self._lane("logs", limits)
        self._worker = Worker(
            [self._logs, self._spans],
            aggregate.fold,
            self._send_metrics,
            exporters.abort,
            lambda: exporters.outage,
            limits,
            ledger,
        )

    def _form(self, signal: str) -> Form:
        ours = self._own_encoder and self._exporters.takes_bytes(signal)
        return self._bytes if ours else self._objects

    def _lane(self, signal: str, limits: Limits) -> Lane[Any]:
        form = self._form(signal)
        return Lane(signal, functools.partial(form.send, signal), limits, self._ledger, form.size)

    def put_span(self, item: SpanItem) -> None:
        """Queues an ended span."""
        self._put(self._spans, self._as_span, item)

    def put_log(self, event: Event) -> None:
        """Queues a redacted event."""
        self._put(self._logs, self._as_log, event)

    def _put(self, lane: Lane[Any], write: Callable[[Any], Any], record: Any) -> None:
        if lane.signal not in self._ways or self._worker.stopping:
            self._refuse(lane.signal)
            return
        item = write(record)
        # None could not be written by anybody, and is counted.
        if item is not None:
            lane.put(item)
            self._worker.ensure_running()

    def _refuse(self, signal: str) -> None:
        """Counts a record that has no way out."""
        if self._identity.supervises:
            # Its lines are on stdout; a slot of its own would shift those of the workers.
            reason = "supervisor"
        else:
            reason = "shutdown" if self._exporters.enabled(signal) else "exporter_none"
        self._ledger.add("dropped", signal, reason=reason)

    def _open_ways(self) -> frozenset[str]:
        """Signals that this process sends."""
        return frozenset(() if self._identity.supervises else filter(self._exporters.enabled, SIGNALS))

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
        self._ways = self._open_ways()
        self._aggregate.reset()
        self._ledger.reset()
        self._worker.after_fork()

    def _send_metrics(self) -> None:
        self._count_own_time()
        figures = metrics.collect(self._aggregate, self._ledger)
        if figures:
            self._settle(self._send_figures(figures))
        app = self._app_metrics()
        if app is not None and app.resource_metrics:
            self._exporters.send("metrics", self._as_this_process(app))

    def _count_own_time(self) -> None:
        """Processor time of this thread, which encodes and sends; what a request pays itself is not in it."""
        spent = time.thread_time_ns() // 1_000_000
        # Another thread, or another process after a fork, has begun at nothing.
        self._ledger.add("cpu.time", "", max(spent - self._told_ms, 0))
        self._told_ms = spent

    def _settle(self, delivered: bool) -> None:
        """They are deltas: what did not arrive now must be in the next ones."""
        if delivered:
            self._ledger.told()
        elif self._exporters.enabled("metrics"):
            self._aggregate.give_back()

    def _send_figures(self, figures: metrics.Figures) -> bool:
        resource, scope = self._identity.resource, self._own_scope
        request = self._metrics_request(figures)
        if request is not None:
            return self._exporters.send_bytes("metrics", request)
        return self._exporters.send("metrics", metrics.metrics_data(figures, resource, scope))

    def _metrics_request(self, figures: metrics.Figures) -> bytes | None:
        """Ours; None where upstream's encoder has to write it."""
        if self._form("metrics") is not self._bytes:
            return None
        try:
            return self._encoder.metrics(figures, self._identity.resource, self._own_scope)
        except Exception as error:
            # Upstream's encoder saves the batch; the fault is counted all the same, as any of ours.
            self._ledger.internal_error("encode metrics", error, "metrics")
            return None

    def _as_this_process(self, data: otlp.MetricsData) -> otlp.MetricsData:
        resource = self._identity.resource
        return otlp.MetricsData(
            [
                otlp.ResourceMetrics(resource, item.scope_metrics, item.schema_url)
                for item in data.resource_metrics
            ]
        )


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
