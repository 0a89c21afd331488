"""What events are mended of: what is in them is made fit for a line, the rest is named."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest

from tradewise_otel.context import Request
from tradewise_otel.record import check
from tradewise_otel.record.build import Event
from tradewise_otel.record.check import Complaints, Fault, mend


class Nowhere(tzinfo):
    """A time zone that nobody can ask."""

    def utcoffset(self, when: datetime | None) -> timedelta:
        """Raises."""
        raise RuntimeError("no offset")


def event(event_type: str | None, request: Request | None = None, **fields: Any) -> Event:
    """An event with these fields."""
    return Event(0, "INFO", "", "app", event_type, fields, request=request)


EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("field", "given", "kept", "faults"),
    [
        ("user_id", "u", "u", []),
        ("user_id", "", None, []),
        ("user_id", 7, "7", ["type"]),
        ("user_id", float("nan"), "nan", ["type"]),
        ("user_id", "u\n", "u\n", ["id"]),
        ("user_id", "u" * 1025, "u" * 1025, ["id"]),
        ("free", float("inf"), None, ["number"]),
        ("free", 1.5, 1.5, []),
        ("free", [1], [1], []),
        ("free", datetime(2024, 1, 1, 12, tzinfo=EAST), "2024-01-01T10:00:00Z", []),
        ("free", datetime(2024, 1, 1, 12), "2024-01-01T12:00:00Z", ["time"]),
        ("free", date(2024, 1, 1), "2024-01-01", []),
        ("free", datetime.min.replace(tzinfo=EAST), "0001-01-01T00:00:00+02:00", []),
        ("free", datetime(2024, 1, 1, tzinfo=Nowhere()), "<unprintable datetime>", []),
        ("action", True, True, ["type"]),
        ("action", datetime(2024, 1, 1, tzinfo=timezone.utc), "2024-01-01T00:00:00Z", ["type"]),
    ],
)
def test_a_field_is_mended(field: str, given: object, kept: object, faults: list[str]) -> None:
    """What loses nothing by it is put right, what is no number goes, all else stays; each fault is named."""
    whole = {"actor": "a", "action": "b", "target": "c", "outcome": "d", field: given}
    made = event("audit_x", **whole)
    assert mend(made) == [Fault(kind, field) for kind in faults]
    assert made.fields.get(field) == kept


def test_what_the_request_knows_is_not_missing() -> None:
    """A required id may be the request's, bound or put on its state; other fields may not."""
    bound, by_state = Request(), Request(scope={"state": {"session_id": "s"}})
    bound.learn(session_id="s")
    for request in (bound, by_state):
        assert mend(event("user_journey_step", request, step="a")) == []
    lacking = mend(event("user_journey_step", Request()))
    assert lacking == [Fault("missing", "session_id"), Fault("missing", "step")]


def test_what_was_taken_out_is_not_missing_too() -> None:
    """A required number that is none is one fault, not two."""
    made = event("performance_metric", operation="x", duration_ms=float("nan"), status="success")
    assert mend(made) == [Fault("number", "duration_ms")]


def test_what_was_fine_once_is_looked_at_again() -> None:
    """Two events of one form differ in their values: each id and each number is judged anew."""
    whole: dict[str, Any] = {"operation": "x", "duration_ms": 1.0, "status": "success", "user_id": "u"}
    for _ in range(2):
        assert mend(event("performance_metric", **whole)) == []
        for field, odd, kind in (("duration_ms", float("inf"), "number"), ("user_id", "u\n", "id")):
            assert mend(event("performance_metric", **{**whole, field: odd})) == [Fault(kind, field)]
        assert mend(event("performance_metric", **{**whole, "user_id": ""})) == []


def test_forms_are_remembered_within_bounds() -> None:
    """However many names there are, and however long, only so many short ones are remembered."""
    for number in range(3000):
        mend(event(f"business_{number}", a=1))
    mend(event("business_x", **{"n" * 100_000: 1}))
    assert len(check._FORMS) <= 1024
    assert max(len(str(form)) for form in check._FORMS) < 10_000


def test_a_complaint_is_made_once_and_within_bounds() -> None:
    """The first fault of a kind is told, the next ones not; however many kinds, only so many are."""
    complaints = Complaints()
    made = event("user_journey_step")
    first = complaints.first(made, Fault("missing", "step"))
    assert first is not None
    assert first.level == "WARNING"
    assert first.message == "event user_journey_step: step is missing; more are only counted"
    assert complaints.first(made, Fault("missing", "step")) is None
    told = [complaints.first(made, Fault("unknown", f"f{number}")) for number in range(500)]
    assert sum(line is not None for line in told) < 100
