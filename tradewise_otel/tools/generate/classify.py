"""The Collector's classify layer, from the catalogue: spans to events, records to retention classes.

Serves services without our distro, whose spans carry semantic conventions only; what our distro sends has its
`event_type` already and only gets what the Collector alone decides (retention class, names of identity).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tradewise_otel.catalogue.events import EVENTS, PLAIN
from tradewise_otel.catalogue.lookup import event_for, fields_of
from tradewise_otel.catalogue.retention import RETENTION
from tradewise_otel.catalogue.vocabulary import EventType, Field

from .ottl import fill, group

RESERVED_ON_SPANS = ("service", "env", "status")
"""Attribute names that mean something else to Datadog on a span (contract 4); `Field.datadog` has others."""


@dataclass(frozen=True)
class SpanRule:
    """Which spans are which event: of which kind, with which attribute; `duration` takes the span's length.

    `also` is an event whose fields the span carries as well.
    """

    event_type: str
    kind: str
    attribute: str
    duration: str
    why: str
    also: str = ""


SPAN_RULES = (
    SpanRule(
        "api_response",
        "SPAN_KIND_SERVER",
        "http.request.method",
        "response_time_ms",
        "A service has answered a request; one span tells of its arrival too.",
        also="api_request",
    ),
    SpanRule(
        "database_operation",
        "SPAN_KIND_CLIENT",
        "db.system.name",
        "duration_ms",
        "A statement; before the next rule, since some databases are called over HTTP.",
    ),
    SpanRule(
        "external_api_call",
        "SPAN_KIND_CLIENT",
        "http.request.method",
        "duration_ms",
        "A call of another service.",
    ),
)

HEADER = """\
# Generated from tradewise_otel/catalogue/ by `tradewise-otel generate`; do not edit.
# Semantic conventions to documented events, and what the catalogue decides for every record.
# Loaded by `tradewise-otel collector run`.

processors:
"""


def classify() -> str:
    """The text of `collector/config/classify.generated.yaml`."""
    return HEADER + "".join(f"{line}\n" for line in (*_classify_lines(), "", *_keeps_lines()))


def _classify_lines() -> Iterator[str]:
    yield "  # After redaction, so that copies are clean; before statistics and sampling, which need names."
    yield "  transform/classify:"
    yield "    error_mode: ignore"
    yield "    trace_statements:"
    for rule in SPAN_RULES:
        yield from group(rule.why, _is_event(rule), _span_event(rule))
    yield from group(
        "Names that mean something else to Datadog on a span.",
        " or ".join(f'span.attributes["{name}"] != nil' for name in RESERVED_ON_SPANS),
        _renames(),
    )
    yield from group(
        "Identity of outgoing calls: METHOD host, and who is called.",
        'span.attributes["event_type"] == "external_api_call"',
        _call_identity(),
    )
    yield from group(
        "Profiled functions are one operation with many resources.",
        'span.attributes["event_type"] == "performance_metric"',
        [fill("span", "operation.name", '"tradewise.task"')],
    )
    yield "    log_statements:"
    yield from group("", "", _record_statements())


def _is_event(rule: SpanRule) -> str:
    # What costs least and answers most comes first: every span is asked, and most have their type.
    kind, unnamed = f"span.kind == {rule.kind}", 'span.attributes["event_type"] == nil'
    return f'{kind} and {unnamed} and span.attributes["{rule.attribute}"] != nil'


def _keeps_lines() -> Iterator[str]:
    always = [event for event in EVENTS if event.keeps != "ratio" and not event.keeps_when]
    yield "  # After classify, before sample: events that always go (contract 2), unless the app has judged."
    yield "  transform/keeps:"
    yield "    error_mode: ignore"
    yield "    log_statements:"
    condition = f'log.attributes["sampling.reason"] == nil and {_is_one_of(always)}'
    yield from group("", condition, ['set(log.attributes["sampling.reason"], "event")'])


def _span_event(rule: SpanRule) -> Iterator[str]:
    fields = {**fields_of(event_for(rule.event_type).fields)}
    if rule.also:
        fields.update(fields_of(event_for(rule.also).fields))
    for name, mark in fields.items():
        # A foreign session id is no pseudonym, so it gets no second place to be in.
        if mark.semconv and mark.sensitivity != "pseudonym":
            for target in _span_names(name, mark):
                yield fill("span", target, _coalesce(mark))
    microseconds = "(span.end_time_unix_nano - span.start_time_unix_nano) / 1000"
    yield fill("span", rule.duration, f"Double({microseconds}) / 1000.0")
    yield f'set(span.attributes["event_type"], "{rule.event_type}")'


def _call_identity() -> list[str]:
    host, method = 'span.attributes["server.address"]', 'span.attributes["http.request.method"]'
    both = f"{method} != nil and {host} != nil"
    return [
        fill("span", "peer.service", host),
        fill("span", "event.service", 'span.attributes["peer.service"]'),
        fill("span", "resource.name", f'Concat([{method}, {host}], " ")', both),
    ]


def _renames() -> Iterator[str]:
    for name in RESERVED_ON_SPANS:
        targets = ("peer.service", "event.service") if name == "service" else (f"event.{name}",)
        for target in targets:
            yield fill("span", target, f'span.attributes["{name}"]')
        yield f'delete_key(span.attributes, "{name}")'


def _record_statements() -> Iterator[str]:
    yield fill("log", "event_type", "log.event_name", 'log.event_name != ""')
    yield f'set(log.attributes["retention_class"], "{PLAIN.retention}")'
    debug = "log.severity_number >= SEVERITY_NUMBER_TRACE and log.severity_number < SEVERITY_NUMBER_INFO"
    yield f'set(log.attributes["retention_class"], "debug_logs") where {debug}'
    # Families first: an exact row of another class then has the last word.
    families = [event for event in EVENTS if event.open_family]
    exact = [event for event in EVENTS if not event.open_family]
    for rows in (families, [event for event in exact if not _like_family(event)]):
        for retention in RETENTION:
            if members := [event for event in rows if event.retention == retention.name]:
                stamp = f'set(log.attributes["retention_class"], "{retention.name}")'
                yield f"{stamp} where {_is_one_of(members)}"


def _like_family(event: EventType) -> bool:
    """Whether an open family says the same of this event's retention already."""
    return any(
        family.open_family and event.name.startswith(family.name) and family.retention == event.retention
        for family in EVENTS
    )


def _coalesce(mark: Field) -> str:
    sources = [f'span.attributes["{name}"]' for name in mark.semconv]
    return sources[0] if len(sources) == 1 else f"Coalesce([{', '.join(sources)}])"


def _span_names(name: str, mark: Field) -> tuple[str, ...]:
    return mark.datadog if name in RESERVED_ON_SPANS else (name,)


def _is_one_of(events: list[EventType]) -> str:
    names = "|".join(event.name + (".*" if event.open_family else "") for event in events)
    return f'IsMatch(log.attributes["event_type"], "^({names})$")'
