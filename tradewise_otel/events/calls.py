"""The typed calls: generated from the catalogue by `tradewise-otel generate`; do not edit.

Every argument is given by name, None says nothing. The ids are needed only where `bind()` has not told them.
`message` is the text of the line, else there is one by default. `extra` takes further fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tradewise_otel.events.door import states

_Extra = Mapping[str, object] | None


@states("database_operation")
def database_operation(
    *,
    operation: str,
    duration_ms: float,
    table: str | None = None,
    rows_affected: int | None = None,
    database: str | None = None,
    error_type: str | None = None,
    error_message: str | None = None,
    request_id: str | None = None,
    user_id: str | None = None,
    tenant_id: str | None = None,
    session_id: str | None = None,
    message: str | None = None,
    extra: _Extra = None,
) -> None:
    """A statement has run.

    Documented under Database Events; level INFO (ERROR on failure).

    Args:
        operation: What was done: an SQL verb, or the name of the profiled function.
        table: First table of the statement.
        duration_ms: How long it took. In ms.
        rows_affected: Rows, where the driver says so.
        database: Name of the database.
        error_type: Class of the error.
        error_message: Text of the error, redacted.
    """


@states("database_connection_error")
def database_connection_error(
    *,
    error_type: str,
    database: str | None = None,
    error_message: str | None = None,
    duration_ms: float | None = None,
    request_id: str | None = None,
    user_id: str | None = None,
    tenant_id: str | None = None,
    session_id: str | None = None,
    message: str | None = None,
    extra: _Extra = None,
) -> None:
    """The database cannot be reached, or its pool has no connection left.

    Not in the document; level ERROR.

    Args:
        database: Name of the database.
        error_type: Class of the error.
        error_message: Text of the error, redacted.
        duration_ms: How long it took. In ms.
    """


@states("external_api_call")
def external_api_call(
    *,
    service: str,
    endpoint: str,
    method: str,
    duration_ms: float,
    api_url: str,
    status_code: int | None = None,
    error_type: str | None = None,
    attempt: int | None = None,
    request_id: str | None = None,
    user_id: str | None = None,
    tenant_id: str | None = None,
    session_id: str | None = None,
    message: str | None = None,
    extra: _Extra = None,
) -> None:
    """Another service has been called.

    Documented under External API Events; level INFO (ERROR on failure or 5xx).

    Args:
        service: The called service.
        endpoint: Path that was called.
        method: HTTP method.
        status_code: HTTP status of the answer; 499 when the client left first, 101 for a WebSocket.
        duration_ms: How long it took. In ms.
        api_url: URL of the bot or service called.
        error_type: Class of the error.
        attempt: 1 for the first try.
    """


@states("bot_connection_test_success")
def bot_connection_test_success(
    *,
    api_url: str,
    total_duration_ms: float,
    bot_info: Mapping[str, object] | None = None,
    bot_id: str | None = None,
    error_type: str | None = None,
    request_id: str | None = None,
    user_id: str | None = None,
    tenant_id: str | None = None,
    session_id: str | None = None,
    message: str | None = None,
    extra: _Extra = None,
) -> None:
    """A bot has answered the connection test.

    Documented under JSON Log Format; level INFO.

    Args:
        api_url: URL of the bot or service called.
        total_duration_ms: Length of the whole test. In ms.
        bot_info: What the bot says of itself.
        bot_id: Id of the bot.
        error_type: Class of the error.
    """


@states("bot_connection_test_failed")
def bot_connection_test_failed(
    *,
    api_url: str,
    total_duration_ms: float,
    bot_info: Mapping[str, object] | None = None,
    bot_id: str | None = None,
    error_type: str | None = None,
    request_id: str | None = None,
    user_id: str | None = None,
    tenant_id: str | None = None,
    session_id: str | None = None,
    message: str | None = None,
    extra: _Extra = None,
) -> None:
    """A bot has not passed the connection test.

    Documented under Dashboard Queries; level ERROR.

    Args:
        api_url: URL of the bot or service called.
        total_duration_ms: Length of the whole test. In ms.
        bot_info: What the bot says of itself.
        bot_id: Id of the bot.
        error_type: Class of the error.
    """


@states("bot_health_check")
def bot_health_check(
    *,
    bot_id: str,
    status: Literal["healthy", "degraded", "unhealthy"],
    response_time_ms: float | None = None,
    last_successful_ping: str | None = None,
    consecutive_failures: int | None = None,
    request_id: str | None = None,
    user_id: str | None = None,
    tenant_id: str | None = None,
    session_id: str | None = None,
    message: str | None = None,
    extra: _Extra = None,
) -> None:
    """The health of a bot has been looked at.

    Documented under Bot Health Monitoring; level INFO (WARNING when not healthy).

    Args:
        bot_id: Id of the bot.
        status: How the bot is.
        response_time_ms: Time to the last byte of the answer; to the first one for a stream. In ms.
        last_successful_ping: UTC, RFC 3339.
        consecutive_failures: Failed checks since the last good one. The state store knows it.
    """


@states("business_user_registered")
def business_user_registered(
    *,
    email: str | None = None,
    client_ip: str | None = None,
    request_id: str | None = None,
    user_id: str | None = None,
    tenant_id: str | None = None,
    session_id: str | None = None,
    message: str | None = None,
    extra: _Extra = None,
) -> None:
    """A user has registered.

    Documented under Business Events; level INFO.

    Args:
        email: E-mail address of the account; a setting may mask it.
        client_ip: Address of the client as the server sees it.
    """


@states("business_bot_connected")
def business_bot_connected(
    *,
    bot_id: str,
    api_url: str | None = None,
    connection_duration_ms: float | None = None,
    request_id: str | None = None,
    user_id: str | None = None,
    tenant_id: str | None = None,
    session_id: str | None = None,
    message: str | None = None,
    extra: _Extra = None,
) -> None:
    """A user has connected a bot.

    Documented under Business Events; level INFO.

    Args:
        bot_id: Id of the bot.
        api_url: URL of the bot or service called.
        connection_duration_ms: Time until the bot answered. In ms.
    """


@states("business_")
def business(
    name: str,
    /,
    *,
    request_id: str | None = None,
    user_id: str | None = None,
    tenant_id: str | None = None,
    session_id: str | None = None,
    message: str | None = None,
    **fields: object,
) -> None:
    """Anything else that the business wants to know.

    Documented under Business Events; level INFO.

    Args:
        name: What happened: the event type without `business_`, such as `order_filled`.
        fields: Whatever else there is to say.
    """


@states("audit_")
def audit(
    name: str,
    /,
    *,
    actor: str,
    action: str,
    target: str,
    outcome: str,
    request_id: str | None = None,
    user_id: str | None = None,
    tenant_id: str | None = None,
    session_id: str | None = None,
    message: str | None = None,
    **fields: object,
) -> None:
    """Somebody has done something that must be provable later.

    Not in the document; level INFO.

    Args:
        name: What happened: the event type without `audit_`, such as `order_filled`.
        actor: Who did it.
        action: What was done.
        target: What it was done to.
        outcome: How it ended.
        fields: Whatever else there is to say.
    """


@states("security_login_failed")
def security_login_failed(
    *,
    email: str | None = None,
    ip_address: str | None = None,
    user_agent: str | None = None,
    failure_reason: str | None = None,
    request_id: str | None = None,
    user_id: str | None = None,
    tenant_id: str | None = None,
    session_id: str | None = None,
    message: str | None = None,
    extra: _Extra = None,
) -> None:
    """A login has failed.

    Documented under Security Events; level WARNING.

    Args:
        email: E-mail address of the account; a setting may mask it.
        ip_address: Address the attempt came from.
        user_agent: Browser or library of the client.
        failure_reason: Why it failed.
    """


@states("security_suspicious_activity")
def security_suspicious_activity(
    *,
    activity_type: str,
    ip_address: str | None = None,
    call_count: int | None = None,
    time_window_seconds: float | None = None,
    request_id: str | None = None,
    user_id: str | None = None,
    tenant_id: str | None = None,
    session_id: str | None = None,
    message: str | None = None,
    extra: _Extra = None,
) -> None:
    """Somebody calls or tries logins faster than people do.

    Documented under Security Events; level WARNING.

    Args:
        ip_address: Address the attempt came from.
        activity_type: `rapid_api_calls`, `brute_force`, or a word of the app.
        call_count: Calls in the window.
        time_window_seconds: Length of the window. In s.
    """


@states("security_")
def security(
    name: str,
    /,
    *,
    request_id: str | None = None,
    user_id: str | None = None,
    tenant_id: str | None = None,
    session_id: str | None = None,
    message: str | None = None,
    **fields: object,
) -> None:
    """Anything else that security wants to know.

    Documented under Security Events; level WARNING.

    Args:
        name: What happened: the event type without `security_`, such as `order_filled`.
        fields: Whatever else there is to say.
    """


@states("user_journey_step")
def user_journey_step(
    *,
    step: str,
    session_id: str,
    step_sequence: int | None = None,
    previous_step: str | None = None,
    duration_since_last_step_ms: float | None = None,
    request_id: str | None = None,
    user_id: str | None = None,
    tenant_id: str | None = None,
    message: str | None = None,
    extra: _Extra = None,
) -> None:
    """A user has taken a step on the way through the app.

    Documented under User Journey Tracking; level INFO.

    Args:
        session_id: In clear; it leaves the process only as a keyed pseudonym.
        step: Name of the step.
        step_sequence: 1 for the first step of the session. The state store knows it.
        previous_step: The step before; absent on the first.
        duration_since_last_step_ms: Time since that step. In ms.
    """


@states("performance_metric")
def performance_metric(
    *,
    operation: str,
    duration_ms: float,
    status: Literal["success", "error"],
    cancelled: bool | None = None,
    error: str | None = None,
    request_id: str | None = None,
    user_id: str | None = None,
    tenant_id: str | None = None,
    session_id: str | None = None,
    message: str | None = None,
    extra: _Extra = None,
) -> None:
    """A profiled function has returned or raised.

    Documented under Performance Analysis; level INFO (ERROR on failure).

    Args:
        operation: What was done: an SQL verb, or the name of the profiled function.
        duration_ms: How long it took. In ms.
        status: How the call ended.
        cancelled: Cut off from outside: the task cancelled, the process told to end.
        error: Text of the exception, redacted.
    """


@states("metric_daily_active_users")
def metric_daily_active_users(
    *,
    date: str,
    active_users: int,
    new_users: int,
    returning_users: int,
    request_id: str | None = None,
    user_id: str | None = None,
    tenant_id: str | None = None,
    session_id: str | None = None,
    message: str | None = None,
    extra: _Extra = None,
) -> None:
    """Users of one day, counted exactly.

    Documented under Business Metrics; level INFO.

    Args:
        date: The day, UTC.
        active_users: Users seen that day.
        new_users: Of them, never seen before.
        returning_users: Of them, seen before.
    """


@states("metric_bot_usage")
def metric_bot_usage(
    *,
    total_bots: int,
    active_bots: int,
    external_bots: int,
    shared_bots: int,
    avg_bots_per_user: float,
    request_id: str | None = None,
    user_id: str | None = None,
    tenant_id: str | None = None,
    session_id: str | None = None,
    message: str | None = None,
    extra: _Extra = None,
) -> None:
    """Bots known and in use, counted exactly.

    Documented under Business Metrics; level INFO.

    Args:
        total_bots: Bots known.
        active_bots: Bots in use.
        external_bots: Bots that users run themselves.
        shared_bots: Bots that several users share.
        avg_bots_per_user: Bots a user, on average.
    """
