"""Every query in a resource: where it stands, in which language it is, and what is compared with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from .folder import Resource


@dataclass(frozen=True)
class Asked:
    """One query.

    Attributes:
        where: the title of the tile, or "" where the resource asks nothing else.
        language: how to read `text`; `…_alert` are whole monitors, `names` are tags of the metric `text`.
        compute: of a log query: what is aggregated, and how.
        by: of a log query: attributes that it groups by; of `names`: the tags.
        threshold: what the resource says beside the query of a monitor.
    """

    where: str
    language: Literal["metrics", "metric_alert", "logs", "log_alert", "burn_rate", "spans", "names"]
    text: str
    compute: tuple[str, str] = ("", "")
    by: tuple[str, ...] = ()
    threshold: float | None = None


def asked(resource: Resource) -> Iterator[Asked]:
    """All of a resource's, in reading order."""
    kinds = {
        "monitors": _of_monitor,
        "slos": _of_slo,
        "dashboards": _of_dashboard,
        "log-indexes": _of_index,
        "log-archives": _of_archive,
        "span-filters": _of_span_filter,
        "metric-tags": _of_metric_tags,
    }
    yield from kinds[resource.kind.folder](resource.body)


def _of_monitor(body: dict[str, Any]) -> Iterator[Asked]:
    languages: dict[str, Any] = {
        "query alert": "metric_alert",
        "log alert": "log_alert",
        "slo alert": "burn_rate",
    }
    threshold = body.get("options", {}).get("thresholds", {}).get("critical")
    yield Asked("", languages.get(body["type"], "metric_alert"), body["query"], threshold=threshold)


def _of_slo(body: dict[str, Any]) -> Iterator[Asked]:
    for side, text in body.get("query", {}).items():
        yield Asked(side, "metrics", text)
    for query in body.get("sli_specification", {}).get("time_slice", {}).get("query", {}).get("queries", []):
        yield Asked("time slice", "metrics", query["query"])


def _of_dashboard(body: dict[str, Any]) -> Iterator[Asked]:
    for widget in body["widgets"]:
        title = widget["definition"].get("title", "")
        for request in widget["definition"].get("requests", []):
            for query in request.get("queries", []):
                yield _of_tile(title, query)
            if "query_string" in request.get("query", {}):
                yield Asked(title, "logs", request["query"]["query_string"])


def _of_tile(title: str, query: dict[str, Any]) -> Asked:
    if query["data_source"] == "metrics":
        return Asked(title, "metrics", query["query"])
    compute = query["compute"]
    return Asked(
        title,
        "logs",
        query["search"]["query"],
        (compute["aggregation"], compute.get("metric", "")),
        tuple(group["facet"] for group in query.get("group_by", [])),
    )


def _of_index(body: dict[str, Any]) -> Iterator[Asked]:
    yield Asked("", "logs", body["filter"]["query"])


def _of_archive(body: dict[str, Any]) -> Iterator[Asked]:
    yield Asked("", "logs", body["data"]["attributes"]["query"])


def _of_span_filter(body: dict[str, Any]) -> Iterator[Asked]:
    yield Asked("", "spans", body["data"]["attributes"]["filter"]["query"])


def _of_metric_tags(body: dict[str, Any]) -> Iterator[Asked]:
    yield Asked("", "names", body["data"]["id"], by=tuple(body["data"]["attributes"]["tags"]))
