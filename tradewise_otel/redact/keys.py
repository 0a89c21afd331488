"""Is the value under this name secret? Judged by the words of the name, in mappings and in text alike."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from tradewise_otel.catalogue.sensitive import (
    LABELS,
    LAST_WORDS,
    MEASURES,
    PAIRS,
    PLAIN_FIRST,
    PLAIN_KEYS,
    WORDS,
)

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_CACHED_LENGTH = 128
_LABELLED = LAST_WORDS | {"token"}


def words(key: str) -> list[str]:
    """The words of a name in lower case, split on non-alphanumerics and camelCase.

    A trailing number or version (`token2`, `key_v1`) is no word.
    """
    found = [word.lower() for word in _WORD.findall(key)]
    while len(found) > 1 and (found[-1].isdigit() or found[-1] == "v"):
        found.pop()
    return found


def is_sensitive(key: str) -> bool:
    """Whether the value under `key` must be masked, whatever it is."""
    return _cached(key) if len(key) <= _CACHED_LENGTH else _judge(key)


def is_session_id(key: str) -> bool:
    """Whether `key` names a session id (`session_id`, `session.id`, `sessionId`), which is pseudonymised."""
    return words(key)[-2:] == ["session", "id"]


def is_email(key: str) -> bool:
    """Whether `key` names an e-mail address (`email`, `user.email`)."""
    return words(key)[-1:] == ["email"]


def is_identifier(key: str) -> bool:
    """Whether `key` names an identifier (`order_id`, `tradeIds`), which is never a card number."""
    return words(key)[-1:] in (["id"], ["ids"])


def _judge(key: str) -> bool:
    split = words(key)
    if not split or split[-1] in MEASURES or split[0] in PLAIN_FIRST:
        return False
    if split[-2:] == ["secret", "id"]:
        return True
    if not PAIRS.isdisjoint(pairwise(split)):
        return split[-1] not in LABELS
    return _by_word(split)


def _by_word(split: list[str]) -> bool:
    last = split[-1]
    if last == "key" and len(split) > 1 and split[-2] in PLAIN_KEYS:
        # `cache_key` is an identifier, `secret_cache_key` is not.
        return not WORDS.isdisjoint(split)
    if last in LAST_WORDS:
        return True
    hits = WORDS.intersection(split)
    return bool(hits - _LABELLED) if last in LABELS else bool(hits)


_cached = lru_cache(maxsize=4096)(_judge)
