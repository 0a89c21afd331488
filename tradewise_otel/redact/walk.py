"""Structured redaction: every key, every string, every depth of a record, and no exception ever.

`Redactor.plain` is the fast question asked of every record; `Redactor.mapping` is the slow path
for those that are not plain or that the gate stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from tradewise_otel.catalogue import sensitive
from tradewise_otel.redact import gate, keys
from tradewise_otel.redact.known import KnownTexts
from tradewise_otel.redact.text import Counts, cut, redact_sql, redact_text
from tradewise_otel.redact.values import Walk

Email = Literal["keep", "pseudonym", "mask"]

_SCALARS = frozenset({int, float, bool, type(None)})
_FLAT = _SCALARS | {str}
_NESTING = _FLAT | {dict}
_NESTED_LIMIT = 256
_CACHE_LIMIT = 4096
_CACHED_LENGTH = 128
_REFUSED = -1
_INT64 = 1 << 63


class Redacted(NamedTuple):
    """What may leave, and what was taken out: matches by rule id, `key`, `truncated`, `depth`, …"""

    value: dict[str, object]
    counts: dict[str, int]


class Redactor:
    """Redacts mappings and texts; safe to share between threads and across forks.

    Args:
        email: what happens to the values of keys named `email`.
        pseudonymise: gives the keyed pseudonym of a nested `session_id` (and of an e-mail address).
        limits: longest string in characters by field name, over `sensitive.FIELD_LIMITS`.
    """

    def __init__(
        self,
        *,
        email: Email = "keep",
        pseudonymise: Callable[[str], str],
        limits: Mapping[str, int] | None = None,
    ) -> None:
        self._email = email
        self._pseudonymise = pseudonymise
        self._limits = {**sensitive.FIELD_LIMITS, **(limits or {})}
        self._short = {key: n for key, n in self._limits.items() if n < sensitive.STRING_LIMIT}
        self._shortest = min(self._limits.values())
        self._clean = KnownTexts(self._shortest)
        self._known: dict[str, int] = {}
        self._allowed: set[str] = set()
        self._nested_names: dict[str, int] = {}
        self._allowed_nested: set[str] = set()

    def plain(self, fields: Mapping[str, object], serialise: Callable[[Any], bytes]) -> bytes | None:
        """The serialised form of a record that may leave as it is; None where it needs `mapping`.

        `serialise` is orjson's writer: the gate knows its escapes, and what it refuses is not plain.
        """
        flat = self._is_flat(fields)
        simple = flat or self._is_flat_but_for_maps(fields)
        if not simple and not self.is_plain(fields):
            return None
        try:
            raw = serialise(fields)
        except (TypeError, ValueError):
            return None
        known = flat and self._clean.has_all(fields.values())
        # What is known is short as well; a null may be a number that is none.
        fits = (known and b"null" not in raw) or not simple or self._fits(fields, raw)
        if not fits and not self.is_plain(fields):
            return None
        if known:
            return raw
        if gate.hit(raw):
            return None
        if flat or self._is_flat(fields):
            self._clean.learn(fields.values())
        return raw

    def trust(self, text: str) -> None:
        """Takes a text that we have made, such as an id, for clean: there is nothing to be found in it."""
        self._clean.learn((text,))

    def is_known(self, fields: Mapping[str, object]) -> bool:
        """Whether all names and texts of a record were seen in plain ones: it may leave as it is."""
        values = fields.values()
        if not self._is_flat(fields) or not self._clean.has_all(values):
            return False
        for value in values:  # noqa: SIM110 - a generator would be a call of its own, for every span
            # A number beyond 64 bits leaves as a text.
            if type(value) is int and not -_INT64 <= value < _INT64:
                return False
        return True

    def _is_flat(self, fields: Mapping[str, object]) -> bool:
        # Whole sets in one step each: most records have only known names and no nested values.
        return (
            len(fields) <= sensitive.KEYS_LIMIT
            and self._allowed.issuperset(fields)
            and _FLAT.issuperset(map(type, fields.values()))
        )

    def _is_flat_but_for_maps(self, fields: Mapping[str, object]) -> bool:
        """Flat, but a few values are flat themselves: `source`, and what events of the app bring along."""
        if (
            len(fields) > sensitive.KEYS_LIMIT
            or not self._allowed.issuperset(fields)
            or not _NESTING.issuperset(map(type, fields.values()))
        ):
            return False
        for name, value in fields.items():
            if type(value) is dict and not (
                name not in self._short
                and len(value) <= sensitive.KEYS_LIMIT
                and self._allowed_nested.issuperset(value)
                and _FLAT.issuperset(map(type, value.values()))
            ):
                return False
        return True

    def _fits(self, fields: Mapping[str, object], raw: bytes) -> bool:
        """True where no string of a flat record can be too long, since all of it is not (a quick yes).

        No number can be infinite or none either: those are null in JSON.
        """
        if len(raw) <= self._shortest:
            return b"null" not in raw
        if len(raw) > sensitive.STRING_LIMIT or b"null" in raw:
            return False
        for key, limit in self._short.items():
            value = fields.get(key)
            if type(value) is str and len(value) > limit:
                return False
        return True

    def is_plain(self, fields: Mapping[str, object]) -> bool:
        """Whether nothing in `fields` needs `mapping`, if the gate finds no secret in its bytes either."""
        if len(fields) > sensitive.KEYS_LIMIT:
            return False
        known = self._known.get
        for key, value in fields.items():
            limit = known(key)
            if limit is None:
                limit = self._learn(key)
            kind = type(value)
            if kind is str:
                if len(value) > limit:  # type: ignore[arg-type]
                    return False
            elif limit < 0 or (kind not in _SCALARS and not self._is_plain_under(limit, value)):
                return False
        return True

    def _is_plain_under(self, limit: int, value: object) -> bool:
        # What is nested is measured by the common limit only.
        return limit >= sensitive.STRING_LIMIT and self._nested(value)

    def mapping(self, fields: Mapping[str, object]) -> Redacted:
        """Redact a whole record's fields; a value that cannot be looked through becomes the mask."""
        walk = Walk(self._email, self._pseudonymise, self._limits)
        return Redacted(walk.top(fields), walk.counts)

    def text(self, value: str, limit: int = sensitive.STRING_LIMIT) -> tuple[str, Counts]:
        """Redact one string whole, then cut it to `limit` characters; also says how often by rule id."""
        return _guarded(redact_text, value, limit)

    def sql(self, value: str, limit: int = sensitive.SQL_LIMIT) -> tuple[str, Counts]:
        """Like `text` for SQL: quoted literals become `?` first, a mask is a valid literal."""
        return _guarded(redact_sql, value, limit)

    def _nested(self, root: object) -> bool:
        stack = [(root, 1)]
        left = _NESTED_LIMIT
        while stack:
            value, depth = stack.pop()
            left -= 1
            if isinstance(value, str):
                plain = type(value) is str and len(value) <= sensitive.STRING_LIMIT
            elif isinstance(value, float):
                plain = type(value) is float and math.isfinite(value)
            else:
                plain = type(value) in _SCALARS or self._open(value, depth, stack)
            if not plain or len(stack) > left:
                return False
        return True

    def _open(self, value: object, depth: int, stack: list[tuple[object, int]]) -> bool:
        if depth >= sensitive.DEPTH_LIMIT:
            return False
        if type(value) is list:
            stack.extend((item, depth + 1) for item in value[: _NESTED_LIMIT + 1])
            return len(value) <= sensitive.ITEMS_LIMIT
        if type(value) is not dict or len(value) > sensitive.KEYS_LIMIT:
            return False
        for key, item in value.items():
            limit = self._nested_names.get(key) or self._learn_nested(key)
            if limit < 0 or (type(item) is str and len(item) > limit):
                return False
            stack.append((item, depth + 1))
        return True

    def _learn_nested(self, key: object) -> int:
        """As `_learn`, but a nested `session_id` becomes a pseudonym, on the slow path."""
        limit = self._learn(key)
        if type(key) is not str or key not in self._known:
            return limit
        if keys.is_session_id(key):
            limit = _REFUSED
        if len(self._nested_names) >= _CACHE_LIMIT:
            self._nested_names.clear()
            self._allowed_nested.clear()
        self._nested_names[key] = limit
        if limit >= sensitive.STRING_LIMIT:
            self._allowed_nested.add(key)
        return limit

    def _learn(self, key: object) -> int:
        """The limit of a key's strings, or `_REFUSED` if the key alone needs the slow path."""
        if type(key) is not str or len(key) > _CACHED_LENGTH:
            # Rare enough to go the slow way, and not worth a place in memory.
            return _REFUSED
        limit = self._limits.get(key, sensitive.STRING_LIMIT)
        if keys.is_sensitive(key) or (self._email != "keep" and keys.is_email(key)):
            limit = _REFUSED
        if len(self._known) >= _CACHE_LIMIT:
            self._known.clear()
            self._allowed.clear()
        self._known[key] = limit
        if limit >= 0:
            self._allowed.add(key)
        return limit


def _guarded(redact: Callable[[str, Counts], str], value: str, limit: int) -> tuple[str, Counts]:
    counts: Counts = {}
    try:
        return cut(redact(value, counts), limit, counts), counts
    except Exception:
        return sensitive.MASK, {"internal_error": 1}
