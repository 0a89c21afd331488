"""The gate: one pass over a record's serialised bytes that says whether a secret may be inside.

It runs on every record, so it is one RE2 alternation of all triggers. It may send a clean record to
the slow path, and never lets a dirty one by: that is a property test over every rule.
"""

from __future__ import annotations

from tradewise_otel.catalogue.sensitive import JSON_ESCAPE_TRIGGER, RULES
from tradewise_otel.redact import ending, engine

ENGINE: str = engine.ENGINE
"""`re2`, or `re` where google-re2 is not importable: the same verdicts, an order of magnitude slower."""

_triggers = {rule.trigger: rule.keywords for rule in RULES} | {JSON_ESCAPE_TRIGGER: ("u00",)}
_keywords = [(tuple(map(str.encode, words)), trigger) for trigger, words in _triggers.items()]


def hit(raw: bytes) -> bool:
    """Whether this serialised JSON (orjson's output, UTF-8) may hold a secret."""
    return bool(_find(raw))


def _by_keyword(raw: bytes) -> object:
    # `re` tries every alternative at every byte; asking for the keywords first makes it bearable.
    if ending.too_long(raw):
        return True
    folded = raw.lower()
    for words, trigger in _keywords:
        if (not words or any(word in folded for word in words)) and engine.stdlib(trigger).search(raw):
            return True
    return None


def _leave_re2() -> None:
    global _find
    _find = _by_keyword


_find: engine.Finder = _by_keyword
if ENGINE == "re2":
    _find = engine.finder("|".join(f"(?:{trigger})" for trigger in _triggers))
    ending.on_ending(_leave_re2)
