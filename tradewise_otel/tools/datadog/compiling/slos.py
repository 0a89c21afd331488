"""Service level objectives: of a ratio, counted; of a percentile, in slices of five minutes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tradewise_otel.catalogue.queries import QUERIES
from tradewise_otel.catalogue.slos import SLOS
from tradewise_otel.catalogue.vocabulary import Query, Slo
from tradewise_otel.tools.datadog import marks

from . import asking
from .monitors import SCOPE, link

SLICE_SECONDS = 300
_QUERIES = {query.name: query for query in QUERIES}


def slos() -> Iterator[tuple[str, dict[str, Any]]]:
    """File stem and body of each."""
    for slo in SLOS:
        yield slo.name, {**_common(slo), **_indicator(slo, _QUERIES[slo.query])}


def _common(slo: Slo) -> dict[str, Any]:
    timeframe = f"{slo.days}d"
    return {
        "name": f"[TradeWise] {slo.title}",
        "description": f"{slo.runbook}\n\nRunbook: {link(slo.name)}",
        "tags": marks.tags(slo.name),
        "thresholds": [{"timeframe": timeframe, "target": slo.target}],
        "timeframe": timeframe,
        "target_threshold": slo.target,
    }


def _indicator(slo: Slo, query: Query) -> dict[str, Any]:
    if query.aggregate == "ratio":
        counts = {"numerator": asking.without(query, SCOPE), "denominator": asking.whole(query, SCOPE)}
        return {"type": "metric", "query": counts}
    asked = asking.metrics(query, SCOPE)
    return {
        "type": "time_slice",
        "sli_specification": {
            "time_slice": {
                "query": {
                    "formulas": [{"formula": asked.formula}],
                    "queries": [{"data_source": "metrics", "name": "a", "query": asked.queries[0]}],
                },
                "comparator": "<=",
                "threshold": slo.at_most,
                "query_interval_seconds": SLICE_SECONDS,
            }
        },
    }
