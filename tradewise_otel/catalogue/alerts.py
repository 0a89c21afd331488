"""Who is told of what: the four documented alerts (heading "Critical Alert Conditions"), and those that watch
the telemetry itself, without which the four would be silent for the wrong reason.
"""

from __future__ import annotations

from .vocabulary import Alert, BurnRate

EVALUATION_DELAY_SECONDS = 60
"""How long a metric monitor waits, so that a late batch of counts does not look like an outage."""

ALERTS: tuple[Alert, ...] = (
    Alert(
        name="high_error_rate",
        title="Too many requests fail",
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
        title="Responses are slow",
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
        title="The database cannot be reached",
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
        title="Somebody is guessing passwords",
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
"""The documented ones."""

OPERATIONAL: tuple[Alert, ...] = (
    Alert(
        name="no_telemetry",
        title="Nothing is heard of a service",
        query="requests_by_service",
        operator="<",
        threshold=1,
        unit="responses",
        window_minutes=10,
        notify=("email", "slack"),
        missing="tell",
        source="contract",
        runbook=(
            "No response has been counted for ten minutes, though health probes alone should make some. Ask "
            "the service itself first: if it answers, telemetry is broken on its way. Then ask the readiness "
            "of the Collectors (port 13134), and read the service's own lines on stdout: an outage of the "
            "Collector is told there once, with its reason."
        ),
    ),
    Alert(
        name="telemetry_loss",
        title="Telemetry is being lost",
        query="telemetry_lost_lately",
        operator=">",
        threshold=0,
        unit="records and spans",
        window_minutes=10,
        notify=("slack",),
        source="contract",
        runbook=(
            "Somebody gave up on records or spans; `tier`, `signal` and `reason` say who, of what, and why. "
            "In the app a full queue means that the Collector is too slow or cannot be reached; `refused` in "
            "a Collector means that Datadog would not take them: read that Collector's log for the answer it "
            "got. `tradewise-otel reconcile` says how many of which."
        ),
    ),
    Alert(
        name="collector_queue",
        title="A Collector's queue fills up",
        query="collector_queue_used",
        operator=">",
        threshold=50,
        unit="%",
        window_minutes=10,
        notify=("slack",),
        source="contract",
        runbook=(
            "What waits for Datadog is over half of what may wait; when it is full, agents and apps have to "
            "wait, and then to drop. Look whether Datadog's intake answers (status page, readiness of the "
            "gateway, its log). If it does, the gateway is too small: add a replica (docs/sizing.md). Logs "
            "that wait for more than 17 hours are given a new date."
        ),
    ),
    Alert(
        name="bots_unhealthy",
        title="A bot is not well",
        query="failed_checks_by_bot",
        operator=">",
        threshold=3,
        unit="checks",
        window_minutes=15,
        notify=("email", "slack"),
        source="contract",
        runbook=(
            "More than three checks of one bot have failed in a quarter of an hour. Look at its latest "
            "`bot_health_check`: `consecutive_failures` and `last_successful_ping` say since when. If other "
            "bots of that host fail too, it is the host or its network; else ask the bot's owner."
        ),
    ),
)
"""Those of our own: the documented four say nothing when nothing is heard."""

BURN_RATES: tuple[BurnRate, ...] = (
    BurnRate("fast", 14.4, "1h", "5m", ("email", "slack", "pagerduty")),
    BurnRate("slow", 6, "6h", "30m", ("email", "slack")),
)
"""2 % of a month's budget within an hour, 5 % within six; the short window ends the alert."""
