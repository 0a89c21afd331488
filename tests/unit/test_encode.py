"""Our encoder against upstream's: the same messages of the same batches (3.M4).

The suite runs a sample. `TRADEWISE_BATCHES=100000` runs that many in all, `TRADEWISE_SEED` runs a seed again;
with `pytest -s` the progress is seen.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import Message
from harness import batches
from harness.batches import RESOURCES
from harness.holds import holds
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from tradewise_otel.out.encode import Encoder
from tradewise_otel.out.metrics import metrics_data
from tradewise_otel.out.sdk_objects import Scopes, log_record, readable_span
from tradewise_otel.record.build import Event

BATCHES = int(os.environ.get("TRADEWISE_BATCHES", "6000"))
SEED = int(os.environ.get("TRADEWISE_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
SCOPES = Scopes("1.0")
ENCODER = Encoder(SCOPES)
SCOPE = InstrumentationScope("tradewise_otel", "1.0", "http://schema")

Pair = tuple[Message, Message]


def logs(draw: random.Random) -> Pair:
    """A batch of events by both encoders."""
    batch, resource = [batches.event(draw) for _ in range(draw.randrange(1, 5))], draw.choice(RESOURCES)
    theirs = encode_logs([log_record(item, resource, SCOPES) for item in batch])
    return ExportLogsServiceRequest.FromString(ENCODER.request(map(ENCODER.log, batch), resource)), theirs


def spans(draw: random.Random) -> Pair:
    """A batch of spans by both encoders."""
    batch, resource = [batches.span(draw) for _ in range(draw.randrange(1, 5))], draw.choice(RESOURCES)
    theirs = encode_spans([readable_span(item, resource) for item in batch])
    return ExportTraceServiceRequest.FromString(ENCODER.request(map(ENCODER.span, batch), resource)), theirs


def metrics(draw: random.Random) -> Pair:
    """What was measured, by both encoders."""
    figures, resource = batches.figures(draw), draw.choice(RESOURCES)
    theirs = encode_metrics(metrics_data(figures, resource, SCOPE))
    return ExportMetricsServiceRequest.FromString(ENCODER.metrics(figures, resource, SCOPE)), theirs


@holds("3.M4")
@pytest.mark.parametrize("signal", [logs, spans, metrics])
def test_batches_are_upstreams_messages(
    signal: Callable[[random.Random], Pair], caplog: pytest.LogCaptureFixture
) -> None:
    """Any batch, decoded with opentelemetry-proto, equals what upstream makes of it."""
    count, started = -(-BATCHES // 3), time.monotonic()
    print(f"\n{signal.__name__}: {count} batches, TRADEWISE_SEED={SEED}", flush=True)
    for n in range(count):
        ours, theirs = signal(random.Random(f"{SEED} {signal.__name__} {n}"))
        # By their bytes too: NaN equals nothing, not even itself.
        if _bytes(ours) != _bytes(theirs):
            assert str(ours) == str(theirs), f"TRADEWISE_SEED={SEED}, batch {n}"
            raise AssertionError(f"TRADEWISE_SEED={SEED}, batch {n}: equal only as text")
        if (n + 1) % 2500 == 0:
            print(f"{signal.__name__}: {n + 1} equal after {time.monotonic() - started:.0f} s", flush=True)
    assert not caplog.records, "upstream left something out"


def _bytes(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        (2**70, lambda v: v.string_value == str(2**70)),
        ("\ud800", lambda v: v.string_value == "?"),
        (object, lambda v: v.string_value.startswith("<class")),
        (None, lambda v: v.WhichOneof("value") is None),
    ],
)
def test_values_without_a_form_of_their_own_go_as_text(odd: Any, expected: Callable[[Any], bool]) -> None:
    """A value that OTLP has no form for never costs the batch: it goes as text, or not at all."""
    item = Event(1, "INFO", "m", "app", fields={"odd": [odd]})
    request = ExportLogsServiceRequest.FromString(ENCODER.request([ENCODER.log(item)], RESOURCES[0]))
    record = request.resource_logs[0].scope_logs[0].log_records[0]
    (found,) = (pair.value.array_value.values[0] for pair in record.attributes if pair.key == "odd")
    assert expected(found)
