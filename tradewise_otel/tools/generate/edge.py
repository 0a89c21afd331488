"""The Collector's edge layer, from the catalogue: documented names to those that Datadog leaves alone.

Right before the Datadog exporters, so that stdout, files and other backends keep the documented names.
Sources: contract 4 for the names; Datadog's lists of reserved log attributes; its intake's limit of 18 hours
on a log's age, and its refusal of cumulative metrics.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tradewise_otel.catalogue.common import DATADOG_IDS, DATADOG_RESERVED
from tradewise_otel.catalogue.events import EVENTS
from tradewise_otel.catalogue.lookup import edge_fields, fields_of
from tradewise_otel.catalogue.metrics import METRICS
from tradewise_otel.catalogue.vocabulary import Field

from .ottl import fill, group

HEADER = """\
# Generated from tradewise_otel/catalogue/ by `tradewise-otel generate`; do not edit.
# Documented names to names that Datadog gives no meaning of its own; what its intakes refuse.
# Loaded by `tradewise-otel collector run --role gateway`.

processors:
"""
MAX_LOG_AGE_HOURS = 17
"""Datadog refuses logs dated more than 18 hours back; the rest is for the time that a record waits here."""

RESERVED_TAGS = ("service", "host", "env", "version")
"""Datadog's own metric tags; they come from the resource."""


_CUMULATIVE = "metric.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE"
_HAS_TRACE = f"log.trace_id != TraceID(0x{'0' * 32})"


def edge() -> str:
    """The text of `collector/config/edge.generated.yaml`."""
    return HEADER + "".join(f"{line}\n" for line in (*_transform(), "", *_cumulative(), "", *_filter()))


def metric_tag(name: str) -> str:
    """What a tag of a metric is called at Datadog."""
    if name not in RESERVED_TAGS:
        return name
    return "peer.service" if name == "service" else f"event.{name}"


def _transform() -> Iterator[str]:
    yield "  # Last before the Datadog exporters: nothing of ours reads these names any more."
    yield "  transform/edge:"
    yield "    error_mode: ignore"
    yield "    log_statements:"
    yield from group("Names with a target of their own.", "", _renames())
    yield from group(
        "All others that Datadog reserves: event.<name>. Ids that the record has as such are copies.",
        "",
        _reserved(),
    )
    yield from group(
        "The documented name stays; Datadog's standard attribute comes beside it.", "", _copies()
    )
    yield from group(
        "Dates that the intake would refuse; the real one goes to event.timestamp.", "", _dates()
    )
    yield from group(
        "The language chooses Datadog's pipeline, as its own agents do.",
        "",
        [fill("log", "datadog.log.source", 'resource.attributes["telemetry.sdk.language"]')],
    )
    yield "    metric_statements:"
    up_and_down = f"metric.type == METRIC_DATA_TYPE_SUM and metric.is_monotonic == false and {_CUMULATIVE}"
    yield from group(
        "What goes up and down is a gauge for Datadog.", "", [f"convert_sum_to_gauge() where {up_and_down}"]
    )
    yield from group(
        "Workers write the same series in the same second, and there the last write wins.", "", _metric_tags()
    )


def _cumulative() -> Iterator[str]:
    yield "  # Before the rest of the edge: other services' counters. The intake takes deltas only; ours are."
    yield "  cumulativetodelta: {}"


def _filter() -> Iterator[str]:
    twins = "|".join(_ottl(re.escape(row.name)) for row in METRICS if not row.billed)
    yield "  # After it: what is cumulative still cannot be sent; one such metric fails its whole request."
    yield "  filter/edge:"
    yield "    error_mode: propagate"
    yield "    metric_conditions:"
    yield f"      - {_CUMULATIVE}"
    yield "      # Datadog's own envelope for statistics: nobody but the connector may send one."
    yield '      - metric.name == "dd.internal.stats.payload"'
    yield "      # Twins of documented metrics, which Datadog would bill a second time."
    ours = 'resource.attributes["telemetry.distro.name"] == "tradewise-otel"'
    yield f'      - {ours} and IsMatch(metric.name, "^({twins})$$")'


def _renames() -> Iterator[str]:
    """Names for which `event.<name>` is not all, or not right."""
    for name, mark in sorted(edge_fields().items()):
        if name in DATADOG_RESERVED - {"error"}:
            for target in mark.datadog:
                yield fill("log", target, f'log.attributes["{name}"]', _where(name, target))
    # An object named `error` is what Datadog's error tracking reads; a text is not.
    yield fill("log", "event.error", 'log.attributes["error"]', 'IsString(log.attributes["error"])')
    yield 'delete_key(log.attributes, "error") where IsString(log.attributes["error"])'
    for name in sorted((DATADOG_RESERVED - {"error"}) & edge_fields().keys()):
        yield f'delete_key(log.attributes, "{name}")'


def _where(name: str, target: str) -> str:
    """The events that have the target, where others with the same field do not."""
    having = [event for event in EVENTS if name in fields_of(event.fields)]
    named = [event.name for event in having if target in fields_of(event.fields)[name].datadog]
    if len(named) == len(having):
        return ""
    return " or ".join(f'log.attributes["event_type"] == "{event}"' for event in named)


def _reserved() -> Iterator[str]:
    ids = "|".join(sorted(re.escape(name) for name in DATADOG_IDS))
    names = "|".join(sorted(re.escape(name) for name in DATADOG_RESERVED - {"error"}))
    yield f'delete_matching_keys(log.attributes, "{_ottl(f"^(?i:{ids})$")}") where {_HAS_TRACE}'
    yield f'replace_all_patterns(log.attributes, "key", "{_ottl(f"^((?i:{names}))$")}", "event.$1")'


def _copies() -> Iterator[str]:
    for name, mark in sorted(edge_fields().items()):
        if name not in DATADOG_RESERVED:
            kept, *others = mark.datadog
            for target in others:
                yield fill("log", target, *_value(kept, target, mark))


def _value(kept: str, target: str, mark: Field) -> tuple[str, str]:
    """What a copy holds, and when there is one: `duration` is in nanoseconds, all else is as it is."""
    source = f'log.attributes["{kept}"]'
    if target == "duration" and mark.unit == "ms":
        # An app may have put anything there; what is no number has no duration.
        return f"Int(Double({source}) * 1000000.0)", f"(IsDouble({source}) or IsInt({source}))"
    return source, ""


def _dates() -> Iterator[str]:
    # Without a time of its own a record is as old as its arrival, for Datadog too.
    yield "set(log.time_unix_nano, log.observed_time_unix_nano) where log.time_unix_nano == 0"
    yield "set(log.time, Now()) where log.time_unix_nano == 0"
    old = f'Now() - log.time > Duration("{MAX_LOG_AGE_HOURS}h")'
    day = 'FormatTime(log.time, "%Y-%m-%dT%H:%M:%S.%LZ")'
    yield fill("log", "event.timestamp", day, old)
    yield f"set(log.time, Now()) where {old}"


def _metric_tags() -> Iterator[str]:
    instance = 'resource.attributes["service.instance.id"]'
    yield fill("datapoint", "service.instance.id", instance, f"{instance} != nil")
    for name in RESERVED_TAGS:
        yield fill("datapoint", metric_tag(name), f'datapoint.attributes["{name}"]')
        yield f'delete_key(datapoint.attributes, "{name}")'


def _ottl(pattern: str) -> str:
    """A regular expression inside an OTTL string, where the backslash is written twice."""
    return pattern.replace("\\", "\\\\")
