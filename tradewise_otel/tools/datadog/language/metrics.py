"""Metric queries and the monitors on them: `sum(last_5m):100 * (sum:a{env:x} by {b}.as_count() / …) > 5`.

No library reads this language. What is read here is what we write: five aggregators, scopes of conditions
joined by `AND` or commas, grouping, `.as_count()`, and arithmetic. Everything else is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

AGGREGATORS = ("sum", "avg", "min", "max", "p50", "p75", "p90", "p95", "p99")
TIME_AGGREGATORS = ("sum", "avg", "min", "max", "percentile")


class QuerySyntaxError(ValueError):
    """A query that cannot be read; it says where."""


@dataclass(frozen=True)
class Condition:
    """One condition of a scope: a tag with one of some values, or not; `$variable` has no key."""

    key: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True)
class MetricQuery:
    """One metric, over all series that fit the scope, by the values of some tags."""

    aggregator: str
    metric: str
    scope: tuple[Condition, ...]
    by: tuple[str, ...]
    as_count: bool


@dataclass(frozen=True)
class Arithmetic:
    """Two sides and what is between them."""

    operator: str
    left: Expression
    right: Expression


Expression: TypeAlias = "MetricQuery | Arithmetic | float"


@dataclass(frozen=True)
class MetricMonitor:
    """What a metric monitor asks: the expression over the last minutes, compared with a number."""

    over_time: str
    minutes: int
    expression: Expression
    operator: str
    threshold: float


def monitor(text: str) -> MetricMonitor:
    """Read the query of a `query alert`.

    Raises:
        QuerySyntaxError: it is none of ours.
    """
    head = re.match(rf"({'|'.join(TIME_AGGREGATORS)})\(last_(\d+)m\):", text)
    tail = re.search(r" (>=|<=|>|<) (-?[\d.]+)$", text)
    if not head or not tail:
        raise QuerySyntaxError(f"no `aggregator(last_Nm):… > number`: {text}")
    inner = expression(text[head.end() : tail.start()])
    return MetricMonitor(head[1], int(head[2]), inner, tail[1], float(tail[2]))


def expression(text: str) -> Expression:
    """Read a query, or arithmetic over queries.

    Raises:
        QuerySyntaxError: see the exception's text.
    """
    return _Reader(text).read()


def queries(tree: Expression) -> Iterator[MetricQuery]:
    """The metric queries in an expression, from left to right."""
    if isinstance(tree, MetricQuery):
        yield tree
    elif isinstance(tree, Arithmetic):
        yield from queries(tree.left)
        yield from queries(tree.right)


class _Reader:
    """Recursive descent over one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> Expression:
        tree = self._sum()
        if self._rest():
            self._fail("nothing more")
        return tree

    def _sum(self) -> Expression:
        tree = self._product()
        while operator := self._take(r"\s*([+-])\s*"):
            tree = Arithmetic(operator, tree, self._product())
        return tree

    def _product(self) -> Expression:
        tree = self._factor()
        while operator := self._take(r"\s*([*/])\s*"):
            tree = Arithmetic(operator, tree, self._factor())
        return tree

    def _factor(self) -> Expression:
        if self._take(r"\s*(\()\s*"):
            tree = self._sum()
            self._want(r"\s*(\))", "`)`")
            return tree
        if number := self._take(r"(\d+(?:\.\d+)?)(?![\w:])"):
            return float(number)
        return self._query()

    def _query(self) -> MetricQuery:
        aggregator = self._want(r"([a-z]\w*):", "`aggregator:metric{scope}`")
        if aggregator not in AGGREGATORS:
            self._fail(f"an aggregator, one of {', '.join(AGGREGATORS)}, not {aggregator!r}")
        metric = self._want(r"([A-Za-z][\w.]*)", "the name of a metric")
        scope = self._want(r"\{([^{}]*)\}", "a scope in braces")
        by = self._take(r" by \{([^{}]*)\}")
        count = bool(self._take(r"(\.as_count\(\))"))
        if self._take(r"(\.\w+)"):
            self._fail("no function but .as_count()")
        tags = tuple(tag.strip() for tag in by.split(",")) if by else ()
        return MetricQuery(aggregator, metric, _scope(scope), tags, count)

    def _take(self, pattern: str) -> str:
        found = re.compile(pattern).match(self._text, self._at)
        if not found:
            return ""
        self._at = found.end()
        return found[1]

    def _want(self, pattern: str, what: str) -> str:
        return self._take(pattern) or self._fail(what)

    def _rest(self) -> str:
        return self._text[self._at :].strip()

    def _fail(self, wanted: str) -> NoReturn:
        raise QuerySyntaxError(f"expected {wanted} at {self._rest()[:40]!r} of {self._text}")


_IN = re.compile(r"([\w./-]+) (NOT )?IN \(([^()]+)\)")
_EQUALS = re.compile(r"(!|NOT )?([\w./-]+):(\S+)")


def _scope(text: str) -> tuple[Condition, ...]:
    if text.strip() == "*":
        return ()
    # Commas within IN (…) are none of the scope's.
    parts = re.split(r"\s+AND\s+|,(?![^(]*\))", text)
    return tuple(_condition(part.strip(), text) for part in parts)


def _condition(part: str, scope: str) -> Condition:
    if re.fullmatch(r"\$\w+", part):
        return Condition("", (part,))
    if found := _IN.fullmatch(part.removeprefix("NOT ")):
        values = tuple(value.strip() for value in found[3].split(","))
        return Condition(found[1], values, bool(found[2]) or part.startswith("NOT "))
    if found := _EQUALS.fullmatch(part):
        return Condition(found[2], (found[3],), bool(found[1]))
    raise QuerySyntaxError(f"expected `tag:value` or `tag IN (…)`, not {part!r}, in {{{scope}}}")
