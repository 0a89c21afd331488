"""Dicts that remember what was made once, and never without a bound."""

from __future__ import annotations

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

REMEMBERED = 1024
"""How many entries a dict has at most, if nobody says otherwise."""


def keep(known: dict[K, V], key: K, value: V, at_most: int = REMEMBERED) -> V:
    """Keeps a value under its key and answers it; past the bound all are forgotten, and made anew.

    What is in use soon stands there again; to tell who was used last would cost every look-up.
    """
    if len(known) >= at_most:
        known.clear()
    known[key] = value
    return value
