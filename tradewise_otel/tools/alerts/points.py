"""Metric monitors over a recording: DuckDB adds up the points that a query is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from tradewise_otel.tools.datadog.language.metrics import (
    Arithmetic,
    Condition,
    Expression,
    MetricMonitor,
    MetricQuery,
)
from tradewise_otel.tools.standin.metrics import Point

from .rules import Group

_BUCKET = "bucket"
_SCHEMA = """
CREATE TABLE points (
  t DOUBLE, metric VARCHAR, kind VARCHAR, value DOUBLE, n DOUBLE, tags MAP(VARCHAR, VARCHAR)
)
"""
_FLUSH_SECONDS = 10
"""Within so many seconds every sender has told a gauge once."""


class Measured:
    """All points of a recording, in a table; a row each, and a row each bucket of a distribution."""

    def __init__(self, points: Iterable[Point]) -> None:
        self._table = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        self._table.execute(_SCHEMA)
        rows = [row for point in points for row in _rows(point)]
        if rows:
            self._table.executemany(
                "INSERT INTO points VALUES (?, ?, ?, ?, ?, MAP(?::VARCHAR[], ?::VARCHAR[]))", rows
            )

    def values(self, asked: MetricMonitor, until: float) -> dict[Group, float]:
        """What a monitor's expression comes to for each group, in the window that ends then."""
        found = self._value(asked.expression, asked, until)
        assert isinstance(found, dict), "an expression of numbers only"
        return found

    def _value(self, tree: Expression, asked: MetricMonitor, until: float) -> dict[Group, float] | float:
        if isinstance(tree, MetricQuery):
            return self._query(tree, asked, until)
        if isinstance(tree, Arithmetic):
            return _combined(
                tree.operator, self._value(tree.left, asked, until), self._value(tree.right, asked, until)
            )
        return tree

    def _query(self, query: MetricQuery, asked: MetricMonitor, until: float) -> dict[Group, float]:
        groups = [f"coalesce(map_extract_value(tags, {_quoted(tag)}), 'N/A')" for tag in query.by]
        columns = "".join(f"{expression} AS g{number}, " for number, expression in enumerate(groups))
        names = "".join(f"g{number}, " for number in range(len(groups)))
        kind = f"kind {'=' if query.aggregator.startswith('p') else '!='} '{_BUCKET}'"
        window = f"t > {until - asked.minutes * 60} AND t <= {until}"
        conditions = map(_condition, query.scope)
        where = " AND ".join([f"metric = {_quoted(query.metric)}", window, kind, *conditions])
        sql = _SQL.get(query.aggregator, _PERCENTILE) if query.as_count else _sampled(query.aggregator)
        rows = self._table.execute(
            sql.format(
                columns=columns,
                names=names,
                where=where,
                share=_share(query.aggregator),
                over=asked.over_time,
            )
        ).fetchall()
        return {tuple(zip(query.by, map(str, row[:-1]), strict=True)): float(row[-1]) for row in rows}


_SQL = {"sum": "SELECT {columns}sum(value) FROM points WHERE {where} GROUP BY ALL"}
_PERCENTILE = """
WITH merged AS (SELECT {columns}value AS v, sum(n) AS n FROM points WHERE {where} GROUP BY ALL),
ranked AS (
  SELECT *, sum(n) OVER (PARTITION BY {names}1 ORDER BY v) AS upto,
    sum(n) OVER (PARTITION BY {names}1) AS total
  FROM merged
)
SELECT {names}min(v) FROM ranked WHERE upto >= {share} * total GROUP BY ALL
"""
_MEAN = "SELECT {columns}sum(value) / sum(n) FROM points WHERE {where} GROUP BY ALL"
_GAUGE = f"""
WITH told AS (
  SELECT {{columns}}t // {_FLUSH_SECONDS} AS at, sum(value) AS v FROM points WHERE {{where}} GROUP BY ALL
)
SELECT {{names}}{{over}}(v) FROM told GROUP BY ALL
"""


def _sampled(aggregator: str) -> str:
    """Of what is no count: a percentile, a mean, or gauges, which are added up and then taken over time."""
    if aggregator.startswith("p"):
        return _PERCENTILE
    return _MEAN if aggregator == "avg" else _GAUGE


def _share(aggregator: str) -> float:
    return int(aggregator[1:]) / 100 if aggregator.startswith("p") else 0.0


def _rows(point: Point) -> Iterable[Sequence[object]]:
    pairs = dict(tag.partition(":")[::2] for tag in point.tags)
    keys, values = list(pairs), list(pairs.values())
    distribution = point.kind == "distribution"
    value, count = (point.sum, point.count) if distribution else (point.value, 1)
    yield point.timestamp, point.name, point.kind, value, count, keys, values
    for middle, inside in point.buckets:
        yield point.timestamp, point.name, _BUCKET, middle, inside, keys, values


def _condition(condition: Condition) -> str:
    values = ", ".join(map(_quoted, condition.values))
    held = f"coalesce(map_extract_value(tags, {_quoted(condition.key)}), '')"
    return f"{held} {'NOT ' if condition.negated else ''}IN ({values})"


def _combined(
    operator: str, left: dict[Group, float] | float, right: dict[Group, float] | float
) -> dict[Group, float] | float:
    """Group by group; one that is missing on a side has no value, nor has what is divided by nothing."""
    if isinstance(left, dict) and isinstance(right, dict):
        return {
            group: _calculated(operator, value, right[group])
            for group, value in left.items()
            if group in right and not (operator == "/" and right[group] == 0)
        }
    if isinstance(left, dict):
        assert isinstance(right, float)
        return {group: _calculated(operator, value, right) for group, value in left.items()}
    if isinstance(right, dict):
        return {group: _calculated(operator, left, value) for group, value in right.items()}
    return _calculated(operator, left, right)


def _calculated(operator: str, left: float, right: float) -> float:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    return left * right if operator == "*" else left / right


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
