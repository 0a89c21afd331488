"""What people read beside the JSON: the runbook, and the facets that only the web page can make."""

from __future__ import annotations

from collections.abc import Iterator

from tradewise_otel.catalogue.alerts import ALERTS, OPERATIONAL
from tradewise_otel.catalogue.lookup import edge_fields
from tradewise_otel.catalogue.queries import QUERIES
from tradewise_otel.catalogue.slos import SLOS
from tradewise_otel.catalogue.vocabulary import Alert, Slo

from . import asking
from .monitors import monitors

HEADER = "<!-- Generated from tradewise_otel/catalogue/ by `tradewise-otel generate`; do not edit. -->\n\n"
_ALWAYS = ("event_type", "user_id", "tenant_id", "request_id")
"""Facets that no query groups by, and that everybody looks for."""


def runbook() -> str:
    """`deploy/datadog/runbook.md`: one entry for each alert and SLO, in the order of the catalogue."""
    entries = [_alert(alert) for alert in (*ALERTS, *OPERATIONAL)] + [_slo(slo) for slo in SLOS]
    return HEADER + "# Runbook\n\nEach monitor links to its entry here.\n\n" + "\n".join(entries)


def facets() -> str:
    """`deploy/datadog/facets.md`: what to click, and which tiles and monitors stay empty without it."""
    lines = [
        "# Facets and measures",
        "",
        "No API makes these. In *Logs > Explorer*, open a record that has the attribute, and choose *Create "
        "facet* (or *measure*) beside it. Searches work without them; grouping and averaging do not.",
        "",
        "| attribute | make it a | unit | used by |",
        "| --- | --- | --- | --- |",
        *_rows(),
    ]
    return HEADER + "\n".join(lines) + "\n"


def _alert(alert: Alert) -> str:
    stems = [stem for stem, _ in monitors() if stem == alert.name or stem.startswith(f"{alert.name}-")]
    when = f"{alert.operator} {alert.threshold:g} {alert.unit} in {alert.window_minutes} minutes"
    return _entry(alert.name, alert.title, f"`{alert.query}` {when}", stems, alert.notify, alert.runbook)


def _slo(slo: Slo) -> str:
    stems = [stem for stem, _ in monitors() if stem.startswith(f"{slo.name}-")]
    when = f"the budget of {slo.target:g} % over {slo.days} days burns too fast"
    return _entry(slo.name, slo.title, when, stems, ("email", "slack", "pagerduty"), slo.runbook)


def _entry(
    anchor: str, title: str, when: str, stems: list[str], notify: tuple[str, ...], runbook: str
) -> str:
    files = ", ".join(f"`{stem}`" for stem in stems)
    return f"## {anchor}\n\n{title}: {when}. Monitors {files}; tells {', '.join(notify)}.\n\n{runbook}\n"


def _rows() -> Iterator[str]:
    users: dict[tuple[str, str], list[str]] = {(name, "facet"): [] for name in _ALWAYS}
    for query in QUERIES:
        if query.data == "logs":
            for field in query.group:
                users.setdefault((field, "facet"), []).append(query.name)
            if query.of:
                users.setdefault((query.of, "measure"), []).append(query.name)
    for (field, kind), names in sorted(users.items()):
        mark = edge_fields().get(field)
        unit = mark.unit if mark and kind == "measure" else ""
        used = ", ".join(f"`{name}`" for name in names) or "people"
        yield f"| `{asking.attribute(field)}` | {kind} | {unit} | {used} |"
