"""What is promised over a month; the budgets' alerts are `alerts.BURN_RATES` of each."""

from __future__ import annotations

from .vocabulary import Slo

SLOS: tuple[Slo, ...] = (
    Slo(
        "api_availability",
        "Responses without a server error",
        query="server_error_rate",
        target=99.9,
        days=30,
        runbook=(
            "The month's budget of server errors burns too fast. What to look at is what `high_error_rate` "
            "says, at 5xx only: one endpoint or all, a kept trace of it, the last deployment, the database."
        ),
    ),
    Slo(
        "api_latency",
        "Five minutes with a p95 of at most 2 s",
        query="response_time_p95",
        at_most=2000,
        target=99,
        days=30,
        runbook=(
            "Responses have been slow for a good part of the time. What to look at is what "
            "`slow_response_time` says: the slowest endpoint, its slowest trace, its statements and calls."
        ),
    ),
)
"""One row a promise; its query is a question that is asked elsewhere too."""
