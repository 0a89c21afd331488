"""The names that `monitoring.md` taught, as doors to what has taken their place; see docs/migrate.md.

They keep the document's signatures, so that an app changes its imports first and its calls when it likes.
None of them counts what is counted already: see `MetricsCollector`.
"""

from __future__ import annotations

import functools
import logging
import random
import sys
from collections.abc import Callable, Mapping
from typing import Any

from tradewise_otel import running
from tradewise_otel.catalogue.lookup import event_for
from tradewise_otel.catalogue.sensitive import MASK
from tradewise_otel.pipeline.feed import BY_HAND
from tradewise_otel.record.build import Event, automatic, living_request
from tradewise_otel.redact.walk import Redactor

_ALWAYS = frozenset({"WARNING", "ERROR", "CRITICAL"})


def get_logger(name: str | None = None) -> logging.Logger:
    """The stdlib logger of that name: each of its records becomes one documented line (Logger Setup)."""
    return logging.getLogger(name)


def setup_logging(log_level: str = "INFO") -> None:
    """Sets the level of the root logger; form and handlers are the launcher's business (Logger Setup).

    Without the launcher lines go to stdout in stdlib's own form.

    Raises:
        ValueError: the level has no such name.
    """
    if running.pipeline() is None:
        logging.basicConfig(stream=sys.stdout)
    logging.getLogger().setLevel(log_level)


class MetricsCollector:
    """The document's counters, fed only with what no event has said (Custom Metrics).

    Requests are counted by themselves, attempts to connect and users' activity by the events that an app
    states, so most calls of these are to be deleted; until then they must do no harm.
    """

    @staticmethod
    def record_api_request(endpoint: str, method: str, status_code: int, duration_ms: float) -> None:
        """Counts a request, unless it is called within one: that is counted when it is answered.

        Args:
            endpoint: route template. `duration_ms` is in milliseconds.
        """
        fields = {"route": endpoint, "method": method, "status_code": status_code}
        _feed("api_response", {**fields, "response_time_ms": duration_ms})

    @staticmethod
    def record_bot_connection(success: bool, duration_ms: float) -> None:
        """Counts an attempt to connect, unless an event of the same request and outcome has counted it.

        Those are `bot_connection_test_*` and `business_bot_connected`, logged before or after; each pairs
        with one call. Outside requests, where nothing tells what belongs together, every call counts.
        """
        event_type = f"bot_connection_test_{'success' if success else 'failed'}"
        _feed(event_type, {"total_duration_ms": duration_ms})

    @staticmethod
    def record_user_activity(action: str, user_id: str, tenant_id: str) -> None:
        """Counts one thing that a user did; `user_id` is no label, as in the document.

        Journey steps, business events and API calls count by themselves, under actions of their own names.
        """
        _feed("user_journey_step", {"step": action, "user_id": user_id, "tenant_id": tenant_id})


class LogSanitizer:
    """Redaction by hand (Sensitive Data Handling); whatever is logged is redacted without it."""

    @classmethod
    def sanitize(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of a mapping as it may leave: secrets by key and by value are `***REDACTED***`.

        A `session_id` at the top stays as it is, since the line that carries it makes a pseudonym of it.
        """
        return _redactor().mapping(data).value


class LogSampler:
    """Sampling by hand (Log Sampling). Under the launcher whole requests are sampled, once, at their end."""

    def __init__(self, sample_rate: float = 0.1) -> None:
        self.sample_rate = sample_rate

    def should_log(self, event_type: str, level: str) -> bool:
        """True under the launcher: who left a record out here would take it from the metrics as well.

        Without the launcher, whether the document would log it: what is always kept, else by the rate.
        """
        if running.pipeline() is not None or level in _ALWAYS:
            return True
        row = event_for(event_type)
        kept = row.keeps != "ratio" and not row.keeps_when
        return kept or random.random() < self.sample_rate


def _feed(event_type: str, fields: dict[str, Any]) -> None:
    """Feeds the metrics of an event that is not emitted."""
    runtime = running.pipeline()
    if runtime is not None:
        runtime.ledger.shielded("record by hand", _by_hand, None, "metrics")(runtime.feed, event_type, fields)


def _by_hand(feed: Callable[[Event], None], event_type: str, fields: dict[str, Any]) -> None:
    event = automatic(event_type, "INFO", "", LogSanitizer.sanitize(fields), None, living_request())
    event.logger_name = BY_HAND
    feed(event)


@functools.cache
def _redactor() -> Redactor:
    return Redactor(pseudonymise=lambda _: MASK)
