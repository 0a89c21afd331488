"""The questions that dashboards and alerts ask: heading "Dashboard Queries" and what the alerts need.

Counts come from metrics, which are exact; a question about records says why sampling does not falsify it.
"""

from __future__ import annotations

from .tiles import TILES
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

QUERIES: tuple[Query, ...] = (*DOCUMENTED, *FOR_ALERTS, *TILES)
"""All of them; names are unique and stable, since alerts, dashboards and the command line use them."""
