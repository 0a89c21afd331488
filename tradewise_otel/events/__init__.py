"""Documented events that an app states itself: one call an event, checked by mypy and pyright.

    from tradewise_otel import events

    events.security_login_failed(email=form.email, ip_address=client, failure_reason="invalid_credentials")
    events.business("order_filled", order_id=order.id, quantity=order.quantity)

The record is that of `logger.info(…, extra={"event_type": …})` from the same place. It goes whatever the
levels of loggers are, with the level of its event, to stdout and to OTLP, not to the app's own handlers. A
wrong call never raises: it goes as far as it can be understood, is counted in `tradewise.telemetry.invalid`,
and the first of a kind is told in a WARNING line that names event and field.

Without the launcher a call logs the plain way, to the logger of the module that calls.
"""

from tradewise_otel.events.calls import (
    audit,
    bot_connection_test_failed,
    bot_connection_test_success,
    bot_health_check,
    business,
    business_bot_connected,
    business_user_registered,
    database_connection_error,
    database_operation,
    external_api_call,
    metric_bot_usage,
    metric_daily_active_users,
    performance_metric,
    security,
    security_login_failed,
    security_suspicious_activity,
    user_journey_step,
)

__all__ = [
    "audit",
    "bot_connection_test_failed",
    "bot_connection_test_success",
    "bot_health_check",
    "business",
    "business_bot_connected",
    "business_user_registered",
    "database_connection_error",
    "database_operation",
    "external_api_call",
    "metric_bot_usage",
    "metric_daily_active_users",
    "performance_metric",
    "security",
    "security_login_failed",
    "security_suspicious_activity",
    "user_journey_step",
]
