"""The gate: one pass over a record's serialised bytes that says whether a secret may be inside.

It runs on every record, so it is one RE2 alternation of all triggers. It may send a clean record to
the slow path, and never lets a dirty one by: that is a property test over every rule.
"""

from __future__ import annotations

from collections.abc import Callable

from tradewise_otel.catalogue.sensitive import JSON_ESCAPE_TRIGGER, RULES
from tradewise_otel.redact import engine

ENGINE: str = engine.ENGINE
"""`re2`, or `re` where google-re2 is not importable: the same verdicts, an order of magnitude slower."""

_triggers = {rule.trigger: rule.keywords for rule in RULES} | {JSON_ESCAPE_TRIGGER: ("u00",)}


def _by_keyword() -> Callable[[bytes], object]:
    # `re` tries every alternative at every byte; asking for the keywords first makes it bearable.
    each = [(tuple(map(str.encode, words)), engine.finder(trigger)) for trigger, words in _triggers.items()]

    def search(raw: bytes) -> object:
        folded = raw.lower()
        return any(find(raw) for words, find in each if not words or any(word in folded for word in words))

    return search


def _at_once() -> Callable[[bytes], object]:
    return engine.finder("|".join(f"(?:{trigger})" for trigger in _triggers))


_search = _at_once() if ENGINE == "re2" else _by_keyword()


def hit(raw: bytes) -> bool:
    """Whether this serialised JSON (orjson's output, UTF-8) may hold a secret."""
    return bool(_search(raw))
