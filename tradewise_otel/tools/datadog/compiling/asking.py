"""A question of the catalogue in Datadog's languages: metric queries, log searches, their formulas.

Names are those at Datadog, behind the edge: reserved ones have another there (contract 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tradewise_otel.catalogue.lookup import edge_fields
from tradewise_otel.catalogue.metrics import METRICS
from tradewise_otel.catalogue.vocabulary import Metric, Query
from tradewise_otel.tools.generate.edge import metric_tag

PERCENTILES = ("p50", "p95", "p99")
_METRICS = {metric.name: metric for metric in METRICS}


@dataclass(frozen=True)
class Asked:
    """A question about metrics: its queries, named `a`, `b` … in this order, and a formula over them."""

    queries: tuple[str, ...]
    formula: str

    @property
    def text(self) -> str:
        """Formula and queries in one, as monitors have it."""
        names = dict(zip("ab", self.queries, strict=False))
        return "".join(names.get(letter, letter) for letter in self.formula)


def metric_of(query: Query) -> Metric:
    """The metric that a question about metrics is asked of."""
    return _METRICS[query.of]


def metrics(query: Query, scope: str, group: Iterable[str] = ()) -> Asked:
    """A question about metrics.

    Args:
        scope: conditions joined by ` AND `, such as `env:production`; what Collectors tell has none.
        group: further tags to group by, before the question's own.
    """
    conditions = [] if metric_of(query).everywhere else [scope]
    conditions += [_condition(tag, value) for tag, value in query.filter.items()]
    by = tuple(dict.fromkeys((*group, *map(metric_tag, query.group))))
    if query.aggregate != "ratio":
        return Asked((_metric(query.aggregate, metric_of(query), conditions, by),), "a")
    part = [_condition(tag, value) for tag, value in query.numerator.items()]
    above = _metric("sum", metric_of(query), [*conditions, *part], by)
    return Asked((above, _metric("sum", _METRICS[query.per or query.of], conditions, by)), "100 * (a / b)")


def without(query: Query, scope: str) -> str:
    """The count that a `ratio`'s numerator leaves: of what went well, where the numerator is what did not."""
    part = [f"NOT {_condition(tag, value)}" for tag, value in query.numerator.items()]
    return _metric("sum", metric_of(query), [scope, *part], ())


def whole(query: Query, scope: str) -> str:
    """The count that is below in a `ratio`."""
    return metrics(query, scope).queries[1]


def search(query: Query, scope: str) -> str:
    """The log search of a question about records."""
    return " ".join(filter(None, (scope, *_searched(query))))


def attribute(field: str) -> str:
    """A field in a log search, a facet or a measure: `@` and its name at Datadog."""
    mark = edge_fields().get(field)
    return f"@{mark.datadog[0] if mark else field}"


def _metric(aggregate: str, metric: Metric, conditions: list[str], by: tuple[str, ...]) -> str:
    # Commas and IN do not go together in one scope.
    scope = " AND ".join(conditions) or "*"
    grouped = f" by {{{','.join(by)}}}" if by else ""
    counted = ".as_count()" if metric.kind == "count" else ""
    return f"{aggregate}:{metric.name}{{{scope}}}{grouped}{counted}"


def _condition(tag: str, value: str) -> str:
    if "|" in value:
        return f"{metric_tag(tag)} IN ({value.replace('|', ',')})"
    return f"{metric_tag(tag)}:{value}"


def _searched(query: Query) -> Iterator[str]:
    for field, value in query.filter.items():
        if value.startswith("!="):
            yield f"-{attribute(field)}:{value[2:]}"
        elif "|" in value:
            yield f"{attribute(field)}:({value.replace('|', ' OR ')})"
        else:
            yield f"{attribute(field)}:{value}"
