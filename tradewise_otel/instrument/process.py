"""The process itself: stray prints, uncaught exceptions, SIGTERM and exit.

Every line on stdout has the documented form; what an app prints, and what ends it, included.
"""

from __future__ import annotations

import atexit
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

import orjson

from tradewise_otel.instrument.printed import PrintedLines
from tradewise_otel.instrument.runtime import Runtime
from tradewise_otel.pipeline import shield
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


class ProcessEvents:
    """Hooks of one process. `shutdown` is called once at SIGTERM or exit, with nothing to wait for after."""

    def __init__(self, runtime: Runtime, shutdown: Callable[[], None]) -> None:
        self._sink = runtime.sink
        self._ledger = runtime.ledger
        self._shutdown = shutdown
        self._stdout: PrintedLines | None = None
        self._finishing = False

    def install(self) -> None:
        """Puts all hooks in place."""
        self._wrap_stdout()
        self._hook_warnings()
        self._hook_exceptions()
        atexit.register(self._ledger.shielded("exit", self.finish, None))
        if threading.current_thread() is threading.main_thread():
            self._hook_sigterm()

    def _wrap_stdout(self) -> None:
        if sys.stdout is None:
            return
        say = self._ledger.shielded("printed line", self.printed, None)
        self._stdout = sys.stdout = PrintedLines(sys.stdout, say, self._ledger)

    def _hook_warnings(self) -> None:
        # Not `logging.captureWarnings`: the app's file handlers would hear what they never heard.
        previous = warnings.showwarning
        tell = self._ledger.shielded("warning", self.warned, False)
        warnings.showwarning = shield.then(tell, previous)

    def _hook_exceptions(self) -> None:
        previous, previous_thread = sys.excepthook, threading.excepthook
        # Python's own hooks would print on stderr what redaction has not seen; the line takes their place.
        if previous is sys.__excepthook__:
            previous = shield.print_if_no_error
        if previous_thread is threading.__excepthook__:
            previous_thread = shield.say_nothing
        shielded = self._ledger.shielded
        sys.excepthook = shield.then(shielded("uncaught exception", self._ended_by, None), previous)
        threading.excepthook = shield.then(
            shielded("uncaught exception", self._thread_ended_by, None), previous_thread
        )

    def _hook_sigterm(self) -> None:
        previous = signal.getsignal(signal.SIGTERM)
        if previous in (signal.SIG_IGN, None):
            # The process outlives the signal, so nothing may be closed by it.
            return

        # A supervisor and an init system both signal: the second must not cut off the first.
        first = self._ledger.shielded("SIGTERM", self._finish_once, True)
        chained = previous if callable(previous) else shield.die_of
        signal.signal(signal.SIGTERM, shield.then(first, chained))
        dying = shield.then(first, shield.die_of)
        signal.signal = shield.keeping(signal.signal, dying)  # type: ignore[assignment]

    def _finish_once(self, number: int, frame: FrameType | None) -> bool:
        if self._finishing:
            return False
        self.finish()
        return True

    def finish(self) -> None:
        """Last lines out, queues sent. Does no harm when called again."""
        self._finishing = True
        try:
            if self._stdout is not None:
                self._stdout.finish()
            self._shutdown()
        finally:
            self._finishing = False

    def after_fork(self) -> None:
        """A forked child prints under its own lock, and ends in its own way."""
        self._finishing = False
        if self._stdout is not None:
            self._stdout.after_fork()
        util: Any = sys.modules.get("multiprocessing.util")
        if util is not None:
            # Its children leave by `os._exit`, past `atexit`, and forget the finalizers of their parent.
            util.register_after_fork(self, _finish_by_finalizer)

    def warned(
        self, message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None
    ) -> bool:
        """A warning of `warnings.warn`; False unless it goes to a file that the caller names."""
        if file is not None:
            return True
        text = warnings.formatwarning(message, category, filename, lineno, line)
        event = self._event("WARNING", text, "py.warnings")
        event.source = (filename, lineno, "")
        self._sink.emit(event)
        return False

    def _ended_by(self, kind: type[BaseException], value: BaseException, tb: TracebackType | None) -> None:
        if issubclass(kind, Exception):
            self.uncaught("uncaught exception", (kind, value, tb))

    def _thread_ended_by(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not SystemExit:
            name = args.thread.name if args.thread else "?"
            self.uncaught(
                f"uncaught exception in thread {name}", (args.exc_type, args.exc_value, args.exc_traceback)
            )

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
        level = _level(document.pop("level", None))
        message = _pop_text(document, ("event", "message", "msg")) or line
        logger_name = _pop_text(document, ("logger_name", "logger")) or "stdout"
        # The line has a time of its own.
        document.pop("timestamp", None)
        event = self._event(level, message, logger_name)
        event.fields, event.event_type = extra_of(document)
        self._sink.emit(event)

    def _event(self, level: Any, message: str, logger_name: str) -> Event:
        event = automatic(None, level, message, {}, span_context(), living_request())
        event.logger_name = logger_name
        return event


def _finish_by_finalizer(events: ProcessEvents) -> None:
    sys.modules["multiprocessing.util"].Finalize(None, events.finish, exitpriority=-100)


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


def _pop_text(document: dict[str, Any], names: tuple[str, ...]) -> str | None:
    """Takes the first of `names` that says something; the others stay as they are."""
    return next((str(document.pop(name)) for name in names if document.get(name)), None)
