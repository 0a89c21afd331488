"""What there is to ask for: metrics with their tags, attributes of records and spans with their types.

From the catalogue, which is what should be sent; or from a recording, which is what was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from typing_extensions import get_type_hints

from tradewise_otel.catalogue.envelope import Line
from tradewise_otel.catalogue.events import EVENTS, PLAIN
from tradewise_otel.catalogue.lookup import fields_of, runtime_types
from tradewise_otel.catalogue.metrics import METRICS
from tradewise_otel.catalogue.vocabulary import Field
from tradewise_otel.tools.generate.edge import metric_tag

if TYPE_CHECKING:
    # What only a recording needs is not in everybody's installation.
    from tradewise_otel.tools.standin.received import Received

RECORD_TAGS = frozenset({"env", "service", "version", "host", "status", "source"})
"""What a log search names without `@`."""

_METRIC_TAGS = ("env", "service", "version")
_STAMPED: dict[str, type] = {
    "retention_class": str,
    "sampling.reason": str,
    "sampling.weight": float,
    "event_type": str,
    "event_id": str,
}
"""Attributes that Collector or app put on every record, and that are no event's fields."""


@dataclass
class MetricFacts:
    """A metric's kind, and the keys of its tags."""

    kind: str
    tags: set[str] = field(default_factory=set)


@dataclass
class Known:
    """Metrics by name; attributes of logs and of spans by name, with the types seen.

    Attributes:
        source: what to say in messages: where something was looked for.
    """

    source: str
    metrics: dict[str, MetricFacts] = field(default_factory=dict)
    logs: dict[str, set[type]] = field(default_factory=dict)
    spans: dict[str, set[type]] = field(default_factory=dict)


def from_catalogue() -> Known:
    """What the catalogue says is sent, under its names at Datadog."""
    known = Known("the catalogue")
    for row in METRICS:
        tags = {*map(metric_tag, row.tags), *_METRIC_TAGS}
        known.metrics[row.name] = MetricFacts(row.kind, tags)
    known.logs = {name: {kind} for name, kind in _STAMPED.items()}
    for event in (*EVENTS, PLAIN):
        _add_fields(known, event.fields)
    _add_fields(known, Line)
    known.spans = known.logs
    return known


def from_recording(received: Received) -> Known:
    """What a recording of Datadog's stand-in has."""
    known = Known("the recording")
    for point in received.metrics:
        facts = known.metrics.setdefault(point.name, MetricFacts(point.kind))
        facts.tags.update(tag.partition(":")[0] for tag in point.tags)
    for log in received.logs:
        _add_values(known.logs, log.attributes.items())
    for span in received.spans:
        _add_values(known.spans, span.meta.items())
        _add_values(known.spans, span.metrics.items())
    return known


def is_number(types: Iterable[type]) -> bool:
    """Whether all of some types are numbers."""
    return all(kind in (int, float) for kind in types)


def _add_fields(known: Known, shape: Any) -> None:
    hints = get_type_hints(shape, include_extras=True)
    for name, mark in fields_of(shape).items():
        for target in _names(name, mark):
            known.logs.setdefault(target, set()).update(runtime_types(hints[name]))


def _names(name: str, mark: Field) -> tuple[str, ...]:
    return mark.datadog or (name,)


def _add_values(found: dict[str, set[type]], attributes: Iterable[tuple[str, Any]]) -> None:
    for name, value in attributes:
        found.setdefault(name, set()).add(type(value))
