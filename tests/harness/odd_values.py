"""Values as apps hand them over, drawn at random: the usual, the extreme and the ones that have no form."""

from __future__ import annotations

import datetime
import decimal
import enum
import random
import string
from collections.abc import Callable
from typing import Any

TEXTS = [
    "",
    "a",
    "grün",
    "東京 🚀",
    "x" * 300,
    "y" * 127,
    "line\nbreak",
    "\x00",
    "\ud800",
    "a\udfffb",
    "'\"\\",
]
_WHOLE = [0, 1, -1, 127, 128, 300, 2**31, -(2**40), 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 2**200]
_REAL = [0.0, -0.0, float("nan"), float("inf"), float("-inf"), 5e-324, 1.7976931348623157e308]
_DEEPEST = 8


class Side(enum.IntEnum):
    """An int that is more."""

    BUY = 1
    SELL = -1


class Colour(str, enum.Enum):
    """A text that is more."""

    RED = "red"


class Ratio(float):
    """A float that is more."""


class Opaque:
    """Nothing that OTLP knows."""

    def __str__(self) -> str:
        return "opaque \udc80"


_MORE: list[Any] = [
    Side.SELL,
    Colour.RED,
    Ratio(0.5),
    Opaque(),
    Opaque,
    decimal.Decimal("1.10"),
    datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc),
    b"",
    b"\x00\xff",
    bytearray(b"\x01\x02"),
    range(3),
    {7},
    frozenset(),
]


def text(draw: random.Random) -> str:
    """A text, now and then an odd one."""
    return draw.choice(TEXTS)


def scalar(draw: random.Random) -> Any:
    """Some single value."""
    kinds: list[Callable[[], Any]] = [
        lambda: text(draw),
        lambda: draw.choice(_WHOLE),
        lambda: draw.getrandbits(draw.randrange(1, 64)),
        lambda: draw.uniform(-1e9, 1e9),
        lambda: draw.choice(_REAL),
        lambda: draw.choice([True, False, None]),
        lambda: draw.choice(_MORE),
    ]
    return draw.choice(kinds)()


def value(draw: random.Random, depth: int = 0) -> Any:
    """A scalar, or a list, tuple or map of values, maybe empty, maybe deep."""
    kind = draw.random()
    if depth == 0 and kind > 0.98:
        return chain(draw)
    if depth > 2 or kind < 0.75:
        return scalar(draw)
    if kind < 0.88:
        return draw.choice([list, tuple])(value(draw, depth + 1) for _ in range(draw.randrange(4)))
    return mapping(draw, depth + 1)


def chain(draw: random.Random) -> Any:
    """A value far down in maps and lists."""
    inner = scalar(draw)
    for _ in range(_DEEPEST):
        inner = draw.choice([[inner], {"": inner}, {"in": inner, "none": None}, (None, inner)])
    return inner


def mapping(draw: random.Random, depth: int = 0) -> dict[Any, Any]:
    """Attributes; within a value the keys may be anything, as in any dict."""
    return {key(draw, depth): value(draw, depth) for _ in range(draw.randrange(5))}


def key(draw: random.Random, depth: int) -> Any:
    """A name; few are empty or odd."""
    if draw.random() < 0.9:
        return "".join(draw.choices(string.ascii_lowercase + "._é", k=draw.randrange(1, 20)))
    return draw.choice(["", "a\ud800", "k" * 200, *([7, None, Side.BUY] if depth else [])])
