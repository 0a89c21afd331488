"""The questions that dashboards and alerts ask: heading "Dashboard Queries" and what the alerts need.

Counts come from metrics, which are exact; a question about records says why sampling does not falsify it.
"""

from __future__ import annotations

from .vocabulary import Query

# The documented statements in their own shape (table and column names are the contract of the local views).
_ERROR_RATE_SQL = """\
SELECT
    path,
    COUNT(*) AS total_requests,
    SUM(CASE WHEN status_code >= 400 THEN 1 ELSE 0 END) AS error_count,
    (SUM(CASE WHEN status_code >= 400 THEN 1 ELSE 0 END) * 100.0 / COUNT(*)) AS error_rate
FROM api_logs
WHERE timestamp >= NOW() - INTERVAL '1 hour'
GROUP BY path
ORDER BY error_rate DESC"""

_SLOW_SQL = """\
SELECT
    path,
    method,
    AVG(response_time_ms) AS avg_response_time,
    PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY response_time_ms) AS p95_response_time
FROM api_logs
WHERE timestamp >= NOW() - INTERVAL '1 hour'
GROUP BY path, method
ORDER BY p95_response_time DESC
LIMIT 10"""

_BOT_SQL = """\
SELECT
    DATE_TRUNC('hour', timestamp) AS hour,
    COUNT(*) AS total_attempts,
    SUM(CASE WHEN event_type = 'bot_connection_test_success' THEN 1 ELSE 0 END) AS successful,
    (SUM(CASE WHEN event_type = 'bot_connection_test_success' THEN 1 ELSE 0 END) * 100.0 / COUNT(*))
        AS success_rate
FROM logs
WHERE event_type LIKE 'bot_connection_test_%'
    AND timestamp >= NOW() - INTERVAL '24 hours'
GROUP BY hour
ORDER BY hour"""

_CLIENT_OR_SERVER_ERROR = {"status_class": "4xx|5xx"}
_SERVER_ERROR = {"status_class": "5xx"}
_DOCUMENTED = "Dashboard Queries"

DOCUMENTED: tuple[Query, ...] = (
    Query(
        "error_rate_by_endpoint",
        "Error rate by endpoint (status 400 and above, % of responses)",
        data="metric",
        aggregate="ratio",
        of="api.requests.count",
        numerator=_CLIENT_OR_SERVER_ERROR,
        group=("endpoint",),
        window_minutes=60,
        order="desc",
        sql=_ERROR_RATE_SQL,
        source=_DOCUMENTED,
    ),
    Query(
        "slowest_endpoints",
        "Top slow endpoints (p95, ms)",
        data="metric",
        aggregate="p95",
        of="api.requests.duration",
        group=("endpoint", "method"),
        window_minutes=60,
        order="desc",
        limit=10,
        sql=_SLOW_SQL,
        source=_DOCUMENTED,
    ),
    Query(
        "bot_connection_success_rate",
        "Bot connection success rate by hour (% of attempts)",
        data="metric",
        aggregate="ratio",
        of="bot.connections.count",
        numerator={"status": "success"},
        window_minutes=24 * 60,
        bucket_minutes=60,
        sql=_BOT_SQL,
        source=_DOCUMENTED,
    ),
)

FOR_ALERTS: tuple[Query, ...] = (
    Query(
        "error_rate",
        "Error rate (status 400 and above, % of responses)",
        data="metric",
        aggregate="ratio",
        of="api.requests.count",
        numerator=_CLIENT_OR_SERVER_ERROR,
        window_minutes=5,
    ),
    Query(
        "server_error_rate",
        "Server error rate (status 500 and above, % of responses)",
        data="metric",
        aggregate="ratio",
        of="api.requests.count",
        numerator=_SERVER_ERROR,
        window_minutes=5,
    ),
    Query(
        "response_time_p95",
        "Response time (p95, ms)",
        data="metric",
        aggregate="p95",
        of="api.requests.duration",
        window_minutes=10,
    ),
    Query(
        "database_connection_errors",
        "Database connection errors (count)",
        data="metric",
        aggregate="sum",
        of="db.connection.errors",
        window_minutes=1,
    ),
    Query(
        "failed_logins_by_address",
        "Failed logins by address (count)",
        data="logs",
        aggregate="count",
        filter={"event_type": "security_login_failed"},
        group=("ip_address",),
        window_minutes=5,
        order="desc",
    ),
    Query(
        "brute_force_attempts",
        "Brute force attempts (count)",
        data="logs",
        aggregate="count",
        filter={"event_type": "security_suspicious_activity", "activity_type": "brute_force"},
        window_minutes=5,
    ),
    Query(
        "requests_by_service",
        "Responses by service (count)",
        data="metric",
        aggregate="sum",
        of="api.requests.count",
        window_minutes=10,
    ),
    Query(
        "telemetry_lost_lately",
        "Telemetry lost lately (records and spans)",
        data="metric",
        aggregate="sum",
        of="tradewise.telemetry.dropped",
        group=("tier", "signal", "reason"),
        window_minutes=10,
    ),
    Query(
        "collector_queue_used",
        "Share of a Collector's queue that is used (%)",
        data="metric",
        aggregate="ratio",
        of="otelcol_exporter_queue_size",
        per="otelcol_exporter_queue_capacity",
        group=("tier", "exporter"),
        window_minutes=10,
    ),
    Query(
        "failed_checks_by_bot",
        "Checks that found a bot not well (count)",
        data="logs",
        aggregate="count",
        filter={"event_type": "bot_health_check", "status": "!=healthy"},
        group=("bot_id",),
        window_minutes=15,
        exact_because="a check that is not healthy always keeps its record",
    ),
)

TILES: tuple[Query, ...] = (
    Query(
        "requests_by_endpoint",
        "Requests by endpoint (count)",
        data="metric",
        aggregate="sum",
        of="api.requests.count",
        group=("endpoint", "status_class"),
        window_minutes=60,
        order="desc",
    ),
    Query(
        "average_response_time_by_endpoint",
        "Average response time by endpoint (ms)",
        data="metric",
        aggregate="avg",
        of="api.requests.duration",
        group=("endpoint", "method"),
        window_minutes=60,
        order="desc",
        limit=10,
    ),
    Query(
        "slowest_tables",
        "Slowest tables (p95 of a statement, ms)",
        data="metric",
        aggregate="p95",
        of="db.operations.duration",
        group=("table", "operation"),
        window_minutes=60,
        order="desc",
        limit=10,
    ),
    Query(
        "slowest_external_services",
        "Slowest external services (p95 of a call, ms)",
        data="metric",
        aggregate="p95",
        of="external.calls.duration",
        group=("service", "endpoint"),
        window_minutes=60,
        order="desc",
        limit=10,
    ),
    Query(
        "user_activity",
        "User activity (count)",
        data="metric",
        aggregate="sum",
        of="user.activity.count",
        group=("action",),
        window_minutes=24 * 60,
        order="desc",
        limit=20,
    ),
    Query(
        "security_events",
        "Security events (count)",
        data="metric",
        aggregate="sum",
        of="security.events.count",
        group=("event_type",),
        window_minutes=24 * 60,
        order="desc",
    ),
    Query(
        "response_time_p50_by_endpoint",
        "Response time by endpoint (p50, ms)",
        data="metric",
        aggregate="p50",
        of="api.requests.duration",
        group=("endpoint",),
        window_minutes=60,
        bucket_minutes=1,
    ),
    Query(
        "response_time_p95_by_endpoint",
        "Response time by endpoint (p95, ms)",
        data="metric",
        aggregate="p95",
        of="api.requests.duration",
        group=("endpoint",),
        window_minutes=60,
        bucket_minutes=1,
    ),
    Query(
        "response_time_p99_by_endpoint",
        "Response time by endpoint (p99, ms)",
        data="metric",
        aggregate="p99",
        of="api.requests.duration",
        group=("endpoint",),
        window_minutes=60,
        bucket_minutes=1,
    ),
    Query(
        "statements_by_operation",
        "Statements by operation (p50 of a statement, ms)",
        data="metric",
        aggregate="p50",
        of="db.operations.duration",
        group=("operation",),
        window_minutes=60,
        bucket_minutes=1,
    ),
    Query(
        "database_connection_errors_by_database",
        "Database connection errors by database (count)",
        data="metric",
        aggregate="sum",
        of="db.connection.errors",
        group=("database",),
        window_minutes=60,
        bucket_minutes=5,
    ),
    Query(
        "bot_connection_time",
        "Time of a connection to a bot (p95, ms)",
        data="metric",
        aggregate="p95",
        of="bot.connections.duration",
        group=("status",),
        window_minutes=24 * 60,
        bucket_minutes=60,
    ),
    Query(
        "suspicious_activity_by_kind",
        "Suspicious activity by kind (count)",
        data="metric",
        aggregate="sum",
        of="security.events.count",
        filter={"event_type": "security_suspicious_activity"},
        group=("activity_type",),
        window_minutes=24 * 60,
        bucket_minutes=60,
    ),
    Query(
        "failed_logins_by_account",
        "Failed logins by account (count)",
        data="logs",
        aggregate="count",
        filter={"event_type": "security_login_failed"},
        group=("email",),
        window_minutes=24 * 60,
        order="desc",
        limit=20,
    ),
    Query(
        "business_events",
        "Business events by kind (count)",
        data="logs",
        aggregate="count",
        filter={"event_type": "business_*"},
        group=("event_type",),
        window_minutes=24 * 60,
        order="desc",
    ),
    Query(
        "new_users",
        "New users (users)",
        data="logs",
        aggregate="avg",
        of="new_users",
        filter={"event_type": "metric_daily_active_users"},
        group=("date",),
        window_minutes=30 * 24 * 60,
        order="asc",
    ),
    Query(
        "telemetry_delivered",
        "Telemetry handed on (records and spans)",
        data="metric",
        aggregate="sum",
        of="tradewise.telemetry.delivered",
        group=("tier", "signal"),
        window_minutes=60,
        bucket_minutes=5,
    ),
    Query(
        "telemetry_sampled_out",
        "Telemetry left out on purpose (records and spans)",
        data="metric",
        aggregate="sum",
        of="tradewise.telemetry.sampled_out",
        group=("tier", "signal"),
        window_minutes=60,
        bucket_minutes=5,
    ),
    Query(
        "telemetry_redacted",
        "Values masked, by rule (count)",
        data="metric",
        aggregate="sum",
        of="tradewise.telemetry.redacted",
        group=("tier", "reason"),
        window_minutes=60,
        order="desc",
    ),
    Query(
        "daily_active_users",
        "Daily active users (users)",
        data="logs",
        aggregate="avg",
        of="active_users",
        filter={"event_type": "metric_daily_active_users"},
        group=("date",),
        window_minutes=30 * 24 * 60,
        order="asc",
    ),
    Query(
        "active_bots",
        "Active bots (bots)",
        data="logs",
        aggregate="avg",
        of="active_bots",
        filter={"event_type": "metric_bot_usage"},
        window_minutes=24 * 60,
        bucket_minutes=60,
    ),
    Query(
        "unhealthy_bots",
        "Failed or degraded health checks by bot (count)",
        data="logs",
        aggregate="count",
        filter={"event_type": "bot_health_check", "status": "!=healthy"},
        group=("bot_id",),
        window_minutes=60,
        order="desc",
        limit=20,
        exact_because="a check that is not healthy always keeps its record",
    ),
    Query(
        "telemetry_lost",
        "Telemetry lost (records and spans)",
        data="metric",
        aggregate="sum",
        of="tradewise.telemetry.dropped",
        group=("tier", "signal", "reason"),
        window_minutes=60,
        order="desc",
    ),
)

QUERIES: tuple[Query, ...] = (*DOCUMENTED, *FOR_ALERTS, *TILES)
"""All of them; names are unique and stable, since alerts, dashboards and the command line use them."""
