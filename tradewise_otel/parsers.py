"""How the text of a setting becomes its value; each raises ValueError at a text that is none."""

from __future__ import annotations

import ipaddress
import math
import os
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

_SCHEME = re.compile(r"[a-z]+://")
_ADDRESS = frozenset("0123456789.")
_THRESHOLD = re.compile(r"([A-Z]+) +(/[^\s,]*)=([^:=]+):([^:=]+)")
# `{path:path}` in a decorator is `{path}` in the route that the answers name.
_CONVERTER = re.compile(r"\{(\w+):\w+\}")
_HOUR_MS = 3_600_000

Thresholds = Mapping[tuple[str, str], tuple[float, float]]
"""Method and route to the milliseconds of p95 and p99."""


def number(low: float, high: float) -> Callable[[str], float]:
    """Reads a finite number from `low` to `high`, both included."""

    def parse(text: str) -> float:
        value = float(text)
        if not (math.isfinite(value) and low <= value <= high):
            raise ValueError(text)
        return value

    return parse


def one_of(*allowed: str) -> Callable[[str], str]:
    """Reads one of some words, in any case; gives it as it is written in `allowed`."""

    def parse(text: str) -> str:
        by_folded = {word.lower(): word for word in allowed}
        if text.lower() not in by_folded:
            raise ValueError(text)
        return by_folded[text.lower()]

    return parse


def file(text: str) -> str:
    """Reads the path of a file in a folder that exists, or nothing."""
    if text and not os.path.isdir(os.path.dirname(os.path.abspath(text))):
        raise ValueError(text)
    return text


def hosts(text: str) -> tuple[str, ...]:
    """Reads a comma-separated list of names, patterns, addresses and CIDR ranges."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    for host in found:
        # No name looks like this: a range or an address that is wrong would silently match nothing.
        if set(host) <= _ADDRESS or set(host) & set("/:@"):
            ipaddress.ip_network(host, strict=False)
    return found


def thresholds(text: str) -> Thresholds:
    """Reads `METHOD /route=p95:p99` pairs, separated by commas; milliseconds, p99 not below p95."""
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        entry = _THRESHOLD.fullmatch(part)
        if entry is None:
            raise ValueError(part)
        route = entry[1], _CONVERTER.sub(r"{\1}", entry[2])
        p95, p99 = number(0, _HOUR_MS)(entry[3]), number(0, _HOUR_MS)(entry[4])
        if p99 < p95 or route in found:
            raise ValueError(part)
        found[route] = (p95, p99)
    return MappingProxyType(found)


class Rate(NamedTuple):
    """So many in so many seconds."""

    times: int
    seconds: float


def rate(text: str) -> Rate:
    """Reads `count/seconds`, such as `150/60`."""
    times, _, seconds = text.partition("/")
    found = Rate(int(times), number(1, 86_400)(seconds))
    if not 1 <= found.times <= 10**9:
        raise ValueError(text)
    return found


def state_url(text: str) -> str:
    """Reads the address of a state store, or nothing."""
    parts = urlsplit(text)
    if parts.scheme == "sqlite":
        fits = not parts.netloc and len(parts.path) > 1
    else:
        # Asking for a port that is no number raises.
        fits = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
    if text and not fits:
        raise ValueError(text)
    return text


def without_secrets(url: str) -> str:
    """What may be shown of an address that could not be read, and may hold a password anywhere."""
    if url.startswith("sqlite:"):
        return url
    scheme = _SCHEME.match(url)
    return f"{scheme.group() if scheme else ''}***"
