"""Every metric that leaves the process: heading "Custom Metrics", with the additions that alerts need.

All are fed before sampling, so they are exact whatever the sampling rate. Deltas, exponential histograms.
"""

from __future__ import annotations

from .vocabulary import Metric

MAX_LABEL_SETS = 1000
"""Label sets a metric and process; what comes later goes to one overflow series and is counted."""

EXPORT_INTERVAL_SECONDS = 10

API_CALL = "api_call"
"""The `action` of an answered request; which one it was, `api.requests.count` says."""

DERIVED_TAGS: dict[str, str] = {
    "endpoint": "the route template on api metrics, the called path on external calls",
    "status_class": "`2xx`, `4xx`, … of the status code",
    "status": "`success` or `failure`",
    "action": "the journey step, the business event's type, or `api_call`",
    "tier": "where it was counted: `app` or `collector`",
    "signal": "`logs`, `traces` or `metrics`",
    "exporter": "the Collector's exporter, by its id",
    "reason": "why it was sampled out or dropped, or the id of the rule that redacted",
}
"""Tags that are no fields of the event, or not only; what their values are."""

TAG_FIELDS: dict[str, tuple[str, ...]] = {
    "endpoint": ("route", "endpoint"),
    "status_class": ("status_code",),
    "status": ("event_type",),
    "action": ("step", "event_type"),
    "http.request.method": ("method",),
    "http.route": ("route",),
    "http.response.status_code": ("status_code",),
    "server.address": ("api_url",),
    "db.operation.name": ("operation",),
    "db.collection.name": ("table",),
}
"""Fields that a tag is read from, where it is not the field of its name: the first that the event has."""

_API_TAGS = ("endpoint", "method", "status_code", "status_class")
_BOT_EVENTS = ("bot_connection_test_*", "business_bot_connected")
_LEDGER = "Own telemetry: "

METRICS: tuple[Metric, ...] = (
    Metric(
        "api.requests.count",
        "count",
        "1",
        "Requests answered.",
        _API_TAGS,
        fed_by=("api_response",),
        source="Custom Metrics",
    ),
    Metric(
        "api.requests.duration",
        "distribution",
        "ms",
        "Time to the last byte of the answer; WebSockets are left out.",
        _API_TAGS,
        fed_by=("api_response",),
        measures=("response_time_ms",),
        source="Custom Metrics",
    ),
    Metric(
        "bot.connections.count",
        "count",
        "1",
        "Attempts to connect to a bot.",
        ("status",),
        fed_by=_BOT_EVENTS,
        source="Custom Metrics",
    ),
    Metric(
        "bot.connections.duration",
        "distribution",
        "ms",
        "How long the attempts took.",
        ("status",),
        fed_by=_BOT_EVENTS,
        measures=("total_duration_ms", "connection_duration_ms"),
        source="Custom Metrics",
    ),
    Metric(
        "user.activity.count",
        "count",
        "1",
        "What users do; an API call counts where its user or tenant is known.",
        ("action", "tenant_id"),
        fed_by=("user_journey_step", "business_*", "api_response"),
        source="Custom Metrics",
    ),
    Metric(
        "db.operations.duration",
        "distribution",
        "ms",
        "How long statements took.",
        ("operation", "table"),
        fed_by=("database_operation",),
        measures=("duration_ms",),
    ),
    Metric(
        "db.connection.errors",
        "count",
        "1",
        "Connections that could not be had.",
        ("database",),
        fed_by=("database_connection_error",),
    ),
    Metric(
        "external.calls.duration",
        "distribution",
        "ms",
        "How long calls to other services took.",
        ("service", "endpoint", "status_class"),
        fed_by=("external_api_call",),
        measures=("duration_ms",),
    ),
    Metric(
        "security.events.count",
        "count",
        "1",
        "Security events.",
        ("event_type", "activity_type"),
        fed_by=("security_*",),
    ),
    Metric(
        "tradewise.telemetry.emitted",
        "count",
        "1",
        _LEDGER + "records and spans made.",
        ("tier", "signal"),
        fed_by=(),
        everywhere=True,
    ),
    Metric(
        "tradewise.telemetry.delivered",
        "count",
        "1",
        _LEDGER + "those that the next tier has taken.",
        ("tier", "signal"),
        fed_by=(),
        everywhere=True,
    ),
    Metric(
        "tradewise.telemetry.sampled_out",
        "count",
        "1",
        _LEDGER + "those left out on purpose.",
        ("tier", "signal", "reason"),
        fed_by=(),
        everywhere=True,
    ),
    Metric(
        "tradewise.telemetry.dropped",
        "count",
        "1",
        _LEDGER + "those lost.",
        ("tier", "signal", "reason"),
        fed_by=(),
        everywhere=True,
    ),
    Metric(
        "tradewise.telemetry.redacted",
        "count",
        "1",
        _LEDGER + "values masked.",
        ("tier", "signal", "reason"),
        fed_by=(),
        everywhere=True,
    ),
    Metric(
        "tradewise.telemetry.invalid",
        "count",
        "1",
        _LEDGER
        + "fields of events that are missing, unknown, or not as documented; events without the state's.",
        ("tier", "signal", "reason"),
        fed_by=(),
        everywhere=True,
    ),
    Metric(
        "tradewise.telemetry.cpu.time",
        "count",
        "ms",
        _LEDGER + "processor time of the thread that encodes and sends; what requests pay is not in it.",
        ("tier",),
        fed_by=(),
        everywhere=True,
    ),
    Metric(
        "otelcol_exporter_queue_size",
        "gauge",
        "1",
        "The Collector's own: what waits for an exporter.",
        ("tier", "exporter"),
        fed_by=(),
        everywhere=True,
    ),
    Metric(
        "otelcol_exporter_queue_capacity",
        "gauge",
        "1",
        "The Collector's own: how much may wait for an exporter.",
        ("tier", "exporter"),
        fed_by=(),
        everywhere=True,
    ),
    Metric(
        "http.server.request.duration",
        "distribution",
        "s",
        "Twin of `api.requests.duration` in semantic conventions.",
        ("http.request.method", "http.route", "http.response.status_code"),
        fed_by=("api_response",),
        measures=("response_time_ms",),
        billed=False,
    ),
    Metric(
        "http.client.request.duration",
        "distribution",
        "s",
        "Twin of `external.calls.duration` in semantic conventions.",
        ("http.request.method", "server.address", "http.response.status_code"),
        fed_by=("external_api_call",),
        measures=("duration_ms",),
        billed=False,
    ),
    Metric(
        "db.client.operation.duration",
        "distribution",
        "s",
        "Twin of `db.operations.duration` in semantic conventions.",
        ("db.operation.name", "db.collection.name"),
        fed_by=("database_operation",),
        measures=("duration_ms",),
        billed=False,
    ),
)
"""All rows; `fed_by` is empty where the ledger of the pipeline feeds it."""
