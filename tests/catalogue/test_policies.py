"""The catalogue obeys its policies, and each policy finds a planted offence."""

# No `from __future__ import annotations` here, as in the catalogue: the planted shapes are TypedDicts.

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import policies
import pytest
from typing_extensions import TypedDict

from tradewise_otel.catalogue.alerts import ALERTS as DOCUMENTED_ALERTS
from tradewise_otel.catalogue.alerts import OPERATIONAL
from tradewise_otel.catalogue.events import EVENTS, PLAIN
from tradewise_otel.catalogue.lookup import event_for
from tradewise_otel.catalogue.metrics import METRICS
from tradewise_otel.catalogue.queries import QUERIES
from tradewise_otel.catalogue.retention import RETENTION
from tradewise_otel.catalogue.vocabulary import Field

ROWS = (*EVENTS, PLAIN)
MARK = Field("What it says.", "x")


class Textless(TypedDict):
    """Planted: a field that explains nothing."""

    colour: Annotated[str, Field("", "red")]


class WrongExample(TypedDict):
    """Planted: an example of another type."""

    waiting: Annotated[float, MARK]


class OtherType(TypedDict):
    """Planted: a documented name with another type."""

    status_code: Annotated[str, MARK]


class Unmarked(TypedDict):
    """Planted: a key without a mark."""

    colour: str


class Unitless(TypedDict):
    """Planted: a time span without a unit."""

    waiting_ms: Annotated[float, Field("Wait.", 1.5)]


class Exposed(TypedDict):
    """Planted: a pseudonym that is a facet."""

    device_id: Annotated[str, Field("Device.", "x", sensitivity="pseudonym")]


class Reserved(TypedDict):
    """Planted: names that Datadog takes for its own, one of them kept beside its wire name."""

    host: Annotated[str, MARK]
    status: Annotated[str, Field("State.", "x", datadog=("status", "event.status"))]


class Refused(TypedDict):
    """Planted: a name that a log record has already."""

    module: Annotated[str, MARK]


def with_shape(shape: Any) -> tuple[Any, ...]:
    """The real rows and one more of the given shape."""
    return (*ROWS, replace(PLAIN, name="planted", fields=shape))


ON_EVENTS: list[tuple[Callable[..., list[str]], tuple[Any, ...], int]] = [
    (policies.texts_missing, with_shape(Textless), 1),
    (policies.texts_missing, (replace(PLAIN, source=""),), 1),
    (policies.examples_of_another_type, with_shape(WrongExample), 1),
    (policies.names_repeated, (*ROWS, PLAIN), 1),
    (policies.types_disagree, with_shape(OtherType), 1),
    (policies.unmarked_fields, with_shape(Unmarked), 1),
    (policies.units_missing, with_shape(Unitless), 1),
    (policies.pseudonyms_exposed, with_shape(Exposed), 1),
    (policies.reserved_names, with_shape(Reserved), 2),
    (policies.refused_by_logging, with_shape(Refused), 1),
]

EACH_ONCE = list(dict.fromkeys(policy for policy, _, _ in ON_EVENTS))

ALERTS = (*DOCUMENTED_ALERTS, *OPERATIONAL)
ALERT, QUERY, METRIC = ALERTS[0], QUERIES[0], METRICS[0]
RECORDS = next(query for query in QUERIES if query.exact_because)
PLANTED = replace(PLAIN, name="planted")
FEEDING = replace(PLANTED, metrics=(METRIC.name,))
ASTRAY = replace(PLANTED, metrics=("no.such.metric",))
ORPHAN = replace(METRIC, name="orphan", fed_by=("nobody",))


def with_alert(**changes: Any) -> tuple[Any, ...]:
    """Tables of alerts and queries with one changed alert."""
    return ((replace(ALERT, **changes),), QUERIES)


def with_query(**changes: Any) -> tuple[Any, ...]:
    """Tables of queries, metrics and events with one changed query."""
    return ((replace(QUERY, **changes),), METRICS, ROWS)


def with_records(**changes: Any) -> tuple[Any, ...]:
    """Tables of queries and events with one query over records that gives no reason."""
    return ((replace(RECORDS, exact_because="", **changes),), ROWS)


# Policies over several tables: the policy, the real tables, tables with an offence, how many findings.
ON_TABLES: list[tuple[Callable[..., list[str]], tuple[Any, ...], tuple[Any, ...], int]] = [
    (policies.retention_unknown, (ROWS, RETENTION), ((PLAIN,), RETENTION[:1]), 1),
    (policies.feeding_disagrees, (ROWS, METRICS), (ROWS, (*METRICS, ORPHAN)), 1),
    (policies.feeding_disagrees, (ROWS, METRICS), ((*ROWS, ASTRAY), METRICS), 1),
    (policies.feeding_disagrees, (ROWS, METRICS), ((*ROWS, FEEDING), METRICS), 1),
    (policies.tags_unbounded, (ROWS, METRICS), (ROWS, (replace(METRIC, tags=("user_id",)),)), 1),
    (policies.alerts_without_query, (ALERTS, QUERIES), with_alert(query="nothing"), 1),
    (policies.alerts_without_query, (ALERTS, QUERIES), with_alert(or_query="nothing"), 1),
    (policies.alerts_without_query, (ALERTS, QUERIES), with_alert(window_minutes=7, alternative_query=""), 1),
    (policies.alerts_without_query, (ALERTS, QUERIES), with_alert(runbook=""), 1),
    (policies.queries_broken, (QUERIES, METRICS, ROWS), with_query(of="nothing"), 1),
    (policies.queries_broken, (QUERIES, METRICS, ROWS), with_query(group=("path",)), 1),
    (policies.queries_broken, (QUERIES, METRICS, ROWS), with_query(per="nothing"), 1),
    (policies.queries_broken, (QUERIES, METRICS, ROWS), ((QUERY, QUERY), METRICS, ROWS), 2),
    (policies.counts_of_sampled_records, (QUERIES, ROWS), with_records(), 1),
    (policies.counts_of_sampled_records, (QUERIES, ROWS), with_records(filter={}), 1),
]


def rule(value: object) -> str:
    """A readable test id: the policy's name."""
    return getattr(value, "__name__", "")


@pytest.mark.parametrize("policy", EACH_ONCE, ids=rule)
def test_every_event_obeys(policy: Callable[..., list[str]]) -> None:
    """No row of the real catalogue may break a policy."""
    assert policy(ROWS) == []


@pytest.mark.parametrize(("policy", "planted", "findings"), ON_EVENTS, ids=rule)
def test_an_offending_event_is_found(policy: Callable[..., list[str]], planted: Any, findings: int) -> None:
    """A planted offence must be reported, else the policy proves nothing."""
    assert len(policy(planted)) == findings


@pytest.mark.parametrize(("policy", "real", "planted", "findings"), ON_TABLES, ids=rule)
def test_tables_agree(policy: Callable[..., list[str]], real: Any, planted: Any, findings: int) -> None:
    """Rows of different tables must fit together, and a planted misfit must be reported."""
    assert policy(*real) == []
    assert len(policy(*planted)) == findings


def test_records_by_level_are_kept_whole() -> None:
    """A count of records from WARNING needs no reason: the verdict keeps all of them."""
    by_level = replace(RECORDS, exact_because="", filter={"level": "ERROR|CRITICAL"})
    assert policies.counts_of_sampled_records([by_level], ROWS) == []


def test_what_the_document_calls_always_logged_is_kept() -> None:
    """Security, business and audit events must never depend on the sampling rate."""
    for event_type in (
        "security_x",
        "business_x",
        "audit_x",
        "security_login_failed",
        "business_user_registered",
    ):
        event = event_for(event_type)
        assert (event.keeps, event.keeps_when) in {("record", ""), ("request", "")}


def test_retention_holds_what_the_document_promises() -> None:
    """Index, slow tier and archive together must reach the documented age."""
    days = {"2_years": 730, "7_years": 2555, "90_days": 90, "30_days": 30, "7_days": 7}
    for row in RETENTION:
        assert max(row.index_days, row.flex_days, row.archive_days) == days[row.documented]
