"""What the reader of the demo sees: one compact line an event, and the full JSON in a file."""

import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any, TextIO

from tradewise_otel.tools.demo.processes import DemoError

# The few fields that tell one event from the next; a type that is not here shows all it has.
TELLING: dict[str, tuple[str, ...]] = {
    "api_request": ("method", "path", "user_id"),
    "api_response": ("method", "route", "status_code", "response_time_ms", "performance_status", "user_id"),
    "database_operation": ("operation", "table", "duration_ms", "rows_affected", "error_type"),
    "external_api_call": (
        "service",
        "method",
        "api_url",
        "endpoint",
        "status_code",
        "duration_ms",
        "error_type",
    ),
    "bot_connection_test_success": ("api_url", "total_duration_ms", "bot_info"),
    "bot_connection_test_failed": ("api_url", "total_duration_ms", "error_type"),
    "bot_health_check": ("bot_id", "status", "response_time_ms", "consecutive_failures"),
    "business_user_registered": ("user_id", "email", "client_ip"),
    "business_bot_connected": ("bot_id", "api_url", "connection_duration_ms"),
    "business_report_ordered": ("user_id", "report_id"),
    "audit_bot_deleted": ("actor", "action", "target", "outcome"),
    "security_login_failed": ("email", "ip_address", "failure_reason"),
    "security_suspicious_activity": ("activity_type", "call_count", "time_window_seconds", "ip_address"),
    "user_journey_step": ("session_id", "step", "step_sequence", "previous_step"),
    "performance_metric": ("operation", "duration_ms", "status", "error"),
}

# On every line, so they tell nothing here.
COMMON = frozenset(
    {
        *("timestamp", "level", "message", "event_type", "event_id", "logger_name", "source", "exception"),
        *("service", "version", "environment", "emitter", "process_id", "thread_id", "retention_class"),
        *("request_id", "user_id", "tenant_id", "session_id", "trace_id", "span_id"),
        *("sampling.reason", "sampling.weight"),
    }
)

COLOURS = {"WARNING": "\033[33m", "ERROR": "\033[31m", "CRITICAL": "\033[31m"}


class Printer:
    """Takes the backend's stdout line by line: keeps every line, counts events, prints if not quiet."""

    def __init__(self, lines: Path, out: TextIO) -> None:
        self.path = lines
        self.counts: Counter[str] = Counter()
        self.quiet_events = False
        self._nobody_reads = False
        self._file = lines.open("w", encoding="utf-8")
        self._out = out
        self._lock = threading.Lock()
        self._colour = out.isatty()
        self._event_ids: set[str] = set()

    def take(self, line: str) -> None:
        """Handle one line of the backend's stdout; called from the reader's thread."""
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()
        event = self._counted(line)
        if event_id := event.get("event_id"):
            self._event_ids.add(event_id)
        if not self.quiet_events:
            self.say(self._painted(event) if event else line)

    def show(self, line: str) -> None:
        """Count and print a line that another command printed."""
        event = self._counted(line)
        self.say(self._painted(event) if event else line)

    def _counted(self, line: str) -> dict[str, Any]:
        event = _parsed(line)
        if event_type := event.get("event_type"):
            self.counts[event_type] += 1
        return event

    def say(self, text: str = "") -> None:
        """Print a line, whole, also when another thread prints."""
        with self._lock:
            try:
                if not self._nobody_reads:
                    print(text, file=self._out, flush=True)
            except BrokenPipeError:
                # `demo | head`: the reader's thread goes on, so that the backend never blocks on a full
                # pipe, and the demo ends the next time it has something to say itself.
                self._nobody_reads = True
        if self._nobody_reads and threading.current_thread() is threading.main_thread():
            raise DemoError("nobody reads the output any more")

    def event_ids(self) -> set[str]:
        """The ids seen so far and since the last call."""
        ids, self._event_ids = self._event_ids, set()
        return ids

    def _painted(self, event: dict[str, Any]) -> str:
        colour = COLOURS.get(str(event.get("level")), "") if self._colour else ""
        return f"{colour}{compact(event)}\033[0m" if colour else compact(event)


def compact(event: dict[str, Any]) -> str:
    """Show an event in one line: `12:00:00.123 api_response  method=GET route=/api/v1/bots …`."""
    time = str(event.get("timestamp", ""))[11:23]
    event_type = event.get("event_type")
    names = TELLING.get(event_type) if event_type else None
    shown = {name: event[name] for name in names or event if name in event and (names or name not in COMMON)}
    text = " ".join(f"{name}={_short(value)}" for name, value in shown.items())
    if not event_type:
        text = f"{event.get('level')} {_first_line(event.get('message'))} {text}"
    return f"{time:12} {event_type or '(log line)':28} {text}".rstrip()


def _parsed(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return text if len(text) <= 60 else text[:57] + "..."


def _first_line(message: object) -> str:
    return str(message).partition("\n")[0][:100]
