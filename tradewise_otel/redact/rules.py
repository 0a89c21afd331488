"""The rules, compiled: where in a decoded text are secrets, and by which rule?

Every rule looks at the text as it came, and what they find is merged afterwards: skipping what another
rule has found would leak the tail of `token: Bearer …`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tradewise_otel.catalogue.sensitive import MATCHES_LIMIT, PROSE, RULES
from tradewise_otel.redact import cards, ending, keys, named
from tradewise_otel.redact.engine import Pattern, Span, compile_bytes

Accept = Callable[[bytes, int, int, int], bool]


class _Rule(NamedTuple):
    id: str
    keywords: tuple[bytes, ...]
    pattern: Pattern
    group: int
    accept: Accept


def find(text: bytes, key: str = "") -> list[Span]:
    """The secrets in `text`, merged where they touch, from left to right.

    Args:
        text: decoded text as UTF-8.
        key: the name under which the text stands, if any: it can make a card number likely or not.
    """
    if ending.too_long(text):
        return [Span(0, len(text), "process_end")]
    found = [*named.spans(text), *cards.spans(text, key)]
    folded = text.lower()
    for rule in _RULES:
        if any(word in folded for word in rule.keywords):
            found.extend(_spans(rule, text))
    return _merge(sorted(found, key=_order))


def _order(span: Span) -> tuple[int, bool, int]:
    # Where two begin together, the rule that knows the kind gives its id, not the name beside it.
    return span.start, span.rule.startswith("named_"), -span.end


def _spans(rule: _Rule, text: bytes) -> Iterator[Span]:
    match = rule.pattern.search(text)
    seen = 0
    while match is not None:
        seen += 1
        if seen > MATCHES_LIMIT:
            yield Span(match.start(), len(text), rule.id)
            return
        begin, start, end = match.start(), match.start(rule.group), match.end(rule.group)
        accepted = not named.innocent(text[start:end]) and rule.accept(text, begin, start, end)
        if accepted:
            yield Span(start, end, rule.id)
        match = rule.pattern.search(text, end if accepted else max(begin + 1, start))


def _merge(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in spans:
        if merged and span.start <= merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def _always(text: bytes, begin: int, start: int, end: int) -> bool:
    return True


def _option(text: bytes, begin: int, start: int, end: int) -> bool:
    return keys.is_sensitive(text[begin:start].decode("ascii").strip())


def _token_like(text: bytes, begin: int, start: int, end: int) -> bool:
    value = text[start:end].rstrip(b".").decode("ascii")
    if value.partition("=")[0].lower() in PROSE:
        return False
    return len(value) >= 8 or not value.isalpha()


def _has_digit(text: bytes, begin: int, start: int, end: int) -> bool:
    return any(48 <= byte <= 57 for byte in text[start:end])


def _base64_pair(text: bytes, begin: int, start: int, end: int) -> bool:
    value = text[start:end]
    try:
        return value.endswith(b"=") or b":" in base64.urlsafe_b64decode(value + b"=" * (-len(value) % 4))
    except binascii.Error:
        return False


_ACCEPT: dict[str, Accept] = {
    "cli_option": _option,
    "bearer": _token_like,
    "exchange_key": _has_digit,
    "basic": _base64_pair,
}


def _compiled() -> Iterator[_Rule]:
    for rule in RULES:
        if rule.id != "card_number" and not rule.id.startswith("named_"):
            pattern = compile_bytes(rule.pattern)
            keywords = tuple(word.encode("ascii") for word in rule.keywords)
            yield _Rule(rule.id, keywords, pattern, min(pattern.groups, 1), _ACCEPT.get(rule.id, _always))


_RULES = tuple(_compiled())
