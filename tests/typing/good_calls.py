"""Calls that type checkers must take."""

from __future__ import annotations

from tradewise_otel import events


def everyday(user_id: str | None, address: str | None) -> None:
    """What apps write: the documented names, a whole number for a duration, None for what is not known."""
    events.user_journey_step(user_id=user_id, session_id="s-1", step="login")
    events.bot_health_check(bot_id="b-1", status="healthy", response_time_ms=500)
    events.bot_connection_test_success(
        api_url="http://b", total_duration_ms=1250.5, bot_info={"state": "running", "trades": 15}
    )
    events.security_login_failed(email="user@example.com", ip_address=address, failure_reason="unknown_user")
    events.security_suspicious_activity(activity_type="word_of_the_app", call_count=150)
    events.performance_metric(operation="rebalance", duration_ms=12, status="error", error="timed out")
    events.metric_daily_active_users(date="2024-01-01", active_users=3, new_users=1, returning_users=2)


def free_fields() -> None:
    """Fields of one's own: in open families as they are, elsewhere by `extra`."""
    events.business("order_filled", order_id="o-1", quantity=3, legs=[1, 2], user_id="u-1")
    events.security("token_revoked", token_id="t-1", message="a token was revoked")
    events.audit("bot_deleted", actor="u-1", action="delete", target="b-1", outcome="success", ticket=7)
    events.database_operation(operation="SELECT", duration_ms=1.0, extra={"shard": 7})
