"""The pytest plugin for apps: what it catches, what it fixes, and what its failures say."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest_plugins = ["pytester"]
Run = Callable[[str], pytest.RunResult]

APP = """
import logging
from tradewise_otel import bind, events

log = logging.getLogger("app")

def login(**more):
    events.security_login_failed(email="user@example.com", failure_reason="invalid_credentials", **more)

def plain(event_type, **fields):
    log.info("plainly", extra={"event_type": event_type, **fields})
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Runs a test module of an app that uses the plugin, in a process of its own."""
    pytester.makepyfile(shop=APP)
    pytester.makeconftest('pytest_plugins = ["tradewise_otel.testing"]')

    def outcome(source: str) -> pytest.RunResult:
        pytester.makepyfile(test_shop="import shop\nfrom tradewise_otel import bind, events\n" + source)
        return pytester.runpytest_subprocess("-p", "no:randomly")

    return outcome


def test_events_are_caught_with_fixed_ids_and_clock(run: Run) -> None:
    """Typed and plain events are caught in order, with ids, times and pseudonyms that are always the same."""
    result = run(
        """
def test_it(tradewise_events):
    shop.login(session_id="s-1")
    tradewise_events.advance(seconds=1.5)
    shop.plain("business_order_filled", order_id="o1", password="hunter2")
    first, second = tradewise_events.lines
    assert first == tradewise_events.one("security_login_failed") == {
        "timestamp": "2024-01-01T12:00:00.000Z", "level": "WARNING", "logger_name": "shop",
        "service": "tradewise-backend", "environment": "test", "message": "A login has failed",
        "event_type": "security_login_failed", "event_id": "0000000000000001", "process_id": 1,
        "thread_id": 1, "source": first["source"], "email": "user@example.com",
        "failure_reason": "invalid_credentials", "session_id": "748d9ff7d7800c0e"}
    assert (second["timestamp"], second["event_id"]) == ("2024-01-01T12:00:01.500Z", "0000000000000002")
    assert (second["order_id"], second["password"]) == ("o1", "***REDACTED***")
    tradewise_events.assert_documented()
"""
    )
    result.assert_outcomes(passed=1)


def test_threads_are_caught_and_tests_are_apart(run: Run) -> None:
    """What another thread states is caught; who was bound in one test is nobody in the next."""
    result = run(
        """
import threading

def test_one(tradewise_events):
    bind(user_id="u1")
    thread = threading.Thread(target=shop.login)
    thread.start(); thread.join()
    shop.login()
    assert [event.get("user_id") for event in tradewise_events.of("security_login_failed")] == [None, "u1"]

def test_two(tradewise_events):
    shop.login()
    assert "user_id" not in tradewise_events.one("security_login_failed")
    assert len(tradewise_events.lines) == 1

def test_three_without_the_fixture(caplog):
    shop.login()
    (record,) = caplog.records
    assert (record.event_type, record.email) == ("security_login_failed", "user@example.com")
"""
    )
    result.assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("events.bot_health_check(bot_id='b1')", "bot_health_check: status is missing"),
        ("events.audit('paid', actor='a', action='b', target='c')", "audit_paid: outcome is missing"),
        ("shop.plain('api_request', method='GET')", "api_request: path is missing"),
        ("shop.login(failure_reasn='typo')", "security_login_failed: failure_reasn is not documented"),
        ("shop.login(user_agent=7)", "security_login_failed: user_agent is a int"),
    ],
)
def test_what_is_not_as_documented_fails_and_is_named(run: Run, call: str, told: str) -> None:
    """A missing, unknown or wrongly typed documented field fails the test, with event and field named."""
    result = run(f"def test_it(tradewise_events):\n    {call}\n    tradewise_events.assert_documented()\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*AssertionError: {told}*"])


def test_none_or_two_where_one_is_asked_for_fails(run: Run) -> None:
    """Asking for the only event of a kind says how many there were, and what else."""
    result = run("def test_it(tradewise_events):\n    shop.login()\n    tradewise_events.one('business_x')\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*0 events business_x among ?'security_login_failed'?*"])


def test_helpers_are_caught_like_calls(run: Run) -> None:
    """A profiled call and an attempt to connect to a bot are events of the test, as documented."""
    result = run(
        """
from tradewise_otel.bots import bot_connection_test
from tradewise_otel.profiling import profile_performance

def test_it(tradewise_events):
    with profile_performance("rebalance"), bot_connection_test("https://bot.example.com"):
        pass
    assert tradewise_events.one("performance_metric")["operation"] == "rebalance"
    assert tradewise_events.one("bot_connection_test_success")["api_url"] == "https://bot.example.com"
"""
    )
    result.assert_outcomes(passed=1)
