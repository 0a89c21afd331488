"""Card numbers in text: groups of digits that an issuer could have printed, and a reason to think so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tradewise_otel.catalogue.sensitive import CARD_GROUPS, CARD_RANGES, CARD_WORDS, ESCAPE, RULES
from tradewise_otel.redact import keys
from tradewise_otel.redact.engine import Span, compile_bytes

_RULE = "card_number"
_runs = compile_bytes(next(rule.pattern for rule in RULES if rule.id == _RULE))
_GROUP = re.compile(rb"[0-9]+")
_ESCAPE = re.compile(ESCAPE.encode())
_ESCAPE_BYTES = 6
_BEFORE = re.compile(rb"(?:[A-Za-z0-9_]|[0-9][.])\Z")
_AFTER = re.compile(rb"[A-Za-z0-9_]|[.][0-9]")
_ID_NAME = re.compile(rb"(?:(?i:[_.-]ids?)|[a-z]Ids?)[\\\"']*\s*[:=]\s*[\\\"']*\Z")
_SHORTEST, _LONGEST = 13, 19
_NEAR_BYTES = 40

_Group = tuple[int, int]


def spans(text: bytes, key: str) -> Iterator[Span]:
    """The card numbers in `text`, which stands under `key` (empty if under none)."""
    if key and keys.is_identifier(key):
        return
    run = _runs.search(text)
    while run is not None:
        yield from _in_run(text, run.start(), run.end(), key)
        run = _runs.search(text, run.end())


def _in_run(text: bytes, start: int, end: int, key: str) -> Iterator[Span]:
    groups = [match.span() for match in _GROUP.finditer(text, start, end)]
    begin = _after_escape(text, start)
    if start < begin < groups[0][1]:
        yield from _in_groups(text, [(begin, groups[0][1]), *groups[1:]], key)
    yield from _in_groups(text, groups, key)


def _after_escape(text: bytes, start: int) -> int:
    """Where an escape ends that touches the digits at `start` or reaches into them (`%20`), else 0."""
    near = _ESCAPE.finditer(text, max(0, start - _ESCAPE_BYTES), start + _ESCAPE_BYTES)
    return next((escape.end() for escape in near if escape.start() < start <= escape.end()), 0)


def _in_groups(text: bytes, groups: list[_Group], key: str) -> Iterator[Span]:
    for first in range(len(groups)):
        found = next((last for last in _lengths(groups, first) if _card(text, groups[first:last], key)), 0)
        if found:
            yield Span(groups[first][0], groups[found - 1][1], _RULE)


def _lengths(groups: list[_Group], first: int) -> Iterator[int]:
    digits = 0
    for last in range(first, len(groups)):
        digits += groups[last][1] - groups[last][0]
        if digits > _LONGEST:
            return
        if digits >= _SHORTEST:
            yield last + 1


def _card(text: bytes, groups: list[_Group], key: str) -> bool:
    start, end = groups[0][0], groups[-1][1]
    digits = [byte - 48 for begin, stop in groups for byte in text[begin:stop]]
    return (
        _issued(digits)
        and _luhn(digits)
        and (_BEFORE.search(text[max(0, start - 2) : start]) is None or _after_escape(text, start) == start)
        and _AFTER.match(text, end) is None
        and (tuple(stop - begin for begin, stop in groups) in CARD_GROUPS or _said(text, start, key))
    )


def _said(text: bytes, start: int, key: str) -> bool:
    """Whether the key or the words before say that this is a card."""
    before = text[max(0, start - _NEAR_BYTES) : start]
    if _ID_NAME.search(before) is not None:
        return False
    near = keys.words(_ESCAPE.sub(b" ", before).decode("latin-1")) + (keys.words(key) if key else [])
    return not CARD_WORDS.isdisjoint(near)


def _issued(digits: list[int]) -> bool:
    prefix = int("".join(map(str, digits[:6])))
    return any(low <= prefix <= high and len(digits) in sizes for low, high, sizes in CARD_RANGES)


def _luhn(digits: list[int]) -> bool:
    doubled = [2 * digit - 9 if digit > 4 else 2 * digit for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
