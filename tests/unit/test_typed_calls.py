"""Typed calls: the record of the plain way, for every event; and nothing that a wrong call can break."""

from __future__ import annotations

import inspect
import logging
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tradewise_otel import events
from tradewise_otel.catalogue.events import EVENTS
from tradewise_otel.catalogue.lookup import fields_of, must_be_stated
from tradewise_otel.catalogue.vocabulary import EventType
from tradewise_otel.record.statement import Call
from tradewise_otel.tools.generate.calls import call_name

if TYPE_CHECKING:
    from tradewise_otel.testing import CaughtEvents

pytest_plugins = ["tradewise_otel.testing"]
log = logging.getLogger(__name__)

STATED = [row for row in EVENTS if row.stated]
each_event = pytest.mark.parametrize("row", STATED, ids=lambda row: row.name)


def examples(row: EventType) -> dict[str, Any]:
    """Each documented field of an event with the value that documents it."""
    return {name: mark.example for name, mark in fields_of(row.fields).items()}


def state(row: EventType, *positional: object, **given: Any) -> None:
    """States an event by its typed call; one of an open family is called `x`."""
    getattr(events, call_name(row))(*(["x"] if row.open_family else []), *positional, **given)


def without_ids(line: dict[str, Any]) -> dict[str, Any]:
    """A line but for what no two records share."""
    return {**line, "source": line["source"]["file"], "timestamp": "", "event_id": ""}


@each_event
def test_a_typed_call_gives_the_record_of_the_plain_way(
    row: EventType, tradewise_events: CaughtEvents
) -> None:
    """Event by event, with all its fields: the same line as by `logger.info(..., extra=...)`."""
    fields = examples(row)
    event_type = row.name + ("x" if row.open_family else "")
    state(row, message="as said", **fields)
    level = logging.getLevelName(Call(row).level(fields))
    log.log(level, "as said", extra={"event_type": event_type, **fields})
    typed, plain = map(without_ids, tradewise_events.lines)
    assert typed == plain
    assert typed["event_type"] == event_type
    tradewise_events.assert_documented()


@each_event
def test_what_must_be_stated_is_enough(row: EventType, tradewise_events: CaughtEvents) -> None:
    """The required fields alone make a whole event, with a text of its own."""
    fields = examples(row)
    state(row, **{name: fields[name] for name in must_be_stated(row)})
    (line,) = tradewise_events.lines
    tradewise_events.assert_documented()
    assert len(line["message"]) >= 1
    assert line["source"]["function"] == "state"


@each_event
def test_the_signature_is_the_catalogues(row: EventType) -> None:
    """A call takes each documented field by name, the required ones without a default."""
    parameters = inspect.signature(getattr(events, call_name(row))).parameters
    by_name = {p.name: p for p in parameters.values() if p.kind is p.KEYWORD_ONLY}
    assert by_name.keys() - {"message", "extra"} == fields_of(row.fields).keys()
    assert {name for name, p in by_name.items() if p.default is p.empty} == must_be_stated(row)
    assert call_name(row) in events.__all__


def test_events_without_a_call_are_those_of_the_server() -> None:
    """Only requests and responses have no call: nobody but the server knows of them."""
    assert {row.name for row in EVENTS} - {row.name for row in STATED} == {"api_request", "api_response"}
    assert {call_name(row) for row in STATED} == set(events.__all__)


@pytest.mark.parametrize(
    ("call", "level"),
    [
        (lambda: events.database_operation(operation="SELECT", duration_ms=1), "INFO"),
        (
            lambda: events.database_operation(operation="SELECT", duration_ms=1, error_type="Timeout"),
            "ERROR",
        ),
        (lambda: events.bot_health_check(bot_id="b", status="healthy"), "INFO"),
        (lambda: events.bot_health_check(bot_id="b", status="degraded"), "WARNING"),
        (lambda: events.performance_metric(operation="x", duration_ms=1, status="error"), "ERROR"),
        (lambda: _called(503), "ERROR"),
        (lambda: _called(404), "INFO"),
        (lambda: events.bot_connection_test_failed(api_url="http://b", total_duration_ms=1), "ERROR"),
        (lambda: events.security("token_revoked"), "WARNING"),
    ],
)
def test_the_level_is_the_documented_one(call: Any, level: str, tradewise_events: CaughtEvents) -> None:
    """A call has the level that the catalogue gives its event, by what its fields say."""
    call()
    assert [line["level"] for line in tradewise_events.lines] == [level]


def _called(status: int) -> None:
    events.external_api_call(
        service="s", endpoint="/", method="GET", status_code=status, duration_ms=1, api_url="http://b"
    )


def test_the_source_of_a_call_is_its_caller(tradewise_events: CaughtEvents) -> None:
    """File, line, function and logger name are those of the code that calls."""
    here: Any = inspect.currentframe()
    events.business("order_filled")
    line = here.f_lineno - 1
    (told,) = tradewise_events.lines
    function = "test_the_source_of_a_call_is_its_caller"
    assert told["source"] == {"file": __file__, "line": line, "function": function}
    assert told["logger_name"] == __name__


def test_calls_of_one_line_and_of_one_name_have_their_own_source(tradewise_events: CaughtEvents) -> None:
    """A call says where it stands, also where a function of its name stood elsewhere before."""
    for line in (1, 3):
        code = compile(
            "\n" * line + "def f(): events.business('a')\n\ndef g(): events.business('b')", "x", "exec"
        )
        functions: dict[str, Any] = {"events": events}
        exec(code, functions)
        functions["f"](), functions["g"](), functions["f"]()
    told = [event["source"] for event in tradewise_events.lines]
    lines = [(1, "f"), (3, "g"), (1, "f"), (3, "f"), (5, "g"), (3, "f")]
    assert [(place["line"] - 1, place["function"]) for place in told] == lines


def test_free_fields_and_names_of_open_families(tradewise_events: CaughtEvents) -> None:
    """Free fields stand beside the documented ones, a prefix is not doubled, None says nothing."""
    events.business("business_order_filled", order_id="o1", user_id=None, quantity=3)
    events.bot_health_check(bot_id="b", status="healthy", extra={"region": "eu", "level": "x", "bot_id": "c"})
    filled, health = tradewise_events.lines
    assert (filled["event_type"], filled["message"]) == ("business_order_filled", "order filled")
    assert (filled["order_id"], filled["quantity"], "user_id" in filled) == ("o1", 3, False)
    assert (health["region"], health["extra.level"], health["bot_id"]) == ("eu", "x", "b")


class Hostile:
    """Raises whatever it is asked."""

    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __hash__ = __eq__ = __bool__ = __str__  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"step": 7, "session_id": "s"}, "step has another type"),
        ({"session_id": "s"}, "step is missing"),
        ({"session_id": "s", "step": "a", "colour": "red"}, "colour is not among its fields"),
        ({"session_id": "s", "step": Hostile()}, "step has another type"),
        ({"session_id": "s", "step": "a", "extra": 7}, "extra has another type"),
        ({"session_id": "s", "step": "a", "extra": {1: Hostile()}}, None),
        ({"session_id": "s", "step": "a", "message": Hostile()}, None),
    ],
)
def test_a_wrong_call_is_emitted_and_told_once(
    given: dict[str, Any], told: str | None, tradewise_events: CaughtEvents
) -> None:
    """It goes as far as it can be understood; a WARNING names event, field and place, once."""
    for _ in range(3):
        events.user_journey_step(**given)
    lines = tradewise_events.lines
    assert sum(line.get("event_type") == "user_journey_step" for line in lines) == 3
    warnings = [line["message"] for line in lines if line["level"] == "WARNING"]
    assert len(warnings) == (told is not None)
    for text in warnings:
        assert text.startswith(f"event user_journey_step: {told}")
        assert f"{__file__}:" in text


def test_arguments_out_of_place_are_left_out(tradewise_events: CaughtEvents) -> None:
    """What is not given by name, or names nothing, does not raise, and nothing of it is shown."""
    calls: Any = events
    calls.user_journey_step("secret", session_id="s", step="a")
    calls.business()
    calls.business("Order Filled!", "more")
    calls.business(Hostile())
    lines = [line for line in tradewise_events.lines if "event_type" in line]
    kinds = [line["event_type"] for line in lines]
    assert kinds == [
        "user_journey_step",
        "business_",
        "business_Order Filled!",
        "business_<unprintable Hostile>",
    ]
    assert not any("secret" in str(line) for line in tradewise_events.lines)


UNINSTRUMENTED = """
import logging, sys
from tradewise_otel import events
form = "%(name)s %(levelname)s %(lineno)s %(event_type)s"
logging.basicConfig(level="INFO", stream=sys.stdout, format=form)
events.bot_health_check(bot_id="b1", status="degraded", extra={"module": "m"})
events.bot_health_check(7, bot="b1")
logging.getLogger().setLevel("ERROR")
events.business("order_filled")
print(sorted(m for m in sys.modules if m.startswith(("opentelemetry.sdk", "tradewise_otel.out"))))
"""


def test_without_the_launcher_a_call_is_a_log_call() -> None:
    """The app's own logging has it, by the module's logger and the event's level; no SDK is loaded."""
    done = subprocess.run([sys.executable, "-c", UNINSTRUMENTED], capture_output=True, text=True)
    expected = ["__main__ WARNING 6 bot_health_check", "__main__ WARNING 7 bot_health_check", "[]"]
    assert (done.stdout.splitlines(), done.stderr) == (expected, "")
