"""The documented JSON line: its keys in their order, and the one place that writes to stdout."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any

import orjson

from tradewise_otel.record.build import Event

_MILLISECONDS = [f".{number:03d}Z" for number in range(1000)]
_COLOURS = {"DEBUG": "90", "INFO": "36", "WARNING": "33", "ERROR": "31", "CRITICAL": "41"}


class Lines:
    """Turns redacted events into lines of one service.

    Args:
        service, version, environment: the resource's; `version` is absent from the lines when empty.
        console: readable text in place of JSON, for people.
    """

    def __init__(self, service: str, version: str, environment: str, console: bool = False) -> None:
        self._service = service
        self._version = version
        self._environment = environment
        self.are_json = not console
        self._colour = console and _is_terminal()
        self._second = (0, "")

    def document(self, event: Event) -> dict[str, Any]:
        """The line as a dict (contract 1); absent is absent, not null."""
        line = {
            "timestamp": self.clock(event),
            **self.head(event),
            "message": event.message,
            **self.who(event),
            "process_id": os.getpid(),
            "thread_id": event.thread_id,
            "event_id": event.event_id,
            **event.fields,
        }
        if event.exception is not None:
            line["exception"] = {
                "type": event.exception.type,
                "message": event.exception.message,
                "traceback": event.exception.traceback,
            }
        return line

    def head(self, event: Event) -> dict[str, Any]:
        """What lines from one place in the code have in common."""
        head: dict[str, Any] = {"level": event.level, "logger_name": event.logger_name}
        # Only `external_api_call` brings a service: the document makes it the called one there.
        head["emitter" if "service" in event.fields else "service"] = self._service
        if self._version:
            head["version"] = self._version
        head["environment"] = self._environment
        if event.event_type is not None:
            head["event_type"] = event.event_type
        if event.source is not None:
            head["source"] = dict(zip(("file", "line", "function"), event.source, strict=True))
        return head

    def who(self, event: Event) -> dict[str, Any]:
        """Who was asking, and the span in which it happened, as far as known."""
        if not event.trace_id:
            return event.identity
        return {
            **event.identity,
            "trace_id": f"{event.trace_id:032x}",
            "span_id": f"{event.span_id:016x}",
        }

    def text(self, event: Event, document: bytes) -> bytes:
        """What is written for an event whose JSON is `document`."""
        if self.are_json:
            return document + b"\n"
        fields = " ".join(f"{key}={value}" for key, value in event.fields.items())
        clock = self.clock(event)[11:23]
        level = f"\x1b[{_COLOURS[event.level]}m{event.level}\x1b[0m" if self._colour else event.level
        kind = f" [{event.event_type}]" if event.event_type else ""
        trace = "".join(event.exception.traceback) if event.exception else ""
        text = f"{clock} {level:<8} {event.logger_name}{kind} {event.message} {fields}".rstrip()
        return f"{text}\n{trace}".encode(errors="replace")

    def stamped(self, line: bytes, reason: str, weight: float) -> bytes:
        """A JSON line with the verdict in it: the stdout road, where the line is the record."""
        verdict = serialise({"sampling.reason": reason, "sampling.weight": weight})
        return b"%b,%b\n" % (line[:-2], verdict[1:])

    def clock(self, event: Event) -> str:
        """The event's time as lines show it."""
        second, millisecond = divmod(event.timestamp_ns // 1_000_000, 1000)
        known, text = self._second
        if second != known:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = (second, text)
        return text + _MILLISECONDS[millisecond]


def serialise(document: dict[str, Any]) -> bytes:
    """JSON bytes. What orjson refuses (lone surrogates, integers beyond 64 bits) goes the slow way."""
    try:
        return orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError):
        return json.dumps(document, default=str, ensure_ascii=True).encode()


class Writer:
    """Writes whole lines to the real stdout, below any wrapper on `sys.stdout`.

    One `write` a line; the lock is re-entrant because a signal handler may log while a line is written.
    """

    reason = "stdout_failed"

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.after_fork()

    def after_fork(self) -> None:
        """The parent's lock may have been held by a thread that the child does not have."""
        self._lock = threading.RLock()

    def write(self, line: bytes) -> None:
        """Blocks as `print` would; a closed stdout is the app's business and ends nothing."""
        with self._lock:
            while line:
                try:
                    line = line[os.write(self._descriptor, line) :]
                except BlockingIOError:
                    # A non-blocking pipe that is full, as some process managers hand out.
                    time.sleep(0.001)


def _is_terminal() -> bool:
    stdout = sys.__stdout__
    try:
        return stdout is not None and stdout.isatty()
    except ValueError:
        return False
