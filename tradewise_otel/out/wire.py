"""Protobuf's wire form of OTLP values, written straight from Python ones (decision P10).

Upstream builds a message object for every attribute and serialises the lot; that was most of what an
export cost. Here bytes are put together, keys come encoded from a cache. `encode` says what a log record
and a span consist of; the tests hold both to upstream's messages.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

_DOUBLE = struct.Struct("<d").pack
_FIXED64 = struct.Struct("<Q").pack
_SFIXED64 = struct.Struct("<q").pack
_FIXED32 = struct.Struct("<I").pack
_MASK64 = (1 << 64) - 1
_CACHED_KEYS = 2048

_VARINT, _LENGTH = 0, 2


def varint(number: int) -> bytes:
    """A number in base 128, low digits first; negative ones as 64-bit two's complement."""
    if 0 <= number < 0x80:
        return _SMALL[number]
    number &= _MASK64
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)


_SMALL = [bytes([number]) for number in range(0x80)]
# The heads of a value and of a string in it, by the length of the string.
_STRINGS = [bytes([0x12, size + 2, 0x0A, size]) for size in range(0x7E)]


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
    return tag(field, 1) + _FIXED64(value) if value else b""


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
    return value.encode("utf-8", "replace")


def attributes(field: int, values: Mapping[str, Any]) -> bytes:
    """A repeated `KeyValue` field; None is absent there, as upstream has it."""
    head = tag(field, _LENGTH)
    parts: list[bytes] = []
    for key, value in values.items():
        if type(value) is str:
            # Most attributes: all of `any_value` and its fields at once, where each length is one byte.
            content = value.encode("utf-8", "replace")
            start, size = _key(key), len(content)
            whole = len(start) + size + 4
            if whole < 0x80:
                parts += (head, _SMALL[whole], start, _STRINGS[size], content)
                continue
        if value is not None:
            pair = _key(key) + _value_field(value)
            parts += (head, varint(len(pair)), pair)
    return b"".join(parts)


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
