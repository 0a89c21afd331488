"""The hot-path tables: the right row for any event type, and types and lengths by field name."""

from __future__ import annotations

import pytest

from tradewise_otel.catalogue import lookup
from tradewise_otel.catalogue.events import EVENTS, PLAIN, ApiResponse, UserJourneyStep
from tradewise_otel.catalogue.lookup import event_for, field_types, fits, max_length


def test_optional_keys_are_optional() -> None:
    """A NotRequired key must not count as required: the trap of postponed annotations on Python 3.11."""
    assert "error_type" in ApiResponse.__optional_keys__
    assert "user_id" in ApiResponse.__optional_keys__
    assert "method" in ApiResponse.__required_keys__
    assert "session_id" in UserJourneyStep.__required_keys__


@pytest.mark.parametrize("event", [event for event in EVENTS if not event.open_family], ids=lambda e: e.name)
def test_a_documented_event_type_has_its_own_row(event: object) -> None:
    """An exact name must win over the family whose prefix it carries."""
    assert event_for(event.name) is event  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("event_type", "name"),
    [
        ("business_trade_executed", "business_"),
        ("audit_bot_deleted", "audit_"),
        ("security_token_revoked", "security_"),
        ("security_login_failed_twice", "security_"),
        ("security_" + "x" * 10_000, "security_"),
    ],
)
def test_an_open_family_takes_what_carries_its_prefix(event_type: str, name: str) -> None:
    """Undeclared names of an open family must get the family's row, whatever their length."""
    assert event_for(event_type).name == name


@pytest.mark.parametrize(
    "event_type", [None, "", "no_such_event", "Business_x", 7, ["api_request"], b"api_request"]
)
def test_anything_else_is_a_plain_line(event_type: object) -> None:
    """What no row and no family claims must be PLAIN, also when it is no string at all."""
    assert event_for(event_type) is PLAIN


def test_hostile_event_types_do_not_grow_memory() -> None:
    """However many different names come, and however long, only so many short ones may be remembered."""
    for number in range(5_000):
        event_for(f"business_{number}")
    for number in range(100):
        event_for(f"business_{number}" + "x" * 1_000)
    cached = lookup._cached_family_of.cache_info()
    assert cached.currsize <= lookup._CACHED_NAMES


@pytest.mark.parametrize(
    ("field", "value", "fitting"),
    [
        ("status_code", 200, True),
        ("status_code", 200.0, False),
        ("status_code", "200", False),
        ("status_code", True, False),
        ("response_time_ms", 2, True),
        ("response_time_ms", 2.5, True),
        ("response_time_ms", False, False),
        ("path", "/x", True),
        ("path", None, False),
        ("performance_status", "slow", True),
    ],
)
def test_run_time_types(field: str, value: object, fitting: bool) -> None:
    """A number with a fraction may be written without one; a truth value is never a number."""
    assert fits(value, field_types(event_for("api_response"))[field]) is fitting


def test_maps_fit_as_dicts() -> None:
    """A nested field must be checked as an object, whatever is in it."""
    types = field_types(event_for("bot_connection_test_success"))["bot_info"]
    assert fits({"state": "running"}, types)
    assert not fits(["running"], types)


@pytest.mark.parametrize(
    ("name", "length"),
    [
        ("user_agent", 512),
        ("user_agent.original", 512),
        ("exception.stacktrace", 16 * 1024),
        ("exception.traceback", 16 * 1024),
        ("db.query.text", 4 * 1024),
        ("db.statement", 4 * 1024),
        ("message", 1024),
        ("path", 1024),
        ("a field that nobody declared", 1024),
    ],
)
def test_lengths(name: str, length: int) -> None:
    """Long kinds of text must keep the length that contract 7 gives them, under each of their names."""
    assert max_length(name) == length


def test_sensitivity() -> None:
    """E-mail addresses are what a setting may mask; the session is what only leaves hashed."""
    assert lookup.personal_fields() == {"email"}
    assert lookup.pseudonym_fields() == {"session_id"}


@pytest.mark.parametrize(
    ("event_type", "level", "retention"),
    [
        (None, "DEBUG", "debug_logs"),
        (None, "INFO", "api_logs"),
        ("api_response", "DEBUG", "api_logs"),
        ("security_x", "DEBUG", "security_events"),
    ],
)
def test_retention_of_a_record(event_type: str | None, level: str, retention: str) -> None:
    """Only plain lines go by level: an event is kept as long as its class says."""
    assert lookup.retention_for(event_for(event_type), level) == retention
