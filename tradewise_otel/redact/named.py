"""Values beside sensitive names inside text: `password=…`, `"token": "…"`, `X-Api-Key: …`.

One scan finds names with a sensitive stem; only where the whole name is sensitive are the forms that
a value can take tried, anchored there, so that hostile text stays linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tradewise_otel.catalogue.sensitive import (
    INNOCENT,
    LAST_WORDS,
    MASK,
    MATCHES_LIMIT,
    NAMED_HEAD,
    PROSE,
    RULES,
)
from tradewise_otel.redact import keys
from tradewise_otel.redact.engine import Span, compile_bytes

_head = compile_bytes(NAMED_HEAD)
_forms = tuple((rule.id, compile_bytes(rule.pattern)) for rule in RULES if rule.id.startswith("named_"))

_LEFT = re.compile(rb"(\\(?:u[0-9A-Fa-f]{4}|[a-z])|%[0-9A-Fa-f]{2})?([A-Za-z0-9_.-]*)\Z")
_RIGHT = re.compile(rb"[A-Za-z0-9_.-]*")
_COLON = re.compile(rb":[ \t]+\Z")
_LEFT_BYTES = 96
_INNOCENT = re.compile(INNOCENT.encode())
_LEFTOVER = re.compile(rb"(?:[*]{3}REDACTED[*]{3}|[.]{3}\[truncated\]?|[^A-Za-z0-9*])*")
_CODE = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*(?:[.][A-Za-z_][A-Za-z0-9_]*)*")
_MASK = MASK.encode()


def innocent(value: bytes) -> bool:
    """Whether a value hides nothing: a placeholder, null, or what an earlier redaction left of it."""
    masked = _MASK in value or b"...[truncated" in value
    return _INNOCENT.fullmatch(value) is not None or (masked and _LEFTOVER.fullmatch(value) is not None)


def spans(text: bytes) -> Iterator[Span]:
    """The values in `text` whose names are sensitive."""
    covered = seen = 0
    head = _head.search(text)
    while head is not None:
        start, end = head.start(), head.end()
        seen += 1
        if seen > MATCHES_LIMIT:
            yield Span(start, len(text), "named_bare")
            return
        # A value that begins inside a masked one ends with it; one that begins after it is new.
        if end >= covered and (name := _sensitive_name(text, start, end)):
            for span in _values(text, start, end, name):
                covered = max(covered, span.end)
                yield span
        head = _head.search(text, end)


def _values(text: bytes, start: int, value_from: int, name: str) -> Iterator[Span]:
    for rule, form in _forms:
        found = form.match(text, start)
        if found is not None and not _harmless(text, value_from, found.start(1), found.end(1), name):
            yield Span(found.start(1), found.end(1), rule)


def _sensitive_name(text: bytes, start: int, end: int) -> str:
    """The name around a stem if it is sensitive, else nothing."""
    before = _LEFT.search(text[max(0, start - _LEFT_BYTES) : start])
    here = _RIGHT.match(text, start, end)
    escape, left = (before[1] or b"", before[2]) if before else (b"", b"")
    right = here[0] if here else b""
    for name in (left + right, escape.lstrip(b"\\%") + left + right):
        if keys.is_sensitive(name.decode("ascii")):
            return name.decode("ascii")
    return ""


def _harmless(text: bytes, value_from: int, start: int, end: int, name: str) -> bool:
    value = text[start:end]
    if innocent(value):
        return True
    if text[start - 1 : start] in (b"'", b'"'):
        return False
    if _COLON.search(text[max(0, value_from - 9) : value_from]) is not None:
        return _prose(value, name)
    return _is_code(name, value, text[end : end + 1])


def _prose(value: bytes, name: str) -> bool:
    """Whether `name: value` reads as a sentence (`invalid token: expired`, `missing key: bot_id`)."""
    return name.lower() in LAST_WORDS or value.strip(b".!?:").lower().decode("utf-8", "replace") in PROSE


def _is_code(name: str, value: bytes, after: bytes) -> bool:
    """Whether the value is code (`api_key=settings.api_key`, `token=make_token(`) or a join."""
    if _CODE.fullmatch(value) is None:
        return False
    parts = value.decode("ascii").lower().split(".")
    own = name.rpartition(".")[2].strip("_").lower()
    same = parts[-1].strip("_") == own and (len(parts) > 1 or "_" in own)
    return same or (after == b"(" and (len(parts) > 1 or "_" in parts[0]))
