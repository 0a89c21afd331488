"""What the stand-in answers: Datadog's paths, its key check, its limits; and everything is recorded."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import threading
from pathlib import Path

import pytest
from intake_wire import ask, log_request, metric_request, span_request
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    NumberDataPoint,
    Sum,
)

from tradewise_otel.tools.standin.server import StandIn

CUMULATIVE, DELTA = 2, 1
JSON_PATHS = (
    "/intake",
    "/intake/",
    "/api/v2/logs",
    "/api/v0.2/traces",
    "/api/v0.2/stats",
    "/api/v2/series",
    "/api/beta/sketches",
    "/api/v1/check_run",
)


def random_text(size: int) -> str:
    """Text that hardly compresses."""
    return os.urandom(size // 2).hex()


def statuses(standin: StandIn) -> list[int]:
    """What the recording says was answered."""
    return [request.status for request in standin.recording.requests()]


@pytest.mark.parametrize("path", JSON_PATHS)
def test_exporter_paths_are_accepted(standin: StandIn, path: str) -> None:
    """Every path that the exporter uses answers 202, as Datadog does."""
    assert ask(standin, path).status == 202
    assert statuses(standin) == [202]


@pytest.mark.parametrize("path", ["/v1/logs", "/v1/traces", "/v1/metrics", "/api/v2/otlpmetrics"])
def test_otlp_paths_answer_an_empty_message(standin: StandIn, path: str) -> None:
    """An OTLP request gets 200 and a protobuf response that reports nothing."""
    reply = ask(standin, path, b"", {"content-type": "application/x-protobuf"})
    assert (reply.status, reply.headers["content-type"]) == (200, "application/x-protobuf")
    assert ExportLogsServiceResponse.FromString(reply.body) == ExportLogsServiceResponse()


def test_unknown_paths_are_404_and_recorded(standin: StandIn) -> None:
    """A path that Datadog does not have is refused, and still seen by who reads the recording."""
    assert ask(standin, "/api/v3/logs").status == 404
    assert ask(standin, "/api/v2/logs", None).status == 404
    assert statuses(standin) == [404, 404]


def test_a_key_that_is_not_ours_is_403(tmp_path: Path) -> None:
    """With a key set, a wrong or missing one is refused on every path, and the right one is let in."""
    with StandIn(tmp_path, api_key="right-key") as standin:
        for key, accepted, valid in (("right-key", 202, 200), ("wrong-key", 403, 403), ("", 403, 403)):
            headers = {"DD-Api-Key": key} if key else {}
            assert ask(standin, "/api/v2/logs", b"[]", headers).status == accepted
            assert ask(standin, "/api/v1/validate", None, headers).status == valid
            assert ask(standin, f"/api/v1/validate?api_key={key}", None).status == valid
        assert ask(standin, "/api/v2/logs?api_key=right-key", b"[]").status == 403


def test_validation_says_valid(standin: StandIn) -> None:
    """The key check answers the JSON that the exporter looks for."""
    assert json.loads(ask(standin, "/api/v1/validate", None).body) == {"valid": True}


@pytest.mark.parametrize(
    ("path", "fits", "too_big"),
    [
        (
            "/v1/logs",
            log_request({"a": "x" * 5_340_000}),
            log_request({"a": "x" * 5_350_000}),
        ),
        (
            "/v1/traces",
            span_request({"a": "x" * 15_700_000}),
            span_request({"a": "x" * 15_730_000}),
        ),
        ("/api/v2/logs", b'["' + b"x" * 4_999_990 + b'"]', b'["' + b"x" * 5_000_000 + b'"]'),
        ("/api/v2/logs", json.dumps([{}] * 1000).encode(), json.dumps([{}] * 1001).encode()),
    ],
    ids=["otlp logs", "otlp traces", "logs bytes", "logs items"],
)
def test_limits_count_what_is_unpacked(standin: StandIn, path: str, fits: bytes, too_big: bytes) -> None:
    """Logs and traces over Datadog's limit are 413 however well they compress; those under it are taken."""
    packed = {"content-encoding": "gzip"}
    assert ask(standin, path, gzip.compress(fits, 1), packed).status in (200, 202)
    assert ask(standin, path, gzip.compress(too_big, 1), packed).status == 413


def test_the_metrics_limit_counts_what_is_packed(standin: StandIn) -> None:
    """A metrics request is measured as sent: 600 kB that pack to little pass, 530 kB that do not are 413."""
    packed = {"content-encoding": "gzip"}
    regular = metric_request("m" * 600_000, gauge=Gauge())
    assert ask(standin, "/v1/metrics", regular).status == 413
    assert ask(standin, "/v1/metrics", gzip.compress(regular), packed).status == 200
    assert ask(standin, "/v1/metrics", metric_request(random_text(530_000), gauge=Gauge())).status == 413


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"sum": Sum(aggregation_temporality=CUMULATIVE, is_monotonic=True)}, 400),
        ({"histogram": Histogram(aggregation_temporality=CUMULATIVE)}, 400),
        ({"exponential_histogram": ExponentialHistogram(aggregation_temporality=CUMULATIVE)}, 400),
        ({"sum": Sum(aggregation_temporality=CUMULATIVE, is_monotonic=False)}, 200),
        ({"sum": Sum(aggregation_temporality=DELTA, data_points=[NumberDataPoint(as_int=1)])}, 200),
        ({"histogram": Histogram(aggregation_temporality=DELTA, data_points=[HistogramDataPoint()])}, 200),
        (
            {
                "exponential_histogram": ExponentialHistogram(
                    aggregation_temporality=DELTA, data_points=[ExponentialHistogramDataPoint()]
                )
            },
            200,
        ),
        ({"gauge": Gauge()}, 200),
    ],
)
def test_cumulative_metrics_are_refused(standin: StandIn, data: dict[str, object], status: int) -> None:
    """The OTLP metrics intake takes delta only; an up-down counter and a gauge have no delta and pass."""
    assert ask(standin, "/v1/metrics", metric_request("m", **data)).status == status


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/v1/logs", b"not protobuf", {}, 400),
        ("/v1/logs", b"{}", {"content-type": "application/json"}, 415),
        ("/api/v2/logs", b"{not json", {}, 400),
        ("/api/v2/series", b"not gzip", {"content-encoding": "gzip"}, 400),
    ],
)
def test_unreadable_bodies_are_refused(
    standin: StandIn, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    """What is not what its path or its headers say is a 4xx, not a broken connection."""
    assert ask(standin, path, body, headers).status == status


def test_connections_are_kept_and_chunks_are_read(standin: StandIn) -> None:
    """Several requests go over one connection, with a length and in chunks, each recorded whole."""
    connection = http.client.HTTPConnection("127.0.0.1", standin.port, timeout=5)
    for body in (b"[]", iter([b"[1,", b"2]"]), b"[]"):
        connection.request("POST", "/api/v2/logs", body, encode_chunked=not isinstance(body, bytes))
        assert connection.getresponse().read() == b"{}"
        socket = connection.sock
        assert socket is not None
    connection.close()
    assert [request.body() for request in standin.recording.requests()] == [b"[]", b"[1,2]", b"[]"]


def test_nothing_is_lost_under_eight_senders(standin: StandIn) -> None:
    """8 threads with 200 requests each: 1600 answers, and 1600 recorded requests with their own bodies."""
    got: list[int] = []

    def send(sender: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", standin.port, timeout=20)
        for number in range(200):
            connection.request("POST", "/api/v2/logs", json.dumps([{"message": f"{sender}-{number}"}]))
            answer = connection.getresponse()
            answer.read()
            got.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent = {f"{sender}-{number}" for sender in range(8) for number in range(200)}
    assert got == [202] * 1600
    recorded = [json.loads(request.body())[0]["message"] for request in standin.recording.requests()]
    assert len(recorded) == 1600
    assert set(recorded) == sent
