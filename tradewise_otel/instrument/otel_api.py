"""OpenTelemetry's own APIs as the app may use them: its log records and its metric instruments.

Log records that the app emits through the logs API take the same way as all others; its instruments are
read when our metrics are sent, so that one process has one exporter thread.
"""

from __future__ import annotations

import time
from typing import Any

from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.metrics import export as otlp

from tradewise_otel.instrument.runtime import Runtime
from tradewise_otel.record.build import Event, extra_of, level_of, living_request

# OpenTelemetry's severity numbers 1-24 in steps of four, against stdlib's levels.
_STDLIB_LEVEL = (10, 10, 20, 30, 40, 50)


class ApiLogs(LogRecordProcessor):
    """Turns records of the logs API into events."""

    def __init__(self, runtime: Runtime) -> None:
        self._sink = runtime.sink
        # It runs inside the app's request.
        self.on_emit = runtime.ledger.shielded("api log record", self._take, None)  # type: ignore[method-assign]

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Replaced by the shielded `_take` in each instance."""

    def _take(self, item: ReadWriteLogRecord) -> None:
        record = item.log_record
        fields, event_type = extra_of(dict(record.attributes or {}))
        number = record.severity_number.value if record.severity_number else 9
        scope = item.instrumentation_scope
        self._sink.emit(
            Event(
                timestamp_ns=record.timestamp or time.time_ns(),
                level=level_of(_STDLIB_LEVEL[min((number + 3) // 4 - 1, 5)] if number else 20),
                message="" if record.body is None else str(record.body),
                logger_name=scope.name if scope is not None else "otel",
                event_type=event_type or record.event_name or None,
                fields=fields,
                trace_id=record.trace_id or 0,
                span_id=record.span_id or 0,
                trace_flags=int(record.trace_flags or 0),
                request=living_request(),
            )
        )

    def shutdown(self) -> None:
        """Nothing is kept here."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is kept here."""
        return True


class AppMetrics(otlp.MetricReader):
    """Reads the app's own instruments on demand."""

    def __init__(self, exporter: Any) -> None:
        super().__init__(
            preferred_temporality=getattr(exporter, "_preferred_temporality", None),
            preferred_aggregation=getattr(exporter, "_preferred_aggregation", None),
        )
        self._data: otlp.MetricsData | None = None

    def read(self) -> otlp.MetricsData | None:
        """What the instruments hold now; None when there are none."""
        self._data = None
        self.collect()
        return self._data

    def _receive_metrics(
        self, metrics_data: otlp.MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> None:
        self._data = metrics_data

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Nothing is kept here."""
