"""Odd ways to stdout: pieces, bytes, printed JSON, queue listeners, `extra=` with the envelope's names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.holds import holds
from harness.lines import assert_documented, assert_once_on_both_roads
from harness.script import Ended, run_script
from harness.sink import Sink

PIECES = """
import sys
print("one\\ntwo\\n\\nthree")
print("a", end="")
print("b", end=" ")
print("c")
sys.stdout.buffer.write(b"bytes \\xc3\\xa9\\n")
sys.stdout.buffer.flush()
sys.stdout.writelines(["w1\\n", "w2\\n"])
print("last, unfinished", end="")
"""
QUEUE = """
import logging, queue, sys
from logging.handlers import QueueHandler, QueueListener
lines = queue.Queue()
root = logging.getLogger()
root.setLevel(logging.INFO)
root.addHandler(QueueHandler(lines))
listener = QueueListener(lines, logging.StreamHandler(sys.stdout), logging.StreamHandler())
listener.start()
for number in range(20):
    root.info("queued %s", number)
try:
    1 / 0
except ZeroDivisionError:
    root.exception("queued error")
listener.stop()
"""
RESERVED = """
import logging
logging.getLogger("app").warning("reserved", extra={
    "level": "loud", "timestamp": "noon", "service": "mine", "source": "there", "trace_id": "t", "span_id": 7,
    "event_id": "e", "environment": ["x"], "version": 3, "logger_name": "n", "exception": "oops",
    "process_id": "p", "thread_id": "th", "emitter": "em", "retention_class": "forever",
    "sampling.reason": "because", "sampling.weight": "heavy", "logger.name": "ln", "thread.id": "ti",
})
"""
OBJECT = """
import json
print(json.dumps({"event": "placed", "level": "warning", "logger": "orders", "timestamp": "noon",
                  "name": "bob", "filename": "a.csv", "args": [1], "module": "m", "process": 12, "_hint": 1,
                  "nothing": None, "deep": {"x": [1, {"y": 2}]}}))
print('{"message": "told", "event": "also this", "event_type": "business_order_placed", "tenant_id": "t1"}')
print("{'not': 'json'}")
print("[1, 2]")
"""
STREAM_USES = """
import codecs, contextlib, io, sys
sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
assert sys.stdout.name == "<stdout>" and sys.stdout.mode == "w" and sys.stdout.line_buffering
assert sys.stdout.fileno() == 1 and not sys.stdout.isatty() and sys.stdout.encoding.lower() == "utf-8"
assert sys.stdout.writable() and not sys.stdout.readable() and not sys.stdout.closed
with contextlib.redirect_stdout(io.StringIO()) as inner:
    print("captured")
assert inner.getvalue() == "captured\\n"
codecs.getwriter("utf-8")(sys.stdout.buffer).write("coded\\n")
try:
    sys.stdout.write(b"bytes")
except TypeError:
    print("refused")
again = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", write_through=True)
again.write("rewrapped\\n")
sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding="utf-8", line_buffering=True)
print("detached")
"""


def _run(tmp_path: Path, source: str, sink: Sink) -> Ended:
    ended = run_script(tmp_path, source, {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url})
    assert ended.code == 0, ended.stderr
    assert_documented(ended.lines)
    assert_once_on_both_roads(ended.lines, sink.logs)
    return ended


def _one(items: list[dict[str, Any]], key: str, value: str) -> dict[str, Any]:
    (item,) = [item for item in items if item[key] == value]
    return item


@holds("1.M1")
def test_prints_in_pieces_are_whole_lines(tmp_path: Path, sink: Sink) -> None:
    """Each printed line is one event, however it was written, the last unfinished one too."""
    messages = [line["message"] for line in _run(tmp_path, PIECES, sink).lines]
    assert messages == ["one", "two", "three", "ab c", "bytes é", "w1", "w2", "last, unfinished"]


@holds("1.M1")
def test_a_queue_listener_brings_nothing_twice(tmp_path: Path, sink: Sink) -> None:
    """Records that a QueueListener hands to stream handlers in another thread are still one line each."""
    lines = _run(tmp_path, QUEUE, sink).lines
    assert [line["message"] for line in lines] == [*(f"queued {n}" for n in range(20)), "queued error"]
    assert lines[-1]["exception"]["type"] == "ZeroDivisionError"


@holds("1.M1")
def test_extra_with_the_envelopes_names_loses_nothing(tmp_path: Path, sink: Sink) -> None:
    """`extra=` under names of the envelope stands beside it as `extra.NAME`, on both roads."""
    (line,) = _run(tmp_path, RESERVED, sink).lines
    (record,) = sink.logs
    assert (line["level"], line["logger_name"], line["service"]) == ("WARNING", "app", "tradewise-backend")
    assert (record["sampling.reason"], record["logger.name"]) == ("severity", "app")
    given = {"level": "loud", "timestamp": "noon", "service": "mine", "source": "there", "trace_id": "t"}
    given |= {"span_id": 7, "event_id": "e", "environment": ["x"], "version": 3, "logger_name": "n"}
    given |= {"exception": "oops", "process_id": "p", "thread_id": "th", "emitter": "em"}
    given |= {"retention_class": "forever", "sampling.reason": "because", "sampling.weight": "heavy"}
    given |= {"logger.name": "ln", "thread.id": "ti"}
    for name, value in given.items():
        assert line[f"extra.{name}"] == record[f"extra.{name}"] == value, name


@holds("1.M1")
def test_printed_objects_become_the_events_they_describe(tmp_path: Path, sink: Sink) -> None:
    """A printed JSON object is one event with its level, text and every field; lookalikes are text."""
    lines = _run(tmp_path, OBJECT, sink).lines
    placed = _one(lines, "message", "placed")
    assert (placed["level"], placed["logger_name"]) == ("WARNING", "orders")
    assert (placed["name"], placed["filename"], placed["args"]) == ("bob", "a.csv", [1])
    assert (placed["module"], placed["process"], placed["deep"]) == ("m", 12, {"x": [1, {"y": 2}]})
    told = _one(lines, "message", "also this")
    assert (told["event_type"], told["extra.message"]) == ("business_order_placed", "told")
    assert told["tenant_id"] == "t1"
    assert {"{'not': 'json'}", "[1, 2]"} <= {line["message"] for line in lines}


@holds("1.M1")
def test_stdout_can_be_used_as_the_real_one(tmp_path: Path, sink: Sink) -> None:
    """Reconfiguring, rewrapping and redirecting stdout work as bare, and what is printed is still lines."""
    messages = [line["message"] for line in _run(tmp_path, STREAM_USES, sink).lines]
    assert messages == ["coded", "refused", "rewrapped", "detached"]
    bare = run_script(tmp_path / "bare", STREAM_USES, launcher=False)
    assert bare.code == 0, bare.stderr
