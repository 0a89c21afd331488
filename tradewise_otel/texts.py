"""Any object as text, whatever its own methods do: what apps hand over may raise when it is asked."""

from __future__ import annotations

from datetime import date, datetime, time

UNPRINTABLE = "<unprintable "
"""How the text of an object begins that has none."""


def printable(value: object) -> str:
    """Any object as text; one whose own text raises becomes `<unprintable TYPE>`."""
    if type(value) is str:
        return value
    text = text_or_none(value)
    return f"{UNPRINTABLE}{type(value).__name__}>" if text is None else text


def text_or_none(value: object) -> str | None:
    """Any object as text; None for one whose own text raises."""
    try:
        return _printed(value)
    except Exception:
        return None


def _printed(value: object) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    return str(value)
