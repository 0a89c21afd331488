"""The dashboards: which questions stand together, and how each is shown."""

from __future__ import annotations

from .vocabulary import Dashboard, Tile

DASHBOARDS: tuple[Dashboard, ...] = (
    Dashboard(
        "api",
        "TradeWise: API",
        "What is asked of the service, how often it fails, how long it takes.",
        (
            Tile("error_rate_by_endpoint", "top"),
            Tile("slowest_endpoints", "top"),
            Tile("error_rate", "line"),
            Tile("server_error_rate", "line"),
            Tile("requests_by_endpoint", "bars"),
            Tile("average_response_time_by_endpoint", "top"),
            Tile("response_time_p50_by_endpoint", "line"),
            Tile("response_time_p95_by_endpoint", "line"),
            Tile("response_time_p99_by_endpoint", "line"),
        ),
    ),
    Dashboard(
        "bots",
        "TradeWise: Bots",
        "Whether bots can be connected to, are well, and answer in time.",
        (
            Tile("bot_connection_success_rate", "line"),
            Tile("bot_connection_time", "line"),
            Tile("unhealthy_bots", "top"),
            Tile("slowest_external_services", "top"),
            Tile("active_bots", "line"),
            Tile("unhealthy_bots", "records"),
        ),
    ),
    Dashboard(
        "security",
        "TradeWise: Security",
        "Failed logins, suspicious activity; every one of these records is kept.",
        (
            Tile("security_events", "top"),
            Tile("suspicious_activity_by_kind", "bars"),
            Tile("failed_logins_by_address", "top"),
            Tile("failed_logins_by_account", "top"),
            Tile("brute_force_attempts", "number"),
            Tile("failed_logins_by_address", "records"),
        ),
    ),
    Dashboard(
        "business",
        "TradeWise: Business",
        "Who uses the service, and what for.",
        (
            Tile("daily_active_users", "top"),
            Tile("new_users", "top"),
            Tile("user_activity", "top"),
            Tile("business_events", "top"),
            Tile("business_events", "records"),
        ),
    ),
    Dashboard(
        "database",
        "TradeWise: Database",
        "How long statements take, and whether connections can be had.",
        (
            Tile("slowest_tables", "top"),
            Tile("statements_by_operation", "line"),
            Tile("database_connection_errors_by_database", "bars"),
        ),
    ),
    Dashboard(
        "telemetry",
        "TradeWise: Telemetry health",
        "What became of what the services told: handed on, left out, lost, masked.",
        (
            Tile("telemetry_delivered", "bars"),
            Tile("telemetry_sampled_out", "bars"),
            Tile("telemetry_lost", "top"),
            Tile("telemetry_redacted", "top"),
            Tile("collector_queue_used", "line"),
        ),
    ),
)
"""One row a dashboard, tiles in reading order."""
