"""The four documented alerts, as queries with thresholds: heading "Critical Alert Conditions"."""

from __future__ import annotations

from .vocabulary import Alert

EVALUATION_DELAY_SECONDS = 60
"""How long a metric monitor waits, so that a late batch of counts does not look like an outage."""

ALERTS: tuple[Alert, ...] = (
    Alert(
        name="high_error_rate",
        query="error_rate",
        operator=">",
        threshold=5,
        unit="%",
        window_minutes=5,
        notify=("email", "slack", "pagerduty"),
        alternative_query="server_error_rate",
        runbook=(
            "More than one response in twenty is an error; 4xx count, as in the dashboard. Open 'Error rate "
            "by endpoint': one endpoint, or all? Compare with the server error rate: if that is flat, look "
            "for a client or an attack (401, 403, 404, 429). Otherwise open a kept trace of the endpoint "
            "and read its first error; then check the last deployment and the database alert."
        ),
    ),
    Alert(
        name="slow_response_time",
        query="response_time_p95",
        operator=">",
        threshold=5000,
        unit="ms",
        window_minutes=10,
        notify=("email", "slack"),
        runbook=(
            "One response in twenty takes over five seconds. Open 'Top slow endpoints', then the slowest "
            "trace there: slow statements point to 'Slowest tables', slow calls to 'Slowest external "
            "services' (a bot that hangs?). If the spans between are empty, the process itself is short "
            "of CPU or its event loop is blocked."
        ),
    ),
    Alert(
        name="database_connection_failure",
        query="database_connection_errors",
        operator=">",
        threshold=0,
        unit="errors",
        window_minutes=1,
        notify=("email", "slack", "pagerduty"),
        runbook=(
            "The app could not get a connection. Read `error_type` of the latest "
            "`database_connection_error`: a timeout of the pool means that connections are held too long "
            "(look for long transactions) or that the pool is too small; anything else means that the "
            "server, its network or the credentials are at fault. Check that the database answers."
        ),
    ),
    Alert(
        name="security_breach_attempt",
        query="failed_logins_by_address",
        operator=">",
        threshold=10,
        unit="events",
        window_minutes=5,
        notify=("email", "slack", "pagerduty", "sms"),
        or_query="brute_force_attempts",
        or_threshold=0,
        runbook=(
            "Somebody is guessing passwords. Find the `ip_address` and `email` of the "
            "`security_login_failed` records, and whether a login of theirs succeeded afterwards: if so, "
            "end the sessions of that account and reset its password. Block the address at the edge; if "
            "all addresses are one, the proxy's headers are not trusted and the count is of everybody."
        ),
    ),
)
