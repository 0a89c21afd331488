"""Every example of the document, against the catalogue: its fields exist and have the documented types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import get_type_hints

from tradewise_otel.catalogue.envelope import ExceptionInfo, Line, SourceLocation
from tradewise_otel.catalogue.events import EVENTS, PLAIN
from tradewise_otel.catalogue.lookup import event_for, field_types, fits, runtime_types
from tradewise_otel.catalogue.metrics import METRICS

EXAMPLES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "documented_examples.json").read_text(encoding="utf-8")
)
# The document names these only in its SQL, alerts and retention table; the contract made events of them.
WITHOUT_EXAMPLE = {
    "bot_connection_test_failed",
    "database_connection_error",
    "business_",
    "audit_",
    "security_",
}

each_example = pytest.mark.parametrize(
    "case", EXAMPLES, ids=lambda case: case["example"].get("event_type", case["heading"])
)


def findings(example: dict[str, Any]) -> list[str]:
    """What the catalogue does not know of an example, or knows with another type."""
    known = {**_types(Line), **field_types(event_for(example.get("event_type")))}
    found = [f"{name}: not in the catalogue" for name in example if name not in known]
    found += [
        f"{name}: {value!r} is no {known[name]}"
        for name, value in example.items()
        if name in known and not fits(value, known[name])
    ]
    for name, shape in (("source", SourceLocation), ("exception", ExceptionInfo)):
        nested = _types(shape)
        for key, value in example.get(name, {}).items():
            if key not in nested or not fits(value, nested[key]):
                found.append(f"{name}.{key}: not in the catalogue, or of another type")
    return found


def _types(shape: Any) -> dict[str, tuple[type, ...]]:
    return {name: runtime_types(hint) for name, hint in get_type_hints(shape, include_extras=True).items()}


@pytest.mark.parametrize(
    "case", EXAMPLES, ids=lambda case: case["example"].get("event_type", case["heading"])
)
def test_a_documented_example_is_in_the_catalogue(case: dict[str, Any]) -> None:
    """Each documented field must be declared for its event, with a type that takes the documented value."""
    assert findings(case["example"]) == []


@pytest.mark.parametrize(
    "case", EXAMPLES, ids=lambda case: case["example"].get("event_type", case["heading"])
)
def test_the_event_of_an_example_is_declared_by_name(case: dict[str, Any]) -> None:
    """An example's event type must have a row of its own, not merely fall into a family."""
    event = event_for(case["example"].get("event_type"))
    assert event is PLAIN or not event.open_family
    assert (event is PLAIN) == ("event_type" not in case["example"])


def test_a_changed_contract_is_found() -> None:
    """An unknown field and a wrong type must both be reported, so that this test can fail at all."""
    planted = {"event_type": "api_response", "status_code": "200", "colour": "red", "source": {"row": 1}}
    assert len(findings(planted)) == 3


def test_every_event_has_an_example_or_a_reason() -> None:
    """A documented event that no example covers must be listed above, with why."""
    covered = {case["example"].get("event_type") for case in EXAMPLES}
    assert {event.name for event in EVENTS} - covered == WITHOUT_EXAMPLE


def test_the_documented_metrics_are_there() -> None:
    """The five metrics of the document must keep their names and kinds."""
    kinds = {metric.name: metric.kind for metric in METRICS if metric.source == "Custom Metrics"}
    assert kinds == {
        "api.requests.count": "count",
        "api.requests.duration": "distribution",
        "bot.connections.count": "count",
        "bot.connections.duration": "distribution",
        "user.activity.count": "count",
    }
