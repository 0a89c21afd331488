"""The document's own names do what it says of them, by the new parts, and count nothing twice."""

from __future__ import annotations

import inspect
import itertools
import logging
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from harness.pipeline import Pipeline

from tradewise_otel import compat, context, running
from tradewise_otel.compat import LogSampler, LogSanitizer, MetricsCollector
from tradewise_otel.context import Request
from tradewise_otel.pipeline.aggregate import Labels
from tradewise_otel.record.build import automatic, living_request

SUCCESS, FAILURE = (("status", "success"),), (("status", "failure"),)
SIGNATURES = {
    compat.setup_logging: "(log_level: 'str' = 'INFO') -> 'None'",
    MetricsCollector.record_api_request: "(endpoint: 'str', method: 'str', status_code: 'int', "
    "duration_ms: 'float') -> 'None'",
    MetricsCollector.record_bot_connection: "(success: 'bool', duration_ms: 'float') -> 'None'",
    MetricsCollector.record_user_activity: "(action: 'str', user_id: 'str', tenant_id: 'str') -> 'None'",
    LogSampler: "(sample_rate: 'float' = 0.1) -> 'None'",
    LogSampler().should_log: "(event_type: 'str', level: 'str') -> 'bool'",
}


@pytest.fixture
def request_of_somebody() -> Iterator[Request]:
    """A request that is being answered."""
    request = Request("r-1")
    request.span = SimpleNamespace()
    token = context.enter(request)
    yield request
    context.leave(token)


@pytest.mark.parametrize("name", SIGNATURES, ids=lambda name: name.__qualname__)
def test_the_documents_signatures_stay(name: Callable[..., Any]) -> None:
    """Every call of the document can stay as it is."""
    assert str(inspect.signature(name)) == SIGNATURES[name]


def test_a_request_by_hand_is_counted_where_nobody_else_does(told: Pipeline) -> None:
    """Outside of requests the call gives the documented count and duration."""
    MetricsCollector.record_api_request("/x/{id}", "GET", 200, 12.5)
    labels = (("endpoint", "/x/{id}"), ("method", "GET"), ("status_code", 200), ("status_class", "2xx"))
    assert told.counts("api.requests.count") == {labels: 1}
    MetricsCollector.record_api_request("/x/{id}", "GET", 200, 12.5)
    assert told.counts("api.requests.duration") == {labels: 1}


def test_a_request_by_hand_within_one_is_not_counted_again(
    told: Pipeline, request_of_somebody: Request
) -> None:
    """In an endpoint or a middleware the call adds nothing: the answer itself is counted."""
    MetricsCollector.record_api_request("/x/{id}", "GET", 200, 12.5)
    assert told.counts("api.requests.count") == {}


def _by_hand(success: bool) -> None:
    MetricsCollector.record_bot_connection(success, 250.0)


def _by_event(told: Pipeline, success: bool) -> None:
    event_type = f"bot_connection_test_{'success' if success else 'failed'}"
    told.runtime.sink.emit(
        automatic(
            event_type,
            "INFO",
            "",
            {"api_url": "http://b", "total_duration_ms": 250.0},
            None,
            living_request(),
        )
    )


@pytest.mark.parametrize(
    "order", ["".join(order) for n in (1, 2, 4) for order in itertools.product("HE", repeat=n)]
)
def test_an_attempt_that_is_said_twice_counts_once(
    order: str, told: Pipeline, request_of_somebody: Request
) -> None:
    """Of calls by hand (H) and events (E), in any order, as many count as there are of the greater kind."""
    for who in order:
        _by_hand(True) if who == "H" else _by_event(told, True)
    assert told.counts("bot.connections.count") == {SUCCESS: max(order.count("H"), order.count("E"))}


def test_outcomes_are_paired_apart(told: Pipeline, request_of_somebody: Request) -> None:
    """A failure by hand is another attempt than a success that was logged."""
    _by_event(told, True)
    _by_hand(False)
    assert told.counts("bot.connections.duration") == {SUCCESS: 1, FAILURE: 1}


def test_outside_requests_every_call_counts(told: Pipeline) -> None:
    """Nothing tells there what belongs together, so each call and each event is an attempt."""
    _by_event(told, False)
    _by_hand(False)
    assert told.counts("bot.connections.count") == {FAILURE: 2}


def test_activity_by_hand_has_the_documents_labels(told: Pipeline) -> None:
    """Action and tenant, and not the user."""
    MetricsCollector.record_user_activity("bot_started", "user-1", "tenant-1")
    expected: Labels = (("action", "bot_started"), ("tenant_id", "tenant-1"))
    assert told.counts("user.activity.count") == {expected: 1}
    assert told.lines == []


def test_what_is_recorded_by_hand_is_redacted_and_never_raises(told: Pipeline) -> None:
    """A secret in a label is masked; arguments of any type are borne."""
    MetricsCollector.record_user_activity("password=s3cr3t-word", "u", "t")
    assert "s3cr3t-word" not in str(told.counts("user.activity.count"))
    odd: Any = [object()]
    MetricsCollector.record_user_activity(odd, odd, odd)
    MetricsCollector.record_bot_connection(odd, odd)
    MetricsCollector.record_api_request(odd, odd, odd, odd)


def test_without_a_pipeline_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counters are silent, as they would be without an agent."""
    monkeypatch.setattr(running, "_running", None)
    MetricsCollector.record_api_request("/x", "GET", 200, 1.0)
    MetricsCollector.record_user_activity("a", "u", "t")
    _by_hand(True)


def test_sanitize_masks_by_key_and_by_value() -> None:
    """A copy in which secrets are masked at every depth and long texts cut; names that look alike stay."""
    data = {
        "api_token": "abc",
        "monkey": "banana",
        "nested": {"password": "x", "session_id": "s-1"},
        "url": "http://me:pa55word@host/",
        "session_id": "s-1",
        "long": "x" * 5000,
    }
    clean = LogSanitizer.sanitize(data)
    assert clean["api_token"] == clean["nested"]["password"] == "***REDACTED***"
    assert (clean["monkey"], clean["session_id"], data["api_token"]) == ("banana", "s-1", "abc")
    assert "pa55word" not in clean["url"]
    assert "s-1" not in str(clean["nested"])
    assert clean["long"].endswith("...[truncated]")


ALWAYS = [
    ("security_login_failed", "INFO"),
    ("business_x", "INFO"),
    ("api_request", "ERROR"),
    ("x", "WARNING"),
]


def test_the_sampler_leaves_sampling_to_the_pipeline(told: Pipeline) -> None:
    """Under the launcher every record goes on, since the pipeline samples whole requests."""
    assert all(LogSampler(0).should_log(*case) for case in [*ALWAYS, ("api_request", "INFO")])


def test_the_sampler_without_a_pipeline_is_the_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Important events and levels always, the others by the rate."""
    monkeypatch.setattr(running, "_running", None)
    assert all(LogSampler(0).should_log(*case) for case in ALWAYS)
    routine = ("api_request", "INFO")
    assert not any(LogSampler(0).should_log(*routine) for _ in range(100))
    assert all(LogSampler(1).should_log(*routine) for _ in range(100))
    assert 100 < sum(LogSampler().should_log(*routine) for _ in range(2000)) < 300


def test_loggers_are_stdlibs() -> None:
    """`get_logger` gives the logger that `logging.getLogger` gives."""
    assert compat.get_logger("performance") is logging.getLogger("performance")
