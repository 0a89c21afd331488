"""What nobody should send is refused or redacted; the Collector stays up and its memory bounded."""

from __future__ import annotations

import base64
import random
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from harness.holds import holds
from harness.traffic import eventually
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from otlp_wire import raw, records

from tradewise_otel.catalogue.sensitive import MASK
from tradewise_otel.tools.collector.process import CollectorProcess

SECRET = "Hunter2Hunter2"
MEMORY_MIB = 700
FUZZED = 400


def _field(number: int, content: bytes) -> bytes:
    """A field of a protobuf message, by hand: Python's library refuses what is nested deeply."""
    length, left = b"", len(content)
    while left > 127:
        length, left = length + bytes([left & 127 | 128]), left >> 7
    return bytes([number << 3 | 2]) + length + bytes([left]) + content


def _batch(record: LogRecord | bytes) -> bytes:
    content = record if isinstance(record, bytes) else record.SerializeToString()
    # LogsData.resource_logs, ResourceLogs.scope_logs, ScopeLogs.log_records
    return _field(1, _field(2, _field(2, content)))


def _send(collector: CollectorProcess, body: bytes) -> int:
    """The status of the answer; 0 where the door was shut before all was said."""
    headers = {"Content-Type": "application/x-protobuf"}
    request = urllib.request.Request(f"{collector.http}/v1/logs", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except urllib.error.URLError:
        return 0


def _nested(depth: int) -> bytes:
    """A record whose body is a map in a map in a map."""
    value = AnyValue(string_value=f"password={SECRET}").SerializeToString()
    for _ in range(depth):
        # AnyValue.kvlist_value, KeyValueList.values, KeyValue.key and value
        value = _field(6, _field(1, _field(1, b"m") + _field(2, value)))
    return _field(5, value)


def _attributes(count: int) -> list[KeyValue]:
    text = AnyValue(string_value=f"password={SECRET}")
    return [KeyValue(key=f"name {number} token={SECRET}", value=text) for number in range(count)]


def _peak_mib(collector: CollectorProcess) -> int:
    lines = Path(f"/proc/{collector.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


@holds("5.M6")
@pytest.mark.parametrize(
    "record",
    [
        pytest.param(_nested(20), id="deep"),
        pytest.param(_nested(1_000), id="too deep"),
        pytest.param(LogRecord(attributes=_attributes(100_000)), id="100,000 attributes"),
        pytest.param(LogRecord(body=AnyValue(string_value="password=" + SECRET * 100_000)), id="long value"),
        pytest.param(
            LogRecord(body=AnyValue(string_value=f"password={SECRET} " * 50_000)), id="many secrets"
        ),
        pytest.param(
            LogRecord(body=AnyValue(bytes_value=b"\xff\x00 password=" + SECRET.encode())), id="bytes"
        ),
    ],
)
def test_what_is_too_much_is_redacted(collector: CollectorProcess, record: LogRecord | bytes) -> None:
    """Depth, width and length are taken, and no secret in them gets through."""
    assert _send(collector, _batch(record)) == 200
    records(collector.data, "logs", 1, timeout=60)
    written = raw(collector.data, "logs")
    assert SECRET not in written
    assert MASK in written or base64.b64encode(MASK.encode()[:12]).decode() in written
    assert _peak_mib(collector) < MEMORY_MIB


@holds("5.M6")
def test_text_that_is_no_utf8(collector: CollectorProcess) -> None:
    """Text with broken letters is redacted like any other, or refused."""
    body = _batch(LogRecord(body=AnyValue(string_value=f"XX password={SECRET} XX")))
    if _send(collector, body.replace(b"XX", b"\xc3\xff")) == 200:
        path = collector.data / "logs.jsonl"
        written = eventually(lambda: path.exists() and path.read_bytes())
        assert SECRET.encode() not in written
        assert MASK.encode() in written


@holds("5.M6")
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(_batch(LogRecord(body=AnyValue(string_value="a" * 50_000_000))), id="50 MB"),
        pytest.param(b"\x0a\x05\x0a\xff\xff\xff\x7f", id="cut"),
    ],
)
def test_what_cannot_be_taken_is_refused(collector: CollectorProcess, body: bytes) -> None:
    """A request over the door's limit, or that is none, is refused; the next one is served."""
    assert _send(collector, body) in (0, 400, 413)
    assert _send(collector, _batch(LogRecord(body=AnyValue(string_value="a line")))) == 200
    records(collector.data, "logs", 1)
    assert _peak_mib(collector) < MEMORY_MIB


@holds("5.M6")
def test_fuzzed_requests(collector: CollectorProcess) -> None:
    """Requests with bytes changed at random are refused or redacted; the Collector goes on."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    rest = LogRecord(attributes=_attributes(5), event_name="an event")
    whole = _batch(_nested(3) + rest.SerializeToString())
    for _ in range(FUZZED):
        body = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            body[dice.randrange(len(body))] = dice.randrange(256)
        assert _send(collector, bytes(body)) in (200, 400)
    assert _send(collector, _batch(LogRecord(body=AnyValue(string_value="the end")))) == 200
    assert _peak_mib(collector) < MEMORY_MIB
