"""Monitors: the catalogue's alerts, and the burn rates of its SLOs (contract 9)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tradewise_otel.catalogue.alerts import ALERTS, BURN_RATES, EVALUATION_DELAY_SECONDS, OPERATIONAL
from tradewise_otel.catalogue.queries import QUERIES
from tradewise_otel.catalogue.slos import SLOS
from tradewise_otel.catalogue.vocabulary import Alert, BurnRate, Channel, Query, Slo
from tradewise_otel.tools.datadog import marks

from . import asking

SCOPE = "env:${TRADEWISE_MONITORED_ENV}"
_QUERIES = {query.name: query for query in QUERIES}
_HANDLES: dict[Channel, str] = {
    "email": "@${TRADEWISE_NOTIFY_EMAIL}",
    "slack": "@slack-${TRADEWISE_NOTIFY_SLACK}",
    "pagerduty": "@pagerduty-${TRADEWISE_NOTIFY_PAGERDUTY}",
    "sms": "@webhook-${TRADEWISE_NOTIFY_SMS}",
}
_URGENT, _USUAL = 1, 3


def monitors() -> Iterator[tuple[str, dict[str, Any]]]:
    """File stem and body of each."""
    for alert in (*ALERTS, *OPERATIONAL):
        yield alert.name, _monitor(alert.name, alert, _QUERIES[alert.query], alert.threshold)
        if alert.or_query:
            stem = f"{alert.name}-{alert.or_query}"
            yield stem, _monitor(stem, alert, _QUERIES[alert.or_query], alert.or_threshold)
    for slo in SLOS:
        for burn in BURN_RATES:
            yield f"{slo.name}-{burn.name}-burn", _burning(slo, burn)


def link(alert: str) -> str:
    """Where the runbook of an alert or an SLO is."""
    return f"${{TRADEWISE_RUNBOOK_URL}}#{alert}"


def _monitor(stem: str, alert: Alert, query: Query, threshold: float) -> dict[str, Any]:
    about_metrics = query.data == "metric"
    asked = _metric_alert(alert, query) if about_metrics else _log_alert(query)
    group = _group(query)
    over = f"{{{{value}}}} {alert.unit} in {alert.window_minutes} minutes, {alert.operator} {threshold:g}"
    told = [f"{query.title}: {over}", *(f"{name}: {{{{{variable}.name}}}}" for name, variable in group)]
    return {
        "name": f"[TradeWise] {alert.title}" + (f": {query.title}" if alert.query != query.name else ""),
        "type": "query alert" if about_metrics else "log alert",
        "query": f"{asked} {alert.operator} {threshold:g}",
        "message": _message(told, alert.runbook, alert.name, alert.notify, alert.missing == "tell"),
        "tags": marks.tags(stem),
        "priority": _priority(alert.notify),
        "options": _options(threshold, about_metrics, alert.missing == "tell"),
    }


def _metric_alert(alert: Alert, query: Query) -> str:
    asked = asking.metrics(query, SCOPE, _by_service(query)).text
    if alert.alternative_query:
        # The document calls 400 and above an error; who pages on 5xx only says so (contract 9).
        asked = asked.replace("4xx,5xx", "${TRADEWISE_ERROR_CLASSES}")
    return f"{_over_time(query)}(last_{alert.window_minutes}m):{asked}"


def _over_time(query: Query) -> str:
    if query.aggregate in asking.PERCENTILES:
        return "percentile"
    return "sum" if asking.metric_of(query).kind == "count" else "avg"


def _log_alert(query: Query) -> str:
    by = ",".join(asking.attribute(field) for field in query.group)
    grouped = f'.by("{by}")' if by else ""
    search = asking.search(query, SCOPE)
    return f'logs("{search}").index("*").rollup("count"){grouped}.last("{query.window_minutes}m")'


def _by_service(query: Query) -> tuple[str, ...]:
    """Metrics are asked for each service; records for all together, since an attacker tries them all."""
    return () if query.data == "logs" or asking.metric_of(query).everywhere else ("service",)


def _group(query: Query) -> list[tuple[str, str]]:
    """What a message calls a group's tags, and Datadog's template variables of them."""
    if query.data == "logs":
        return [(field, f"[{asking.attribute(field)}]") for field in query.group]
    return [(name, name) for name in (*_by_service(query), *query.group)]


def _options(threshold: float, about_metrics: bool, missing_tells: bool) -> dict[str, Any]:
    options: dict[str, Any] = {
        "thresholds": {"critical": threshold},
        "include_tags": True,
        "notify_audit": False,
        "on_missing_data": "show_and_notify_no_data" if missing_tells else "resolve",
        "renotify_interval": 60,
        "require_full_window": False,
    }
    if about_metrics:
        return {**options, "evaluation_delay": EVALUATION_DELAY_SECONDS, "new_group_delay": 60}
    return {**options, "enable_logs_sample": True, "groupby_simple_monitor": False}


def _burning(slo: Slo, burn: BurnRate) -> dict[str, Any]:
    windows = f'long_window("{burn.long_window}").short_window("{burn.short_window}")'
    told = [
        f"{slo.title}: the budget of {slo.days} days burns {{{{value}}}} times too fast, > {burn.rate:g} "
        f"over {burn.long_window} and {burn.short_window}"
    ]
    return {
        "name": f"[TradeWise] {slo.title}: budget burns {burn.name}",
        "type": "slo alert",
        "query": f'burn_rate("${{slo:{slo.name}}}").over("{slo.days}d").{windows} > {burn.rate:g}',
        "message": _message(told, slo.runbook, slo.name, burn.notify, False),
        "tags": marks.tags(f"{slo.name}-{burn.name}-burn"),
        "priority": _priority(burn.notify),
        "options": {
            "thresholds": {"critical": burn.rate},
            "include_tags": True,
            "notify_audit": False,
            "renotify_interval": 60,
        },
    }


def _message(told: Sequence[str], runbook: str, anchor: str, notify: Sequence[Channel], missing: bool) -> str:
    text = "\n".join(told)
    if missing:
        text = f"{{{{#is_no_data}}}}\nNothing is heard any more.\n{{{{/is_no_data}}}}\n{text}"
    # Whoever is told that it is over needs no instructions.
    advice = f"{{{{^is_recovery}}}}\n{runbook}\n\nRunbook: {link(anchor)}\n{{{{/is_recovery}}}}"
    handles = " ".join(_HANDLES[channel] for channel in notify)
    return f"{text}\n\n{advice}\n\n{handles}"


def _priority(notify: Sequence[Channel]) -> int:
    return _URGENT if "pagerduty" in notify else _USUAL
