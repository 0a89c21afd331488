"""What an event adds to the metrics of contract 3, by the catalogue's table; whoever has stated it.

Called by the sink with every event, once: after redaction, since labels leave the process too, and before
sampling, so that the figures are exact. What a kind of event feeds is compiled once, and which labels its
values make is remembered: a usual event costs a look-up, and an append a metric.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tradewise_otel.bounded import keep
from tradewise_otel.catalogue.events import EVENTS
from tradewise_otel.catalogue.lookup import event_for, field_types
from tradewise_otel.catalogue.metrics import API_CALL, METRICS, TAG_FIELDS
from tradewise_otel.catalogue.vocabulary import EventType
from tradewise_otel.pipeline.aggregate import Aggregate, LabelValue, Measured
from tradewise_otel.record.build import OWN_LOGGER, Event

BY_HAND = "tradewise_otel.compat"
"""Logger name of what an app records by hand: fed here, and not emitted."""

_ROWS = {row.name: row for row in METRICS}
_ANSWER = "api_response"
_CONNECTIONS, _CONNECTED = "bot.connections.", "bot.connections.count"
_FAILED = "bot_connection_test_failed"
_LABEL_LENGTH = 200
_REMEMBERED = 1024
_LARGEST = 2**63

# Path segments that are an id rather than a name: numbers, uuids, long hex or mixed tokens.
_ID_SEGMENT = re.compile(r"^(?:\d+|[0-9a-fA-F-]{16,}|(?=.*\d).{20,}|[A-Za-z]+[-_]\d+)$")

Step = tuple[Measured, str, int]
"""One occurrence of a metric; the field of its value, none for a count; what that value is divided by."""


class Feed:
    """Feeds an aggregate. Called from any thread; the caller shields."""

    def __init__(self, aggregate: Aggregate) -> None:
        self._arrive = aggregate.arrive
        self._recipes: dict[str | None, Recipe | None] = {None: None}
        self._of_rows: dict[str, Recipe | None] = {}
        for row in EVENTS:
            # Those that have a name of their own are known whatever else comes.
            if not row.open_family:
                self._learn(row.name)

    def __call__(self, event: Event) -> None:
        """Counts and measures what the event says; kinds that feed nothing cost one look-up."""
        try:
            recipe = self._recipes[event.event_type]
        except KeyError:
            recipe = self._learn(event.event_type or "")
        if recipe is None:
            return
        repeated = recipe.once is not None and _is_repeated(event)
        found: list[Measured] = []
        for one, measured, divisor in recipe.steps(event):
            if repeated and one[0].startswith(recipe.once or ""):
                continue
            if not measured:
                found.append(one)
            elif not event.untimed and (value := _number(event.fields.get(measured))) is not None:
                found.append((one[0], one[1], value / divisor, False))
        self._arrive(found)

    def _learn(self, event_type: str) -> Recipe | None:
        row = event_for(event_type)
        if row.name not in self._of_rows:
            self._of_rows[row.name] = Recipe(row) if row.metrics else None
        recipe = self._of_rows[row.name]
        # Whoever logs invents the types of open families: only so many are remembered.
        if len(self._recipes) < _REMEMBERED and len(event_type) <= _LABEL_LENGTH:
            self._recipes[event_type] = recipe
        return recipe


class Recipe:
    """What the events of one row of the catalogue feed: which metrics, with labels from which fields."""

    def __init__(self, row: EventType) -> None:
        self._types = field_types(row)
        self._metrics = [_ROWS[name] for name in row.metrics]
        self._sources = {
            tag: self._first_of(TAG_FIELDS.get(tag, (tag,)))
            for metric in self._metrics
            for tag in metric.tags
        }
        sources = set(self._sources.values())
        self._fields = tuple(sorted(sources - {"event_type", "tenant_id"}))
        self._personal = "tenant_id" in sources
        # Metrics that begin with this may hear of one thing twice.
        self.once = "" if row.name == _ANSWER else _CONNECTIONS if _CONNECTED in row.metrics else None
        self._known: dict[tuple[Any, ...], tuple[Step, ...]] = {}

    def _first_of(self, fields: tuple[str, ...]) -> str:
        """The first of some fields that the row declares; else the last, which an event may have."""
        return next((name for name in fields if name in self._types), fields[-1])

    def steps(self, event: Event) -> tuple[Step, ...]:
        """What an event adds, remembered by all that its labels depend on."""
        who = _tenant(event) if self._personal else None
        key = (event.event_type, who, *map(event.fields.get, self._fields))
        try:
            return self._known[key]
        except KeyError:
            return keep(self._known, key, self._make(event, who))
        except TypeError:
            # A list where a word belongs: counted without that label, and not worth remembering.
            return self._make(event, who)

    def _make(self, event: Event, who: object) -> tuple[Step, ...]:
        given = {**event.fields, "event_type": event.event_type, "tenant_id": who}
        found: list[Step] = []
        for metric in self._metrics:
            if metric.name == "user.activity.count" and who is None and event.event_type == _ANSWER:
                # An API call of nobody is no user's activity.
                continue
            labels = tuple(
                (tag, label) for tag in metric.tags if (label := self._label(tag, given)) is not None
            )
            measured = self._first_of(metric.measures) if metric.measures else ""
            found.append(((metric.name, labels, 1, True), measured, 1000 if metric.unit == "s" else 1))
        return tuple(found)

    def _label(self, tag: str, given: dict[str, Any]) -> LabelValue | None:
        source = self._sources[tag]
        value, make = given.get(source), _MADE.get((tag, source))
        if make is not None:
            value = make(value)
        elif int in self._types.get(source, ()):
            # `"200"` beside `200` would be a second series of the same name at Datadog.
            return int(value) if _number(value) is not None and isinstance(value, int) else None
        return _text(value)


def templated(path: str) -> str:
    """A path as a metric tag may carry it: ids become `{id}`, at most six segments."""
    segments = [("{id}" if _ID_SEGMENT.match(part) else part[:64]) for part in path.split("/")]
    return "/".join(segments[:7])


def _is_repeated(event: Event) -> bool:
    """Whether the request that the event belongs to has told of the same answer or attempt, or will."""
    request = event.request
    if request is None:
        return False
    if event.event_type == _ANSWER:
        # What an app says of its answers stands beside our own word.
        return event.logger_name != OWN_LOGGER and request.span is not None
    return not request.connects(event.event_type != _FAILED, by_hand=event.logger_name == BY_HAND)


def _tenant(event: Event) -> object:
    """The tenant of an event; nothing but known where only its user is; None where nobody is."""
    tenant = event.fields.get("tenant_id") or event.identity.get("tenant_id")
    if tenant:
        return tenant
    return "" if "user_id" in event.identity or "user_id" in event.fields else None


def _number(value: object) -> float | None:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST
    return float(value) if fits else None  # type: ignore[arg-type]


def _text(value: object) -> str | None:
    """A label's text; absent is absent, never empty."""
    if isinstance(value, int):
        value = str(value)
    # A slice is a plain string also where the value's class is one of the app's.
    return value[:_LABEL_LENGTH] or None if isinstance(value, str) else None


def _endpoint(path: object) -> object:
    return templated(path) if isinstance(path, str) else None


def _status_class(status: object) -> object:
    if status is None:
        return "error"
    return f"{status // 100}xx" if isinstance(status, int) else None


def _outcome(event_type: object) -> object:
    return "failure" if event_type == _FAILED else "success"


def _action(event_type: object) -> object:
    return API_CALL if event_type == _ANSWER else event_type


def _host(url: object) -> object:
    try:
        return urlsplit(str(url)).hostname
    except ValueError:
        return None


_MADE: dict[tuple[str, str], Callable[[object], object]] = {
    ("endpoint", "endpoint"): _endpoint,
    ("status_class", "status_code"): _status_class,
    ("status", "event_type"): _outcome,
    ("action", "event_type"): _action,
    ("server.address", "api_url"): _host,
}
"""Tags whose value is made from the field that they are read from, by tag and field."""
