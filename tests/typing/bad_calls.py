"""Calls that type checkers must refuse, each in the line that is marked."""

from __future__ import annotations

from tradewise_otel import events


def missing() -> None:
    """A required field is not there."""
    events.user_journey_step(session_id="s-1")  # refused
    events.bot_health_check(bot_id="b-1")  # refused
    events.performance_metric(operation="x", duration_ms=1.0)  # refused
    events.audit("bot_deleted", actor="u-1", action="delete", target="b-1")  # refused
    events.business()  # refused


def unknown() -> None:
    """A field that the event does not have."""
    events.user_journey_step(session_id="s-1", step="a", stepp="b")  # refused
    events.security_login_failed(reason="unknown_user")  # refused
    events.metric_bot_usage(bots=1)  # refused
    events.business_order_filled(order_id="o-1")  # refused


def mistyped(address: bytes) -> None:
    """A field with another type than documented."""
    events.user_journey_step(session_id=7, step="a")  # refused
    events.bot_health_check(bot_id="b-1", status="sick")  # refused
    events.bot_connection_test_failed(api_url="http://b", total_duration_ms="1250")  # refused
    events.security_login_failed(ip_address=address)  # refused
    events.business_user_registered(client_ip=7)  # refused
    events.database_operation(operation="SELECT", duration_ms=None)  # refused
    events.audit("bot_deleted", actor=7, action="delete", target="b-1", outcome="success")  # refused
    events.database_operation(operation="SELECT", duration_ms=1.0, extra=["shard"])  # refused


def misplaced() -> None:
    """Fields go by name only."""
    events.user_journey_step("s-1", "a")  # refused
    events.business("order_filled", "o-1")  # refused
