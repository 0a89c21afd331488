"""The gate: one pass over a record's serialised bytes that says whether a secret may be inside.

It runs on every record, so it is one RE2 alternation of all triggers. It may send a clean record to
the slow path, and never lets a dirty one by: that is a property test over every rule.
"""

from __future__ import annotations

from tradewise_otel.catalogue.sensitive import JSON_ESCAPE_TRIGGER, RULES
from tradewise_otel.redact import engine

ENGINE: str = engine.ENGINE
"""`re2`, or `re` where google-re2 is not importable: the same verdicts, an order of magnitude slower."""

_triggers = dict.fromkeys([*(rule.trigger for rule in RULES), JSON_ESCAPE_TRIGGER])
_search = engine.finder("|".join(f"(?:{trigger})" for trigger in _triggers))


def hit(raw: bytes) -> bool:
    """Whether this serialised JSON (orjson's output, UTF-8) may hold a secret."""
    return _search(raw) is not None
