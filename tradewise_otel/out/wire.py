"""Protobuf's wire form of OTLP values, written straight from Python ones (decision P10).

Upstream builds a message object for every attribute and serialises the lot; that was most of what an
export cost. Here bytes are put together, keys come encoded from a cache. `encode` says what a log record
and a span consist of; the tests hold both to upstream's messages.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tradewise_otel.bounded import keep

_DOUBLE = struct.Struct("<d").pack
FIXED64 = struct.Struct("<Q").pack
"""Eight bytes of a fixed64 field, without its head."""

_SFIXED64 = struct.Struct("<q").pack
_FIXED32 = struct.Struct("<I").pack
_MASK64 = (1 << 64) - 1
_CACHED_KEYS = 1024
_CACHED_VALUES = 256

_VARINT, _LENGTH = 0, 2


@lru_cache(maxsize=4096)
def varint(number: int) -> bytes:
    """A number in base 128, low digits first; negative ones as 64-bit two's complement."""
    number &= _MASK64
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)


@lru_cache(maxsize=256)
def tag(field: int, wire_type: int) -> bytes:
    """The head of a field."""
    return varint(field << 3 | wire_type)


def nested(field: int, content: bytes) -> bytes:
    """A length-delimited field: a message, a string or bytes."""
    return tag(field, _LENGTH) + varint(len(content)) + content


def text(field: int, value: str | None) -> bytes:
    """A string field; an empty one is absent, as proto3 has it."""
    return nested(field, utf8(value)) if value else b""


def raw(field: int, value: bytes) -> bytes:
    """A bytes field; an empty one is absent."""
    return nested(field, value) if value else b""


def number(field: int, value: int) -> bytes:
    """An integer or enum field; zero is absent."""
    return tag(field, _VARINT) + varint(value) if value else b""


def fixed64(field: int, value: int | None) -> bytes:
    """A fixed64 field; zero is absent."""
    return tag(field, 1) + FIXED64(value) if value else b""


def sfixed64(field: int, value: int) -> bytes:
    """An sfixed64 field of a oneof: zero is present."""
    return tag(field, 1) + _SFIXED64(value)


def double(field: int, value: float) -> bytes:
    """An optional double field: zero is present."""
    return tag(field, 1) + _DOUBLE(value)


def sint32(field: int, value: int) -> bytes:
    """A sint32 field, whose small negative numbers are short too; zero is absent."""
    return number(field, value << 1 if value >= 0 else ~(value << 1))


def packed(field: int, values: Iterable[int]) -> bytes:
    """A repeated integer field."""
    return nested(field, b"".join(map(varint, values)))


def fixed32(field: int, value: int) -> bytes:
    """A fixed32 field; zero is absent."""
    return tag(field, 5) + _FIXED32(value) if value else b""


def utf8(value: str) -> bytes:
    """UTF-8, with a question mark for what has none (lone surrogates)."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace")


def attributes(field: int, values: Mapping[str, Any]) -> bytes:
    """A repeated `KeyValue` field; None is absent there, as upstream has it."""
    known = _heads[field]
    parts: list[bytes] = []
    for key, value in values.items():
        head = known.get(key) or _learn(field, key)
        kind = type(value)
        if kind is str:
            # `utf8` in place: it is a third of all calls of an export.
            try:
                content = value.encode()
            except UnicodeEncodeError:
                content = utf8(value)
            size = len(content)
            parts.append(head.strings.get(size) or head.of_string(size))
            parts.append(content)
        elif kind is int:
            parts.append(head.integers.get(value) or head.of_integer(value))
        elif kind is float:
            parts.append(head.double)
            parts.append(_DOUBLE(value))
        elif value is not None:
            parts.append(head.whole(any_value(value)))
    return b"".join(parts)


class _Head:
    """What comes before an attribute's value, which is the same every time but for the length."""

    __slots__ = ("_key", "_tag", "double", "integers", "strings")

    def __init__(self, field: int, key: str) -> None:
        self._tag, self._key = tag(field, _LENGTH), _key(key)
        self.strings: dict[int, bytes] = {}
        self.integers: dict[int, bytes] = {}
        self.double = self._before(9) + b"\x21"

    def _before(self, size: int) -> bytes:
        value = b"\x12" + varint(size)
        return self._tag + varint(len(self._key) + len(value) + size) + self._key + value

    def whole(self, content: bytes) -> bytes:
        """The attribute with the content of its `AnyValue`."""
        return self._before(len(content)) + content

    def of_string(self, size: int) -> bytes:
        """What comes before a string of so many bytes."""
        length = varint(size)
        head = self.strings[size] = self._before(1 + len(length) + size) + b"\x0a" + length
        return head

    def of_integer(self, value: int) -> bytes:
        """The whole attribute; remembered where a key has few values, as ports and thresholds do."""
        whole = self.whole(_integer(value))
        if len(self.integers) < _CACHED_VALUES:
            self.integers[value] = whole
        return whole


_heads: defaultdict[int, dict[str, _Head]] = defaultdict(dict)


def _learn(field: int, key: str) -> _Head:
    return keep(_heads[field], key, _Head(field, key), _CACHED_KEYS)


@lru_cache(maxsize=_CACHED_KEYS)
def _key(key: str) -> bytes:
    return nested(1, utf8(key))


def _entry(key: str, value: Any) -> bytes:
    """A `KeyValue` within a value, where None is present: it is null in the line too."""
    return _key(key) + _value_field(value)


def _value_field(value: Any) -> bytes:
    """Field 2 of a `KeyValue`: its value."""
    content = any_value(value)
    return b"\x12" + varint(len(content)) + content


def any_value(value: Any) -> bytes:
    """The content of an `AnyValue`. What has no form of its own goes as its text."""
    kind = type(value)
    if kind is str:
        content = utf8(value)
        return b"\x0a" + varint(len(content)) + content
    if kind is bool:
        return b"\x10\x01" if value else b"\x10\x00"
    if kind is int:
        return _integer(value)
    if kind is float:
        return b"\x21" + _DOUBLE(value)
    return _compound(value)


def _integer(value: int) -> bytes:
    if -(1 << 63) <= value < 1 << 63:
        return b"\x18" + varint(value)
    return any_value(str(value))


def _compound(value: Any) -> bytes:
    if value is None:
        return b""
    if isinstance(value, Mapping):
        return nested(6, b"".join(nested(1, _entry(str(key), item)) for key, item in value.items()))
    if isinstance(value, bytes):
        return nested(7, value)
    if isinstance(value, (str, int, float)):
        # A subclass, such as an enum's member.
        return any_value(_plain(value))
    if isinstance(value, (Sequence, Iterable)):
        return nested(5, b"".join(nested(1, any_value(item)) for item in value))
    return any_value(str(value))


def _plain(value: str | int | float) -> str | int | float:
    if isinstance(value, str):
        # Not what an enum's member calls itself, but what it is.
        return str.__str__(value)
    return int(value) if isinstance(value, int) else float(value)
