"""The walk through one record's values, within bounds that hold for any object."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from enum import Enum
from itertools import islice
from typing import Any

from tradewise_otel.catalogue import sensitive
from tradewise_otel.catalogue.sensitive import CUT, MASK
from tradewise_otel.redact import keys
from tradewise_otel.redact.text import Counts, count, cut, redact_text
from tradewise_otel.texts import printable, text_or_none

_INT64 = 1 << 63
_LISTS = (list, tuple, set, frozenset)
_HEX = frozenset("0123456789abcdef")


class Walk:
    """One pass over one record; holds its tally and what is left of its bounds."""

    __slots__ = ("_email", "_left", "_limits", "_pseudonymise", "counts")

    def __init__(self, email: str, pseudonymise: Callable[[str], str], limits: Mapping[str, int]) -> None:
        self._email = email
        self._pseudonymise = pseudonymise
        self._limits = limits
        self._left = sensitive.NODES_LIMIT
        self.counts: Counts = {}

    def top(self, fields: Mapping[str, object]) -> dict[str, object]:
        """All of a record's fields, redacted."""
        try:
            return self._mapping(fields, 0)
        except Exception:
            count(self.counts, "internal_error")
            return {"fields": MASK}

    def _mapping(self, fields: Mapping[Any, object], depth: int) -> dict[str, object]:
        out: dict[str, object] = {}
        dropped = len(fields) - sensitive.KEYS_LIMIT
        for key, value in list(islice(fields.items(), sensitive.KEYS_LIMIT)):
            name = self._key(key)
            out[name] = self._field(key if type(key) is str else name, value, depth)
        if dropped > 0:
            count(self.counts, "keys", dropped)
        return out

    def _key(self, key: object) -> str:
        return self._string(key if type(key) is str else printable(key), sensitive.STRING_LIMIT)

    def _field(self, key: str, value: object, depth: int) -> object:
        try:
            if keys.is_sensitive(key):
                return self._secret(value)
            if depth and keys.is_session_id(key) and value not in (None, "", MASK):
                return self._pseudonymise(printable(value))
            if self._email != "keep" and type(value) is str and keys.is_email(key):
                return self._address(value)
            return self._value(value, depth + 1, key)
        except Exception:
            count(self.counts, "internal_error")
            return MASK

    def _secret(self, value: object) -> object:
        # Nothing is hidden in None or an empty string, and a mask is not counted twice.
        if value is None or (type(value) is str and value in ("", MASK)):
            return value
        count(self.counts, "key")
        return MASK

    def _address(self, value: str) -> str:
        if self._email == "mask":
            if value in ("", MASK):
                return value
            count(self.counts, "email")
            return MASK
        if not value or (len(value) == 16 and _HEX.issuperset(value)):
            return value
        count(self.counts, "email")
        return self._pseudonymise(value)

    def _value(self, value: object, depth: int, key: str) -> object:
        self._left -= 1
        kind = type(value)
        if kind is str:
            return self._string(value, self._limits.get(key, sensitive.STRING_LIMIT), key)  # type: ignore[arg-type]
        if value is None or kind is bool:
            return value
        if kind is float:
            return self._number(value, depth)  # type: ignore[arg-type]
        if kind is int:
            return value if -_INT64 <= value < _INT64 else str(value)  # type: ignore[operator]
        if isinstance(value, Enum):
            return self._value(value.value, depth, key)
        if isinstance(value, (Mapping, *_LISTS)):
            return self._container(value, depth, key)
        text = text_or_none(value)
        if text is None:
            count(self.counts, "unprintable")
        return self._string(text or printable(value), self._limits.get(key, sensitive.STRING_LIMIT), key)

    def _number(self, value: float, depth: int) -> float | None:
        # A record's own fields are looked at elsewhere; in what is nested JSON knows null only.
        if depth == 1 or math.isfinite(value):
            return value
        count(self.counts, "number")
        return None

    def _container(self, value: Collection[object], depth: int, key: str) -> object:
        if depth >= sensitive.DEPTH_LIMIT or self._left < 0:
            count(self.counts, "depth" if self._left >= 0 else "size")
            return CUT
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if len(value) > sensitive.ITEMS_LIMIT:
            count(self.counts, "items", len(value) - sensitive.ITEMS_LIMIT)
        return self._items(value, depth, key)

    def _items(self, value: Collection[object], depth: int, key: str) -> list[object]:
        out: list[object] = []
        named = False
        for item in islice(value, sensitive.ITEMS_LIMIT):
            # A command line: `["--token", "abc"]`.
            is_value = named and not (type(item) is str and item.startswith("-"))
            out.append(self._secret(item) if is_value else self._value(item, depth + 1, key))
            named = type(item) is str and item.startswith("--") and keys.is_sensitive(item)
        return out

    def _string(self, value: str, limit: int, key: str = "") -> str:
        return cut(redact_text(value, self.counts, key), limit, self.counts)
