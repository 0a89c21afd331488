"""Log searches and the monitors on them: `logs("@a:x").index("*").rollup("count").last("5m") > 0`.

A search is read as far as a check needs it: which attributes and tags it names, with which kinds of values,
and whether brackets and quotes close. What it means is for Datadog's own engine to say (`tools/alerts`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .metrics import QuerySyntaxError


@dataclass(frozen=True)
class Term:
    """One `name:value` of a search.

    Attributes:
        name: with a leading `@` for an attribute, without for a tag or a reserved field.
        values: what it is compared with, without quotes; a group has several.
        numeric: compared as a number: `>=500`, `[1 TO 5]`.
    """

    name: str
    values: tuple[str, ...]
    numeric: bool


@dataclass(frozen=True)
class LogMonitor:
    """What a log monitor asks: how many records in the last minutes, by the values of some attributes."""

    search: str
    by: tuple[str, ...]
    minutes: int
    operator: str
    threshold: float


@dataclass(frozen=True)
class BurnRateMonitor:
    """What an SLO alert asks; windows as Datadog writes them."""

    slo: str
    long_window: str
    short_window: str
    threshold: float


_MONITOR = re.compile(
    r'logs\("(?P<search>.*)"\)\.index\("\*"\)\.rollup\("count"\)(?:\.by\("(?P<by>[^"]+)"\))?'
    r'\.last\("(?P<minutes>\d+)m"\) (?P<operator>>=|<=|>|<) (?P<threshold>[\d.]+)'
)
_BURN_RATE = re.compile(
    r'burn_rate\("(?P<slo>[^"]+)"\)\.over\("\d+d"\)\.long_window\("(?P<long>\d+h)"\)'
    r'\.short_window\("(?P<short>\d+m)"\) > (?P<threshold>[\d.]+)'
)
_TOKEN = re.compile(
    r"\s+|(?P<joint>AND|OR|NOT|-)(?=[\s@(\w])|(?P<open>\()|(?P<close>\))|(?P<variable>\$\w+)"
    r"|(?P<name>@?[A-Za-z][\w.-]*):"
    r"(?P<value>\((?P<group>[^()]*)\)|\[[^\[\]]+ TO [^\[\]]+\]|\"[^\"]*\"|[^\s()\"\[\]]+)"
)


def monitor(text: str) -> LogMonitor:
    """Read the query of a `log alert`.

    Raises:
        QuerySyntaxError: it is none of ours, or its search cannot be read.
    """
    found = _MONITOR.fullmatch(text)
    if not found:
        raise QuerySyntaxError(f'no `logs("…").index("*").rollup("count")….last("5m") > 0`: {text}')
    terms(found["search"])
    by = tuple(found["by"].split(",")) if found["by"] else ()
    minutes, threshold = int(found["minutes"]), float(found["threshold"])
    return LogMonitor(found["search"], by, minutes, found["operator"], threshold)


def burn_rate(text: str) -> BurnRateMonitor:
    """Read the query of an `slo alert`.

    Raises:
        QuerySyntaxError: it is none of ours.
    """
    found = _BURN_RATE.fullmatch(text)
    if not found:
        raise QuerySyntaxError(f'no `burn_rate("…").over("30d").long_window("1h")…`: {text}')
    return BurnRateMonitor(found["slo"], found["long"], found["short"], float(found["threshold"]))


def terms(search: str) -> list[Term]:
    """The terms of a search.

    Raises:
        QuerySyntaxError: brackets or quotes that do not close, or something that is no term.
    """
    return list(_terms(search))


def _terms(search: str) -> Iterator[Term]:
    at, depth = 0, 0
    while at < len(search):
        found = _TOKEN.match(search, at)
        if not found:
            raise QuerySyntaxError(f"expected `name:value` at {search[at:][:40]!r} of {search}")
        at = found.end()
        depth += bool(found["open"]) - bool(found["close"])
        if depth < 0:
            break
        if found["name"]:
            yield _term(found)
    if depth:
        raise QuerySyntaxError(f"unbalanced brackets in {search}")


def _term(found: re.Match[str]) -> Term:
    value = found["value"]
    if found["group"] is not None:
        return Term(found["name"], tuple(part.strip() for part in found["group"].split(" OR ")), False)
    numeric = value.startswith(("[", ">", "<"))
    return Term(found["name"], (value.strip('"'),), numeric)
