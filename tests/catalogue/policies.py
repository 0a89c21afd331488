"""What every row of the catalogue must obey: one function a rule, each returns its findings as sentences.

Kept apart from the tests, so that each rule can be run on the real rows and on a planted bad one.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator
from fnmatch import fnmatchcase

from typing_extensions import get_type_hints

from tradewise_otel.catalogue.common import DATADOG_IDS, DATADOG_RESERVED
from tradewise_otel.catalogue.lookup import fields_of, fits, runtime_types
from tradewise_otel.catalogue.metrics import DERIVED_TAGS
from tradewise_otel.catalogue.vocabulary import Alert, EventType, Field, Metric, Query, Retention

# Formatting adds `message` and `asctime`; Python 3.12 added `taskName`.
REFUSED_BY_LOGGING = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
KEPT_LEVELS = {"WARNING", "ERROR", "CRITICAL"}


def marks(events: Iterable[EventType]) -> Iterator[tuple[str, str, Field]]:
    """Event name, field name and mark, of every field of every event."""
    for event in events:
        for name, mark in fields_of(event.fields).items():
            yield event.name, name, mark


def texts_missing(events: Iterable[EventType]) -> list[str]:
    """Brief and source of every event, brief and example of every field, or it cannot be explained."""
    events = list(events)
    found = [f"{event.name}: no brief or no source" for event in events if not (event.brief and event.source)]
    found += [
        f"{event}.{name}: no brief or no example"
        for event, name, mark in marks(events)
        if not mark.brief or mark.example in (None, "")
    ]
    return found


def examples_of_another_type(events: Iterable[EventType]) -> list[str]:
    """An example is a value that the field may have."""
    return [
        f"{event.name}.{name}: the example is no {types}"
        for event in events
        for name, hint in get_type_hints(event.fields, include_extras=True).items()
        for types in (runtime_types(hint),)
        if name in fields_of(event.fields) and not fits(fields_of(event.fields)[name].example, types)
    ]


def names_repeated(events: Iterable[EventType]) -> list[str]:
    """An event type has one row."""
    names = [event.name for event in events]
    return sorted({name for name in names if names.count(name) > 1})


def types_disagree(events: Iterable[EventType]) -> list[str]:
    """One name, one type: a column of a table and a facet have only one."""
    seen: dict[str, tuple[type, ...]] = {}
    found = []
    for event in events:
        for name, hint in get_type_hints(event.fields, include_extras=True).items():
            types = runtime_types(hint)
            if seen.setdefault(name, types) != types:
                found.append(f"{event.name}.{name}: {types}, elsewhere {seen[name]}")
    return found


def unmarked_fields(events: Iterable[EventType]) -> list[str]:
    """Every key of an event has a mark: a bare annotation is invisible to all who read the catalogue."""
    return [
        f"{event.name}.{name}: no Field"
        for event in events
        for name in get_type_hints(event.fields)
        if name not in fields_of(event.fields)
    ]


def units_missing(events: Iterable[EventType]) -> list[str]:
    """A name that ends in its unit is marked with it."""
    units = {"_ms": "ms", "_seconds": "s"}
    return [
        f"{event}.{name}: unit {mark.unit!r}"
        for event, name, mark in marks(events)
        for ending, unit in units.items()
        if name.endswith(ending) and mark.unit != unit
    ]


def pseudonyms_exposed(events: Iterable[EventType]) -> list[str]:
    """A pseudonym is neither facet nor tag: nobody should be ranked or billed by it."""
    return [
        f"{event}.{name}: a pseudonym as facet or tag"
        for event, name, mark in marks(events)
        if mark.sensitivity == "pseudonym" and (mark.tag or mark.facet != "none")
    ]


def reserved_names(events: Iterable[EventType]) -> list[str]:
    """A field that Datadog reserves has a wire name that is free there."""
    return [
        f"{event}.{name}: reserved by Datadog, give it a wire name"
        for event, name, mark in marks(events)
        if name in (DATADOG_RESERVED | DATADOG_IDS) and (not mark.datadog or name in mark.datadog)
    ]


def refused_by_logging(events: Iterable[EventType]) -> list[str]:
    """`logger.info(..., extra=...)` raises for some names, so no event may need them."""
    return [
        f"{event}.{name}: refused by extra=" for event, name, _ in marks(events) if name in REFUSED_BY_LOGGING
    ]


def retention_unknown(events: Iterable[EventType], retention: Iterable[Retention]) -> list[str]:
    """Every event belongs to a class that has a row."""
    known = {row.name for row in retention}
    return [f"{event.name}: no class {event.retention}" for event in events if event.retention not in known]


def feeding_disagrees(events: Iterable[EventType], metrics: Iterable[Metric]) -> list[str]:
    """An event names a metric exactly when the metric names the event."""
    events, metrics = list(events), list(metrics)
    found = [
        f"{event.name}: no metric {name}"
        for event in events
        for name in event.metrics
        if name not in {metric.name for metric in metrics}
    ]
    for metric in metrics:
        for event in events:
            named = any(fnmatchcase(event.name, pattern) for pattern in metric.fed_by)
            if named != (metric.name in event.metrics):
                found.append(f"{metric.name} and {event.name}: only one names the other")
        found += _patterns_without_event(metric, events)
    return found


def _patterns_without_event(metric: Metric, events: Collection[EventType]) -> list[str]:
    return [
        f"{metric.name}: nothing is called {pattern}"
        for pattern in metric.fed_by
        if not any(fnmatchcase(event.name, pattern) for event in events)
    ]


def tags_unbounded(events: Iterable[EventType], metrics: Iterable[Metric]) -> list[str]:
    """A tag of a billed metric is a field marked as one, the event type, or a derived tag."""
    allowed = {name for _, name, mark in marks(events) if mark.tag} | set(DERIVED_TAGS) | {"event_type"}
    return [
        f"{metric.name}: tag {tag} is not marked as one"
        for metric in metrics
        for tag in metric.tags
        if metric.billed and tag not in allowed
    ]


def alerts_without_query(alerts: Iterable[Alert], queries: Iterable[Query]) -> list[str]:
    """An alert asks a query that exists, over the same window, and says what to do."""
    by_name = {query.name: query for query in queries}
    found = []
    for alert in alerts:
        for name in filter(None, (alert.query, alert.or_query, alert.alternative_query)):
            if name not in by_name:
                found.append(f"{alert.name}: no query {name}")
            elif by_name[name].window_minutes != alert.window_minutes:
                found.append(f"{alert.name}: {name} looks at another window")
        if not alert.runbook:
            found.append(f"{alert.name}: no runbook")
    return found


def queries_broken(
    queries: Iterable[Query], metrics: Iterable[Metric], events: Iterable[EventType]
) -> list[str]:
    """A query asks for metrics, tags and fields that exist, under a title of its own."""
    queries, events = list(queries), list(events)
    tags = {metric.name: set(metric.tags) for metric in metrics}
    fields = {name for _, name, _ in marks(events)} | {"event_type", "level"}
    titles = [query.title for query in queries]
    found = [f"{query.name}: title is not its own" for query in queries if titles.count(query.title) > 1]
    for query in queries:
        absent = {query.of, query.per or query.of} - tags.keys() if query.data == "metric" else set()
        if absent:
            found += [f"{query.name}: no metric {name}" for name in sorted(absent)]
            continue
        known = tags[query.of] if query.data == "metric" else fields
        used = {*query.filter, *query.numerator, *query.group}
        found += [f"{query.name}: nothing is called {name}" for name in sorted(used - known)]
    return found


def counts_of_sampled_records(queries: Iterable[Query], events: Iterable[EventType]) -> list[str]:
    """A query over records may aggregate only those that are always kept; all else is a metric's work."""
    events = list(events)
    return [
        f"{query.name}: some of these records are sampled out; ask a metric instead"
        for query in queries
        if query.data == "logs" and not query.exact_because and not _kept_whole(query, events)
    ]


def _kept_whole(query: Query, events: Collection[EventType]) -> bool:
    levels = set(query.filter.get("level", "DEBUG").split("|"))
    whole = {event.name for event in events if event.keeps != "ratio" and not event.keeps_when}
    asked = [
        name for pattern in query.filter.get("event_type", "").split("|") for name in _rows(pattern, events)
    ]
    return levels <= KEPT_LEVELS or all(name in whole for name in asked)


def _rows(pattern: str, events: Iterable[EventType]) -> list[str]:
    """The names that a filter on `event_type` asks for; a pattern also those with a row of their own."""
    if not pattern.endswith("*"):
        return [pattern]
    return [event.name for event in events if event.name.startswith(pattern[:-1])]
