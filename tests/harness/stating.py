"""Typed calls of every sort, right and wrong, for apps under test; from a module of their own.

Without the launcher they are log calls of this module, so that no handler of the app hears of them.
"""

from __future__ import annotations

import datetime
from typing import Any

from tradewise_otel import events


class Unprintable:
    """Has no text."""

    def __str__(self) -> str:
        raise ValueError("no text")


def state_all() -> None:
    """Right calls, and calls wrong in every way that is looked after."""
    wrong: Any = events
    now = datetime.datetime(2024, 1, 1)
    events.bot_health_check(bot_id="b", status="degraded", extra={"region": "eu", "level": "x"})
    events.external_api_call(
        service="s", endpoint="/", method="GET", duration_ms=1, api_url="http://b", status_code=503
    )
    events.performance_metric(operation="x", duration_ms=1, status="error", error="token=s3cr3t-token")
    events.database_operation(operation="SELECT", duration_ms=1.5)
    events.business("order_filled", quantity=3, _hidden=1, level="x")
    wrong.audit(
        Unprintable(), "more", actor=7, when=now, then=now.date(), odd=Unprintable(), none=float("nan")
    )
    wrong.user_journey_step("place", session_id=7, user_id="", step=3, tenant_id="t\n", colour="red", extra=7)
