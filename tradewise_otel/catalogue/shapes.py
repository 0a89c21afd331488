"""The fields of each documented event, as types: heading "Event Types & Categories" and those after it.

Required keys are on every event of the kind, and so are `filled` ones, which the state store adds to what
the app states; all others are absent when unknown, never null. Plain dicts at run time, so a typed event
goes through `logger.info(..., extra=...)` as it stands.
"""

# No `from __future__ import annotations` here: with it, Python 3.11 lists NotRequired keys as required.

from typing import Annotated, Literal

from typing_extensions import NotRequired

from .common import (
    SQL_LENGTH,
    AnyMap,
    ApiUrl,
    BotId,
    ClientIp,
    Context,
    DurationMs,
    Email,
    ErrorMessage,
    ErrorType,
    Ids,
    IpAddress,
    Method,
    Path,
    ResponseTimeMs,
    SessionId,
    StatusCode,
    UserAgent,
    count,
    millis,
)
from .vocabulary import Field

Database = Annotated[
    str, Field("Name of the database.", "tradewise", tag=True, semconv=("db.namespace", "db.name"))
]
Operation = Annotated[
    str,
    Field(
        "What was done: an SQL verb, or the name of the profiled function.",
        "SELECT",
        tag=True,
        semconv=("db.operation.name", "db.operation"),
    ),
]


class Plain(Context):
    """A line without an event type, or with one that nobody declared: any fields."""


class ApiRequest(Context):
    """`api_request`: a request has arrived (API Events)."""

    method: Method
    path: Path
    query_params: NotRequired[
        Annotated[AnyMap, Field("Query string, redacted.", {"debug": "true"}, facet="none")]
    ]
    client_ip: NotRequired[ClientIp]
    user_agent: NotRequired[UserAgent]


class ApiResponse(Context):
    """`api_response`: a request has been answered (API Events, Response Time Monitoring)."""

    method: Method
    path: Path
    route: NotRequired[
        Annotated[
            str,
            Field(
                "Route template with its mount prefixes.",
                "/api/v1/bots/{bot_id}",
                semconv=("http.route",),
                tag=True,
            ),
        ]
    ]
    status_code: StatusCode
    response_time_ms: ResponseTimeMs
    p95_threshold: NotRequired[
        Annotated[float, Field("Above it a response is slow.", 2000, unit="ms", facet="none")]
    ]
    p99_threshold: NotRequired[
        Annotated[float, Field("Above it a response is critical.", 5000, unit="ms", facet="none")]
    ]
    performance_status: NotRequired[
        Annotated[
            Literal["normal", "slow", "critical"], Field("Speed judged by the two thresholds.", "normal")
        ]
    ]
    error_type: NotRequired[ErrorType]
    stream_duration_ms: NotRequired[Annotated[float, millis("For a stream: time to its end.", 65000.0)]]


class DatabaseOperation(Context):
    """`database_operation`: one statement (Database Events)."""

    operation: Operation
    table: NotRequired[
        Annotated[
            str,
            Field(
                "First table of the statement.",
                "bots",
                tag=True,
                semconv=("db.collection.name", "db.sql.table"),
            ),
        ]
    ]
    duration_ms: DurationMs
    rows_affected: NotRequired[Annotated[int, count("Rows, where the driver says so.", 1)]]
    database: NotRequired[Database]
    error_type: NotRequired[ErrorType]
    error_message: NotRequired[ErrorMessage]


class DatabaseConnectionError(Context):
    """`database_connection_error`: no connection, or none left in the pool (contract)."""

    database: NotRequired[Database]
    error_type: ErrorType
    error_message: NotRequired[ErrorMessage]
    duration_ms: NotRequired[DurationMs]


class ExternalApiCall(Context):
    """`external_api_call`: one outgoing HTTP call (External API Events)."""

    service: Annotated[
        str,
        Field(
            "The called service.",
            "trading_bot",
            tag=True,
            semconv=("service.peer.name", "peer.service"),
            datadog=("peer.service", "event.service"),
        ),
    ]
    endpoint: Annotated[
        str, Field("Path that was called.", "/api/v1/status", tag=True, semconv=("url.path",))
    ]
    method: Method
    status_code: NotRequired[StatusCode]
    duration_ms: DurationMs
    api_url: ApiUrl
    error_type: NotRequired[ErrorType]
    attempt: NotRequired[Annotated[int, count("1 for the first try.", 1)]]


class BotConnectionTest(Context):
    """`bot_connection_test_success` and `bot_connection_test_failed` (JSON Log Format, Dashboard Queries)."""

    api_url: ApiUrl
    total_duration_ms: Annotated[float, millis("Length of the whole test.", 1250.5)]
    bot_info: NotRequired[
        Annotated[
            AnyMap,
            Field("What the bot says of itself.", {"state": "running", "trades_count": 15}, facet="none"),
        ]
    ]
    bot_id: NotRequired[BotId]
    error_type: NotRequired[ErrorType]


class BotHealthCheck(Context):
    """`bot_health_check` (Bot Health Monitoring)."""

    bot_id: BotId
    status: Annotated[
        Literal["healthy", "degraded", "unhealthy"],
        Field("How the bot is.", "healthy", datadog=("event.status", "bot.status")),
    ]
    response_time_ms: NotRequired[ResponseTimeMs]
    last_successful_ping: NotRequired[
        Annotated[str, Field("UTC, RFC 3339.", "2024-01-01T12:00:00Z", facet="none")]
    ]
    consecutive_failures: NotRequired[
        Annotated[int, count("Failed checks since the last good one.", 0, filled=True)]
    ]


class BusinessEvent(Context):
    """`business_*`: anything that the business wants to know (Business Events)."""


class BusinessUserRegistered(BusinessEvent):
    """`business_user_registered` (Business Events)."""

    email: NotRequired[Email]
    client_ip: NotRequired[ClientIp]


class BusinessBotConnected(BusinessEvent):
    """`business_bot_connected` (Business Events)."""

    bot_id: BotId
    api_url: NotRequired[ApiUrl]
    connection_duration_ms: NotRequired[Annotated[float, millis("Time until the bot answered.", 2500)]]


class AuditEvent(Context):
    """`audit_*`: who did what to what (Log Retention keeps them, no example names one)."""

    actor: Annotated[str, Field("Who did it.", "user-123")]
    action: Annotated[str, Field("What was done.", "bot_deleted", tag=True)]
    target: Annotated[str, Field("What it was done to.", "bot-789")]
    outcome: Annotated[str, Field("How it ended.", "success")]


class SecurityEvent(Context):
    """`security_*`: anything that security wants to know (Security Events)."""


class SecurityLoginFailed(SecurityEvent):
    """`security_login_failed` (Security Events)."""

    email: NotRequired[Email]
    ip_address: NotRequired[IpAddress]
    user_agent: NotRequired[UserAgent]
    failure_reason: NotRequired[Annotated[str, Field("Why it failed.", "invalid_credentials")]]


class SecuritySuspiciousActivity(SecurityEvent):
    """`security_suspicious_activity`: too many calls or failed logins (Security Events)."""

    ip_address: NotRequired[IpAddress]
    activity_type: Annotated[
        str, Field("`rapid_api_calls`, `brute_force`, or a word of the app.", "rapid_api_calls", tag=True)
    ]
    call_count: NotRequired[Annotated[int, count("Calls in the window.", 150)]]
    time_window_seconds: NotRequired[
        Annotated[float, Field("Length of the window.", 60, unit="s", facet="none")]
    ]


class UserJourneyStep(Ids):
    """`user_journey_step` (User Journey Tracking)."""

    session_id: SessionId
    step: Annotated[str, Field("Name of the step.", "bot_connection_test")]
    step_sequence: NotRequired[Annotated[int, count("1 for the first step of the session.", 3, filled=True)]]
    previous_step: NotRequired[Annotated[str, Field("The step before; absent on the first.", "login")]]
    duration_since_last_step_ms: NotRequired[Annotated[float, millis("Time since that step.", 30000)]]


class PerformanceMetric(Context):
    """`performance_metric`: one call of a profiled function (Performance Analysis)."""

    operation: Operation
    duration_ms: DurationMs
    status: Annotated[
        Literal["success", "error"], Field("How the call ended.", "success", datadog=("event.status",))
    ]
    cancelled: NotRequired[
        Annotated[bool, Field("Cut off from outside: the task cancelled, the process told to end.", True)]
    ]
    error: NotRequired[
        Annotated[
            str,
            Field(
                "Text of the exception, redacted.",
                "timed out",
                facet="none",
                max_length=SQL_LENGTH,
                datadog=("event.error",),
            ),
        ]
    ]


class MetricDailyActiveUsers(Context):
    """`metric_daily_active_users` (Business Metrics)."""

    date: Annotated[str, Field("The day, UTC.", "2024-01-01", datadog=("event.date",))]
    active_users: Annotated[int, count("Users seen that day.", 1250)]
    new_users: Annotated[int, count("Of them, never seen before.", 45)]
    returning_users: Annotated[int, count("Of them, seen before.", 1205)]


class MetricBotUsage(Context):
    """`metric_bot_usage` (Business Metrics)."""

    total_bots: Annotated[int, count("Bots known.", 5678)]
    active_bots: Annotated[int, count("Bots in use.", 4321)]
    external_bots: Annotated[int, count("Bots that users run themselves.", 2345)]
    shared_bots: Annotated[int, count("Bots that several users share.", 1976)]
    avg_bots_per_user: Annotated[float, Field("Bots a user, on average.", 2.3, unit="1", facet="measure")]
