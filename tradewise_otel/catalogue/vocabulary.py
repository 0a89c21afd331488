"""The words in which the catalogue is written: rows and field marks, frozen, without behaviour.

Everything that the project knows about its telemetry is a row of one of these types in a sibling
module; documentation, the Collector's classify layer and the run-time tables are derived from them.
Imports nothing but the standard library, so that reading a fact never costs the app a dependency.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
RetentionClass = Literal["security_events", "audit_logs", "api_logs", "performance_logs", "debug_logs"]
Keeps = Literal["ratio", "record", "request"]
"""What an event does for the verdict: nothing (`ratio` decides), keep its own record, keep its request."""

Sensitivity = Literal["plain", "personal", "pseudonym"]
MetricKind = Literal["count", "distribution", "gauge"]
Channel = Literal["email", "slack", "pagerduty", "sms"]
Aggregate = Literal["count", "sum", "p50", "p95", "p99", "avg", "ratio"]


@dataclass(frozen=True)
class Field:
    """One field of a documented event, as an `Annotated` mark on a `TypedDict` key.

    Args:
        brief: what the value says, one sentence.
        example: a value of the right type, as it stands in a line.
        unit: `ms`, `s`, `1`, … or empty.
        semconv: the semantic-convention span attributes it can be read from, newest name first.
        sensitivity: `personal` data may be masked by a setting; a `pseudonym` leaves only hashed.
        max_length: longest string in characters before it is cut.
        tag: may be a metric tag (its values are few, or bounded by the limit of label sets).
        datadog: names at the Datadog log edge (contract 4): the documented one first where it is kept,
            without it where Datadog reserves it. Empty: the documented name alone. `duration` is in ns.
        facet: how Datadog should index it.
        filled: on every line of the event, though an app need not state it: the state store knows it.
    """

    brief: str
    example: object
    unit: str = ""
    semconv: tuple[str, ...] = ()
    sensitivity: Sensitivity = "plain"
    max_length: int = 1024
    tag: bool = False
    datadog: tuple[str, ...] = ()
    facet: Literal["facet", "measure", "none"] = "facet"
    filled: bool = False


@dataclass(frozen=True)
class EventType:
    """One documented event, or an open family of them.

    Args:
        name: the `event_type`; for an open family its prefix, such as `business_`.
        fields: the `TypedDict` that declares its fields; required keys are required fields.
        brief: what happened, one sentence.
        source: the heading in `monitoring.md`, or `contract` for an addition of ours.
        level: the usual level; `level_rules` says in words when it differs.
        retention: how long it is kept, by class.
        keeps: what it does for the verdict when `keeps_when` holds (always, when that is empty).
        keeps_when: the condition in words, empty for always.
        emitter: who makes it: `automatic`, `app`, or `state`.
        metrics: names of the metrics it feeds, before sampling.
        open_family: `name` is a prefix and further fields are welcome.
        stated: an app may state it by a typed call; only the server knows of requests.
    """

    name: str
    fields: type
    brief: str
    source: str
    level: Level
    retention: RetentionClass
    keeps: Keeps
    emitter: Literal["automatic", "app", "state"]
    keeps_when: str = ""
    level_rules: str = ""
    metrics: tuple[str, ...] = ()
    open_family: bool = False
    stated: bool = True


@dataclass(frozen=True)
class Metric:
    """One documented metric. `tags` are the label names; `fed_by` event names (`*` ends a prefix).

    `measures` are the fields that hold a distribution's values, in milliseconds; an event has one of them.
    """

    name: str
    kind: MetricKind
    unit: str
    brief: str
    tags: tuple[str, ...]
    fed_by: tuple[str, ...]
    measures: tuple[str, ...] = ()
    source: str = "contract"
    billed: bool = True
    """False: a semantic-convention twin that the Datadog edge drops, since it would be billed twice."""
    everywhere: bool = False
    """True: Collectors tell it too, and they belong to no service and no environment."""


@dataclass(frozen=True)
class Retention:
    """One retention class: days that are searchable, days that may be queried slowly, days in the archive."""

    name: RetentionClass
    documented: str
    index_days: int
    flex_days: int
    archive_days: int


@dataclass(frozen=True)
class SecretRule:
    """One kind of secret inside a text (contract 7).

    Args:
        id: short name; the record carries it, never a piece of the value.
        keywords: literals, lower case, of which one must be in the text: the cheap prefilter.
        pattern: RE2 syntax with one meaning in Python's `re`, in RE2 and in Go; group 1, if there is
            one, is what gets masked, else the whole match.
        trigger: RE2 pattern for raw JSON bytes: no `\\b`, `^`, `$`; may over-match, never under-match.
        example: a text that must be masked.
        near_miss: a text that looks alike and must survive.
    """

    id: str
    keywords: tuple[str, ...]
    pattern: str
    trigger: str
    example: str
    near_miss: str


@dataclass(frozen=True)
class Query:
    """One question, asked once and compiled for Datadog and for DuckDB (architecture 6).

    Args:
        name: identifier, used by alerts, dashboards and `tradewise-otel query`.
        title: the question in words, with its unit.
        data: `metric` (exact) or `logs` (kept records only).
        filter: `field: value` pairs that must hold. A value may begin with an operator (`>=400`, `!=healthy`)
            or list alternatives (`4xx|5xx`); metrics know no operators.
        aggregate: `count`, `sum`, a percentile, `avg`, or `ratio` (percent).
        of: metric name or log field that is aggregated; empty for record counts.
        numerator: for a `ratio` of two parts of one count, the extra filter of the part that is on top.
        per: for a `ratio` of two metrics, the one below.
        group: field names to group by.
        window_minutes: length of the window.
        bucket_minutes: one value for each so many minutes; 0 for one over the window.
        order: `desc` or `asc` by the value; empty for none.
        limit: rows at most, 0 for all.
        sql: the documented SQL where the document gives one, for the views of the laptop's store, which
            has all records and so is exact.
        exact_because: why a `logs` query counts what it asks for in spite of sampling, where its events
            are not always kept.
    """

    name: str
    title: str
    data: Literal["metric", "logs"]
    aggregate: Aggregate
    window_minutes: int
    of: str = ""
    filter: dict[str, str] = field(default_factory=dict)
    numerator: dict[str, str] = field(default_factory=dict)
    per: str = ""
    group: tuple[str, ...] = ()
    bucket_minutes: int = 0
    order: Literal["", "asc", "desc"] = ""
    limit: int = 0
    sql: str = ""
    exact_because: str = ""
    source: str = "contract"


@dataclass(frozen=True)
class Alert:
    """One alert: a query, a threshold, whom to tell, what to do first.

    Args:
        title: what is wrong, as a headline.
        query: name of the `Query`; the alert fires when its value, or that of one group, crosses
            `threshold` (in `unit`, over `window_minutes`).
        or_query: a second query that fires it too, above `or_threshold`; empty for none.
        alternative_query: what a setting may put in the place of `query`; empty for none.
        notify: the channels; of the documented alerts, the documented ones.
        runbook: what it means, where to look first, what to do.
        missing: what no data means: all is well, or the very thing to tell.
    """

    name: str
    title: str
    query: str
    operator: Literal[">", ">=", "<"]
    threshold: float
    unit: str
    window_minutes: int
    notify: tuple[Channel, ...]
    runbook: str
    or_query: str = ""
    or_threshold: float = 0
    alternative_query: str = ""
    missing: Literal["well", "tell"] = "well"
    source: str = "Critical Alert Conditions"


@dataclass(frozen=True)
class Slo:
    """A promise over a month, and how fast its error budget may burn before somebody is told.

    Args:
        query: name of a `ratio` query, whose numerator is the bad part of a count; or of a percentile, which
            must stay at or below `at_most` in each five minutes.
        target: percent of responses, or of time.
        runbook: what to do when its budget burns.
    """

    name: str
    title: str
    query: str
    target: float
    days: Literal[7, 30, 90]
    runbook: str
    at_most: float = 0


@dataclass(frozen=True)
class BurnRate:
    """How fast a budget burns, as a multiple of what would use it up exactly: over both windows."""

    name: str
    rate: float
    long_window: str
    short_window: str
    notify: tuple[Channel, ...]


@dataclass(frozen=True)
class Tile:
    """One question on a dashboard: a `Query` and how its answer is shown."""

    query: str
    show: Literal["line", "bars", "top", "number", "records"]


@dataclass(frozen=True)
class Dashboard:
    """Questions that are looked at together."""

    name: str
    title: str
    brief: str
    tiles: tuple[Tile, ...]
