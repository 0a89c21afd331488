"""The process itself: stray prints, uncaught exceptions, SIGTERM and exit.

Every line on stdout has the documented form; what an app prints, and what ends it, included.
"""

from __future__ import annotations

import atexit
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from types import FrameType, TracebackType
from typing import Any

import orjson

from tradewise_otel.instrument.runtime import Runtime
from tradewise_otel.record.build import (
    SEVERITY,
    Event,
    automatic,
    exception_of,
    extra_of,
    level_of,
    living_request,
    span_context,
)

_MAX_PARTIAL_LINE = 1 << 20


class PrintedLines(io.TextIOBase):
    """A text stream in the place of `sys.stdout` that makes an event of every printed line.

    A line that is a JSON object (structlog and friends) becomes the event it describes.
    """

    def __init__(self, original: Any, say: Callable[[str], None]) -> None:
        super().__init__()
        self._original = original
        self._say = say
        self._partial = ""
        self._lock = threading.RLock()
        self.buffer = _PrintedBytes(self)

    def write(self, text: str) -> int:
        """Takes text; whole lines leave at once, a rest waits for its end."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        with self._lock:
            *lines, self._partial = (self._partial + text).split("\n")
            if len(self._partial) > _MAX_PARTIAL_LINE:
                lines, self._partial = [*lines, self._partial], ""
        for line in lines:
            if line.strip():
                self._say(line.rstrip("\r"))
        return len(text)

    def writelines(self, lines: Iterable[Any]) -> None:
        """As `write`, one after the other."""
        for line in lines:
            self.write(line)

    def finish(self) -> None:
        """Lets an unfinished line go, at exit."""
        if self._partial:
            self.write("\n")

    def after_fork(self) -> None:
        """The parent's unfinished line is the parent's."""
        self._lock, self._partial = threading.RLock(), ""

    def flush(self) -> None:
        """Nothing is kept but unfinished lines."""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return bool(self._original.isatty())

    def fileno(self) -> int:
        return int(self._original.fileno())

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(self._original.encoding)

    @property
    def errors(self) -> str:  # type: ignore[override]
        return str(self._original.errors)


class _PrintedBytes(io.RawIOBase):
    """`sys.stdout.buffer` for those who print bytes."""

    def __init__(self, text: PrintedLines) -> None:
        super().__init__()
        self._text = text

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._text.write(bytes(data).decode("utf-8", errors="replace"))
        return len(data)


class ProcessEvents:
    """Hooks of one process. `shutdown` is called once at SIGTERM or exit, with nothing to wait for after."""

    def __init__(self, runtime: Runtime, shutdown: Callable[[], None]) -> None:
        self._sink = runtime.sink
        self._ledger = runtime.ledger
        self._shutdown = shutdown
        self._stdout: PrintedLines | None = None

    def install(self) -> None:
        """Puts all hooks in place."""
        self._wrap_stdout()
        self._hook_exceptions()
        atexit.register(self.finish)
        if threading.current_thread() is threading.main_thread():
            self._hook_sigterm()

    def _wrap_stdout(self) -> None:
        if sys.stdout is None:
            return
        say = self._ledger.shielded("printed line", self.printed, None)
        self._stdout = sys.stdout = PrintedLines(sys.stdout, say)

    def _hook_exceptions(self) -> None:
        previous, previous_thread = sys.excepthook, threading.excepthook
        tell = self._ledger.shielded("uncaught exception", self.uncaught, None)

        def hook(kind: type[BaseException], value: BaseException, tb: TracebackType | None) -> None:
            if issubclass(kind, Exception):
                tell("uncaught exception", (kind, value, tb))
            previous(kind, value, tb)

        def thread_hook(args: threading.ExceptHookArgs) -> None:
            if args.exc_type is not SystemExit:
                name = args.thread.name if args.thread else "?"
                tell(
                    f"uncaught exception in thread {name}",
                    (args.exc_type, args.exc_value, args.exc_traceback),
                )
            previous_thread(args)

        sys.excepthook, threading.excepthook = hook, thread_hook

    def _hook_sigterm(self) -> None:
        previous = signal.getsignal(signal.SIGTERM)

        def on_term(number: int, frame: FrameType | None) -> None:
            self.finish()
            if callable(previous):
                previous(number, frame)
            elif previous == signal.SIG_DFL:
                # Die of the signal itself, so that the exit code is what it would have been.
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                os.kill(os.getpid(), signal.SIGTERM)

        signal.signal(signal.SIGTERM, on_term)

    def finish(self) -> None:
        """Last lines out, queues sent. Does no harm when called again."""
        if self._stdout is not None:
            self._stdout.finish()
        self._shutdown()

    def after_fork(self) -> None:
        """A forked child prints under its own lock."""
        if self._stdout is not None:
            self._stdout.after_fork()

    def uncaught(self, message: str, exc_info: Any) -> None:
        """An exception that ends the process or a thread."""
        event = self._event("ERROR", message, "exceptions")
        event.exception = exception_of(exc_info)
        self._sink.emit(event)

    def printed(self, line: str) -> None:
        """A line that somebody printed."""
        document = _object(line)
        if document is None:
            self._sink.emit(self._event("INFO", line, "stdout"))
            return
        fields, event_type = extra_of(document)
        message = str(fields.pop("event", None) or document.get("message") or document.get("msg") or line)
        level = _level(document.get("level"))
        event = self._event(
            level, message, str(document.get("logger_name") or document.get("logger") or "stdout")
        )
        event.fields, event.event_type = _without_envelope(fields), event_type
        self._sink.emit(event)

    def _event(self, level: Any, message: str, logger_name: str) -> Event:
        event = automatic("", level, message, {}, span_context(), living_request(), time.time_ns())
        event.event_type, event.logger_name = None, logger_name
        return event


def _object(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        document = orjson.loads(line)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _level(name: object) -> Any:
    if isinstance(name, int):
        return level_of(name)
    upper = {"WARN": "WARNING", "FATAL": "CRITICAL"}.get(str(name).upper(), str(name).upper())
    return upper if upper in SEVERITY else "INFO"


def _without_envelope(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields of a printed object less what the line says itself: its own time, level, logger and text."""
    own = ("extra.timestamp", "extra.level", "extra.logger_name", "extra.message", "logger", "level", "msg")
    return {name: value for name, value in fields.items() if name not in own}
