"""Which tags of a metric can be asked for, and which metrics have percentiles; other tags cost nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tradewise_otel.catalogue.metrics import METRICS
from tradewise_otel.catalogue.vocabulary import Metric
from tradewise_otel.tools.generate.edge import metric_tag

RESOURCE_TAGS = ("service", "env", "version")
"""Of every metric of an app; `service.instance.id` keeps workers apart on the way, and is not for asking."""


def metric_tags() -> Iterator[tuple[str, dict[str, Any]]]:
    """File stem and body of each metric that Datadog gets."""
    for row in METRICS:
        if row.billed:
            yield row.name, _configuration(row)


def _configuration(row: Metric) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "metric_type": row.kind,
        "tags": sorted({*map(metric_tag, row.tags), *RESOURCE_TAGS}),
    }
    if row.kind == "distribution":
        attributes["include_percentiles"] = True
    return {"data": {"type": "manage_tags", "id": row.name, "attributes": attributes}}
