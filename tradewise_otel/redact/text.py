"""One string: mask the secrets in it, look into it if it is JSON, cut it last."""

from __future__ import annotations

import orjson

from tradewise_otel.catalogue.sensitive import CUT, MASK
from tradewise_otel.redact import gate, keys, rules
from tradewise_otel.redact.sql import placeholders

Counts = dict[str, int]

_MASK = MASK.encode()
_QUOTED_MASK = b"'" + _MASK + b"'"
_QUOTES = b"'\"`"


def count(counts: Counts, what: str, by: int = 1) -> None:
    """Add to a tally."""
    counts[what] = counts.get(what, 0) + by


def redact_text(value: str, counts: Counts, key: str = "") -> str:
    """`value` with every secret in it masked; `key` is the name it stands under, if any."""
    raw = value.encode("utf-8", "replace")
    clean = raw.decode()
    if not gate.hit(orjson.dumps(clean)):
        return clean
    return _mask(_json(raw, counts, key), counts, key, in_sql=False)


def redact_sql(value: str, counts: Counts) -> str:
    """SQL with its literals replaced by `?`, then with every secret that is left masked as a literal."""
    return _mask(placeholders(value).encode("utf-8", "replace"), counts, "", in_sql=True)


def cut(value: str, limit: int, counts: Counts) -> str:
    """`value`, or its first `limit` characters and `CUT`; never through a mask, never twice."""
    if len(value) <= limit or (len(value) <= limit + len(CUT) and value.endswith(CUT)):
        return value
    count(counts, "truncated")
    mask = value.rfind(MASK, 0, limit + len(MASK) - 1)
    return value[: mask if limit - len(MASK) < mask < limit else limit] + CUT


def _json(raw: bytes, counts: Counts, key: str) -> bytes:
    """JSON text with the secrets in its tree masked; other text, and clean JSON, as it is.

    Text rules see neither a name spelt with escapes nor how far a nested value reaches.
    """
    if raw.strip()[:1] not in (b"{", b"["):
        return raw
    try:
        tree = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return raw
    found: Counts = {}
    masked = _tree(tree, found, key)
    for what, by in found.items():
        count(counts, what, by)
    return orjson.dumps(masked) if found else raw


def _tree(node: object, found: Counts, key: str) -> object:
    if isinstance(node, dict):
        return {name: _branch(name, item, found) for name, item in node.items()}
    if isinstance(node, list):
        return [_tree(item, found, key) for item in node]
    return redact_text(node, found, key) if isinstance(node, str) else node


def _branch(name: str, item: object, found: Counts) -> object:
    if not keys.is_sensitive(name):
        return _tree(item, found, name)
    if item in (None, "", MASK):
        return item
    count(found, "key")
    return MASK


def _mask(raw: bytes, counts: Counts, key: str, *, in_sql: bool) -> str:
    parts = []
    done = 0
    for start, end, rule in rules.find(raw, key):
        quoted = in_sql and raw[start - 1 : start] not in _QUOTES
        parts += [raw[done:start], _QUOTED_MASK if quoted else _MASK]
        done = end
        count(counts, rule)
    return b"".join([*parts, raw[done:]]).decode("utf-8", "replace")
