"""Datadog's preprocessing of a log: which of its attributes become reserved fields, whoever set them.

Datadog reads a log's reserved fields (status, service, host, …) from lists of attribute names, first match
wins. The lists are the defaults of its documentation (preprocessing of JSON logs); an organisation may edit
them. They are why an event attribute that is called `status` or `service` takes the reserved field over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from tradewise_otel.tools.standin import otlp
from tradewise_otel.tools.standin.recording import Request

STATUS = ("status", "severity", "level", "syslog.severity")
SERVICE = ("service", "syslog.appname")
HOST = ("host", "hostname", "syslog.hostname")
MESSAGE = ("message", "msg", "log")
SOURCE = ("ddsource",)
TRACE = ("dd.trace_id", "contextMap.dd.trace_id")
DATE = (
    "@timestamp",
    "timestamp",
    "_timestamp",
    "Timestamp",
    "eventTime",
    "date",
    "published_date",
    "syslog.timestamp",
)

_SYSLOG = ("emerg", "alert", "critical", "error", "warning", "notice", "info", "debug")
_WORDS = {"emerg": "emerg", "err": "error"}
_LETTERS = {"f": "emerg", "a": "alert", "c": "critical", "w": "warning", "n": "notice", "i": "info"}
_MORE_LETTERS = {"d": "debug", "t": "debug", "v": "debug", "o": "ok", "s": "ok"}
_PREFIXES = _WORDS | _LETTERS | _MORE_LETTERS


@dataclass(frozen=True)
class Log:
    """One log.

    Attributes:
        status: as Datadog's search has it: `emerg` … `debug`, or `ok`.
        status_text: the word that `status` was made of.
        timestamp_ms: the official date, unix milliseconds.
        trace_id: 32 hex digits, or "".
        span_id: 16 hex digits, or "".
        attributes: flat, with dotted names; those that became a reserved field are not among them.
        tags: `key:value`.
        via: "otlp" or "exporter".
        request: the number of the request in the recording.
    """

    status: str
    status_text: str
    service: str
    host: str
    source: str
    env: str
    version: str
    message: str
    timestamp_ms: int
    trace_id: str
    span_id: str
    attributes: dict[str, Any]
    tags: tuple[str, ...]
    via: str
    request: int


@dataclass
class RawLog:
    """A log before preprocessing: the reserved fields as the sender gave them, and its attributes."""

    status: str
    service: str
    host: str
    source: str
    message: str
    timestamp_ms: int
    tags: tuple[str, ...]
    attributes: dict[str, Any]


def preprocessed(raw: RawLog, via: str, request: Request) -> Log:
    """What Datadog makes of a log; attributes that become reserved fields leave `raw.attributes`."""
    attributes = raw.attributes
    status = _taken(attributes, STATUS) or raw.status
    tags = raw.tags
    return Log(
        status=normal_status(status),
        status_text=status,
        service=_taken(attributes, SERVICE) or raw.service,
        host=_taken(attributes, HOST) or raw.host,
        source=_taken(attributes, SOURCE) or raw.source,
        env=_tag(tags, "env"),
        version=_tag(tags, "version"),
        message=_taken(attributes, MESSAGE) or raw.message,
        timestamp_ms=milliseconds(_first(attributes, DATE)) or raw.timestamp_ms,
        trace_id=_hex(attributes, ("otel.trace_id", *TRACE), 32),
        span_id=_hex(attributes, ("otel.span_id", "dd.span_id"), 16),
        attributes=attributes,
        tags=tags,
        via=via,
        request=request.number,
    )


def normal_status(word: str) -> str:
    """The status that Datadog's status remapper makes of a word or a syslog number."""
    lowered = word.strip().lower()
    if lowered.isdecimal() and int(lowered) < len(_SYSLOG):
        return _SYSLOG[int(lowered)]
    return next((status for prefix, status in _PREFIXES.items() if lowered.startswith(prefix)), "info")


def _first(attributes: dict[str, Any], names: Iterable[str]) -> Any:
    """Take out the first of these attributes that is there and not empty, and the empty ones before it."""
    found = (attributes.pop(name) for name in names if name in attributes)
    return next((value for value in found if value not in (None, "")), None)


def _taken(attributes: dict[str, Any], names: Iterable[str]) -> str:
    return otlp.text(_first(attributes, names))


def _tag(tags: Iterable[str], key: str) -> str:
    return next((tag.partition(":")[2] for tag in tags if tag.startswith(f"{key}:")), "")


def _hex(attributes: dict[str, Any], names: Iterable[str], digits: int) -> str:
    found = [otlp.text(attributes.pop(name, "")) for name in names]
    # Datadog's own ids are decimal, OpenTelemetry's are hex digits of fixed length.
    written = [
        word if len(word) == digits else f"{int(word):0{digits}x}" for word in found if _is_id(word, digits)
    ]
    return written[0] if written else ""


def _is_id(word: str, digits: int) -> bool:
    return word.isdecimal() or (len(word) == digits and all(char in "0123456789abcdef" for char in word))


def milliseconds(date: Any) -> int:
    """Unix milliseconds of a date that is such a number, or ISO 8601; 0 if it is neither."""
    if isinstance(date, int | float):
        return int(date)
    if isinstance(date, str) and date.isdecimal():
        return int(date)
    try:
        parsed = datetime.fromisoformat(str(date).replace("Z", "+00:00"))
    except ValueError:
        return 0
    return int(parsed.replace(tzinfo=parsed.tzinfo or timezone.utc).timestamp() * 1000)
