"""Keyed pseudonyms: the same value gives the same short name, and no name leads back to its value."""

from __future__ import annotations

import hmac

DIGITS = 16


def pseudonym(value: str, key: bytes) -> str:
    """HMAC-SHA-256 of `value` under `key`: the first 16 hex digits (64 bits, ample for joining sessions)."""
    return hmac.digest(key, value.encode("utf-8", "surrogatepass"), "sha256").hex()[:DIGITS]
