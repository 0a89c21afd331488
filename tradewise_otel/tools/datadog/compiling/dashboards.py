"""Dashboards: the catalogue's, one widget a tile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tradewise_otel.catalogue.dashboards import DASHBOARDS
from tradewise_otel.catalogue.queries import QUERIES
from tradewise_otel.catalogue.vocabulary import Dashboard, Query, Tile
from tradewise_otel.tools.datadog import marks

from . import asking

VARIABLES = ("env", "service")
_QUERIES = {query.name: query for query in QUERIES}
_DEFAULT_LIMIT = 20


def dashboards() -> Iterator[tuple[str, dict[str, Any]]]:
    """File stem and body of each."""
    for row in DASHBOARDS:
        yield row.name, _dashboard(row)


def _dashboard(row: Dashboard) -> dict[str, Any]:
    return {
        "title": row.title,
        "description": f"{row.brief}\n\n{marks.line(row.name)}",
        "layout_type": "ordered",
        "reflow_type": "auto",
        "template_variables": [
            {"name": name, "prefix": name, "available_values": [], "defaults": ["*"]} for name in VARIABLES
        ],
        "widgets": [{"definition": _widget(tile, _QUERIES[tile.query])} for tile in row.tiles],
    }


def _widget(tile: Tile, query: Query) -> dict[str, Any]:
    kinds = {"line": _series, "bars": _series, "top": _top, "number": _number, "records": _records}
    title = f"Records: {query.title.partition(' (')[0]}" if tile.show == "records" else query.title
    return {"title": title, **kinds[tile.show](tile, query)}


def _series(tile: Tile, query: Query) -> dict[str, Any]:
    request = {
        "response_format": "timeseries",
        "display_type": tile.show,
        **_asked(query, {}),
    }
    return {"type": "timeseries", "show_legend": True, "requests": [request]}


def _top(_tile: Tile, query: Query) -> dict[str, Any]:
    count = query.limit or _DEFAULT_LIMIT
    order = {"type": "formula", "index": 0, "order": query.order or "desc"}
    request = {
        "response_format": "scalar",
        **_asked(query, {"aggregator": _over_time(query)}),
        "sort": {"count": count, "order_by": [order]},
    }
    return {"type": "toplist", "requests": [request]}


def _number(_tile: Tile, query: Query) -> dict[str, Any]:
    request = {"response_format": "scalar", **_asked(query, {"aggregator": _over_time(query)})}
    return {"type": "query_value", "precision": 0, "requests": [request]}


def _records(_tile: Tile, query: Query) -> dict[str, Any]:
    asked = {
        "data_source": "logs_stream",
        "query_string": asking.search(query, _scope(" ")),
        "indexes": [],
        "sort": {"column": "timestamp", "order": "desc"},
    }
    columns = [("status_line", "auto"), ("timestamp", "auto"), ("service", "auto"), ("content", "auto")]
    return {
        "type": "list_stream",
        "requests": [
            {
                "response_format": "event_list",
                "query": asked,
                "columns": [{"field": field, "width": width} for field, width in columns],
            }
        ],
    }


def _asked(query: Query, extra: dict[str, Any]) -> dict[str, Any]:
    """Queries and formulas of a question, in the form of widgets."""
    if query.data == "logs":
        return {"queries": [_log_query(query)], "formulas": [{"formula": "a"}]}
    asked = asking.metrics(query, _scope(" AND "))
    queries = [
        {"data_source": "metrics", "name": name, "query": text, **extra}
        for name, text in zip("ab", asked.queries, strict=False)
    ]
    return {"queries": queries, "formulas": [{"formula": asked.formula}]}


def _log_query(query: Query) -> dict[str, Any]:
    compute: dict[str, Any] = {"aggregation": query.aggregate}
    if query.of:
        compute["metric"] = asking.attribute(query.of)
    sort = {**compute, "order": query.order or "desc"}
    limit = query.limit or _DEFAULT_LIMIT
    return {
        "data_source": "logs",
        "name": "a",
        "search": {"query": asking.search(query, _scope(" "))},
        "indexes": ["*"],
        "compute": compute,
        "group_by": [
            {"facet": asking.attribute(field), "limit": limit, "sort": sort} for field in query.group
        ],
    }


def _over_time(query: Query) -> str:
    if query.aggregate in asking.PERCENTILES:
        return "percentile"
    return "sum" if query.data == "metric" and asking.metric_of(query).kind == "count" else "avg"


def _scope(joint: str) -> str:
    return joint.join(f"${name}" for name in VARIABLES)
