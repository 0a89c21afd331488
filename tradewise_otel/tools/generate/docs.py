"""The reference pages under `docs/`, rendered from the catalogue and the settings table.

Pure functions: no files, no clock, so the same catalogue gives the same bytes everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal, get_args, get_origin

from typing_extensions import NotRequired, Required, get_type_hints, is_typeddict

from tradewise_otel.catalogue.alerts import ALERTS, OPERATIONAL
from tradewise_otel.catalogue.common import Context
from tradewise_otel.catalogue.envelope import ExceptionInfo, Line, SourceLocation
from tradewise_otel.catalogue.events import EVENTS, PLAIN
from tradewise_otel.catalogue.lookup import fields_of, required_fields
from tradewise_otel.catalogue.metrics import (
    DERIVED_TAGS,
    EXPORT_INTERVAL_SECONDS,
    MAX_LABEL_SETS,
    METRICS,
)
from tradewise_otel.catalogue.queries import QUERIES
from tradewise_otel.catalogue.retention import RETENTION
from tradewise_otel.catalogue.vocabulary import Alert, EventType, Field, Metric, Query, Retention

from . import examples

HEADER = "<!-- generated from the catalogue by `tradewise-otel generate`; do not edit -->\n"

_TESTING = """\
In the tests of an app, `pytest_plugins = ["tradewise_otel.testing"]` in `conftest.py` gives the fixture
`tradewise_events`: `tradewise_events.one("security_login_failed")` is the only event of its kind, with fixed
id and clock, and held to this page; `assert_documented()` holds all of them to it.
"""
_KEEPS = {
    "ratio": "by the sampling rate, unless its request is kept",
    "record": "the record",
    "request": "all records and spans of its request",
}
_FIELD_HEADINGS = ("field", "type", "says", "example", "notes")


def events() -> str:
    """`docs/events.md`: the line, every event with its fields, and how long each class is kept."""
    parts = [
        HEADER,
        "# Events\n",
        "Fields in **bold** are always there; any other is absent while unknown, never null.\n",
        "Each event has the code that makes it and the line that comes of it. Typed calls are in "
        '`tradewise_otel.events`; `logger.info(…, extra={"event_type": …})` gives the same record.\n',
        _TESTING,
        "## The line\n",
        "Every line on stdout has these fields, and those of its event beside them.\n",
        _field_table(Line, fields_of(Line)),
        "Inside `source`:\n",
        _field_table(SourceLocation, fields_of(SourceLocation)),
        "Inside `exception`:\n",
        _field_table(ExceptionInfo, fields_of(ExceptionInfo)),
        *(_event(event) for event in (*EVENTS, PLAIN)),
        "## Retention\n",
        _retention(),
    ]
    return "\n".join(parts)


def metrics() -> str:
    """`docs/metrics.md`: metrics, their tags, the queries over them and the alerts."""
    parts = [
        HEADER,
        "# Metrics\n",
        f"Deltas every {EXPORT_INTERVAL_SECONDS} s, counted before sampling. A metric has at most "
        f"{MAX_LABEL_SETS} label sets a process; what comes later is one overflow series.\n",
        _table(("metric", "kind", "unit", "says", "tags", "fed by"), map(_metric, METRICS)),
        "## Tags that are not simply a field\n",
        _table(("tag", "values"), ((_code(tag), says) for tag, says in DERIVED_TAGS.items())),
        "## Queries\n",
        _table(("query", "title", "asks", "window"), map(_query, QUERIES)),
        *(f"SQL of `{query.name}`:\n\n```sql\n{query.sql}\n```\n" for query in QUERIES if query.sql),
        "## Alerts\n",
        *(_alert(alert) for alert in (*ALERTS, *OPERATIONAL)),
    ]
    return "\n".join(parts)


def settings() -> str:
    """`docs/settings.md`: every environment variable with its default and meaning."""
    from tradewise_otel.distro import DEFAULTS
    from tradewise_otel.settings import ROWS
    from tradewise_otel.tools.collector.settings import ROWS as COLLECTOR_ROWS
    from tradewise_otel.tools.datadog.placeholders import ROWS as DATADOG_ROWS

    app = ((_code(row.env), row.kind, _code(row.default), row.doc) for row in ROWS.values())
    standard = ((_code(name), _code(value)) for name, value in DEFAULTS.items())
    datadog = ((_code(row.env), _code(row.default or ""), row.doc) for row in DATADOG_ROWS)
    collector = ((_code(row.env), _code(row.default), row.doc) for row in COLLECTOR_ROWS)
    return "\n".join(
        (
            HEADER,
            "# Settings\n",
            "## The app\n",
            _table(("variable", "kind", "default", "means"), app),
            "`OTEL_*` variables work as OpenTelemetry documents them; these have another default:\n",
            _table(("variable", "default"), standard),
            "## The Collector\n",
            _table(("variable", "default", "means"), collector),
            "## `tradewise-otel datadog`\n",
            "`DD_API_KEY`, `DD_APP_KEY` and `DD_SITE` as Datadog names them, and:\n",
            _table(("variable", "default", "means"), datadog),
        )
    )


def _event(event: EventType) -> str:
    title = f"`{event.name}*`" if event.open_family else f"`{event.name}`" if event.name else "Plain lines"
    inherited = fields_of(Context)
    own = {name: mark for name, mark in fields_of(event.fields).items() if not _is_optional_id(event, name)}
    facts = (
        f"- level: {event.level}" + (f" ({event.level_rules})" if event.level_rules else ""),
        f"- kept for: `{event.retention}`" + ("; `debug_logs` at DEBUG" if event is PLAIN else ""),
        f"- keeps: {_KEEPS[event.keeps]}" + (f", when: {event.keeps_when}" if event.keeps_when else ""),
        f"- comes from: {event.emitter}",
        f"- feeds: {_codes(event.metrics)}",
        f"- documented under: {event.source}",
    )
    also = f"Also {_codes(name for name in inherited if name not in own)}, where known.\n"
    return "\n".join(
        (f"## {title}\n", event.brief + "\n", *facts, "", _own_fields(event, own), also, *_example(event))
    )


def _example(event: EventType) -> Iterator[str]:
    for program in examples.code(event):
        yield f"```python\n{program}```\n"
    line = examples.line(event)
    yield f"```json\n{json.dumps(line)}\n```\n"


def _own_fields(event: EventType, own: dict[str, Field]) -> str:
    if own:
        return _field_table(event.fields, own)
    return "Any fields." if event.open_family else "Any fields, by `extra=`."


def _is_optional_id(event: EventType, name: str) -> bool:
    return name in fields_of(Context) and name not in required_fields(event)


def _field_table(shape: Any, fields: Any) -> str:
    hints = get_type_hints(shape, include_extras=True)
    required = shape.__required_keys__
    rows = (
        (
            f"**`{name}`**" if name in required or mark.filled else f"`{name}`",
            _type_words(hints[name]),
            mark.brief,
            _code(json.dumps(mark.example)),
            _notes(mark),
        )
        for name, mark in fields.items()
    )
    return _table(_FIELD_HEADINGS, rows)


def _type_words(hint: Any) -> str:
    """A type in the words of JSON."""
    origin = get_origin(hint)
    if origin in (Annotated, NotRequired, Required):
        return _type_words(get_args(hint)[0])
    if origin is Literal:
        return "one of " + _codes(get_args(hint))
    if origin is dict or is_typeddict(hint):
        return "object"
    if origin is list:
        return f"list of {_type_words(get_args(hint)[0])}s"
    return {str: "string", int: "integer", float: "number", bool: "boolean"}[hint]


def _notes(mark: Field) -> str:
    notes = (
        mark.unit if mark.unit not in ("", "1") else "",
        "filled from the state store" if mark.filled else "",
        mark.sensitivity if mark.sensitivity != "plain" else "",
        f"up to {mark.max_length} characters" if mark.max_length != Field("", "").max_length else "",
        f"in Datadog {_codes(mark.datadog)}" if mark.datadog else "",
    )
    return "; ".join(note for note in notes if note)


def _metric(metric: Metric) -> Sequence[str]:
    says = metric.brief if metric.billed else f"{metric.brief} Not sent to Datadog, to be billed once."
    fed_by = _codes(metric.fed_by) if metric.fed_by else "the pipeline's own counters"
    return (_code(metric.name), metric.kind, metric.unit, says, _codes(metric.tags), fed_by)


def _query(query: Query) -> Sequence[str]:
    asks = f"{query.aggregate} of {_code(query.of) or 'records'}"
    if query.numerator:
        asks += f" with {_conditions(query.numerator)} to all"
    if query.filter:
        asks += f" where {_conditions(query.filter)}"
    if query.group:
        asks += f" by {_codes(query.group)}"
    if query.bucket_minutes:
        asks += f", every {query.bucket_minutes} min"
    if query.exact_because:
        asks += f" ({query.exact_because})"
    return (_code(query.name), query.title, asks, f"{query.window_minutes} min")


def _conditions(conditions: dict[str, str]) -> str:
    return " and ".join(_code(f"{field}:{value}") for field, value in conditions.items())


def _alert(alert: Alert) -> str:
    condition = f"`{alert.query}` {alert.operator} {alert.threshold:g} {alert.unit}"
    if alert.or_query:
        condition += f", or `{alert.or_query}` > {alert.or_threshold:g}"
    if alert.alternative_query:
        condition += f" (or, by a setting, `{alert.alternative_query}`)"
    told = f"{condition}, in {alert.window_minutes} min. Tells {', '.join(alert.notify)}."
    return f"### `{alert.name}`\n\n{told}\n\n{alert.runbook}\n"


def _retention() -> str:
    headings = ("class", "documented", "searchable, days", "slowly, up to day", "archive, days")
    return _table(headings, map(_class, RETENTION))


def _class(row: Retention) -> Sequence[str]:
    days = (row.index_days, row.flex_days, row.archive_days)
    return (_code(row.name), row.documented, *(str(number or "–") for number in days))


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines) + "\n"


def _cell(text: str) -> str:
    # A bar ends a cell in Markdown tables even between backticks.
    return text.replace("|", "\\|").replace("\n", " ")


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _codes(names: Iterable[object]) -> str:
    return ", ".join(_code(str(name)) for name in names) or "–"
