"""A line of ours becomes the record that it is, whoever has wrapped it, and however it was cut."""

from __future__ import annotations

from typing import Any

import pytest
from tailing_node import FORMS, NUMBERS, POD, SPAN_ID, TRACE_ID, Node, append, cri, docker, line

LEVELS = {"DEBUG": 5, "INFO": 9, "WARNING": 13, "ERROR": 17, "CRITICAL": 21}
FIELDS: dict[str, Any] = {
    "count": 3,
    "big": 2**53 + 1,
    "ratio": 1.0,
    "share": 0.25,
    "flag": False,
    "nothing_in_it": "",
    "nested": {"a": {"b": [1, 2.5, "x", True, {"c": 1.0}]}, "empty": {}},
    "list": [1, 2.0, "drei"],
}
RESOURCE = {
    "service.name": "orders",
    "service.version": "1.4.2",
    "deployment.environment.name": "production",
    "process.pid": 4711,
    "host.name": "node-7",
    "telemetry.distro.name": "tradewise-otel",
    "telemetry.sdk.language": "python",
}
PLACE = {"code.file.path": "/app/orders.py", "code.line.number": 42, "code.function.name": "place"}
by_form = pytest.mark.parametrize("form", FORMS)


def _sent(node: Node, form: str, **fields: Any) -> dict[str, Any]:
    """The record of one line of ours with these fields, written in this form."""
    number = next(NUMBERS)
    append(node.file(form), FORMS[form](line(number, **fields)))
    return node.record(fields.get("message", f"order {number}"))


def _typed(value: Any) -> Any:
    """A value with the types of all its parts, as 1 and 1.0 and True are equal."""
    if isinstance(value, dict):
        return {name: _typed(part) for name, part in value.items()}
    return [_typed(part) for part in value] if isinstance(value, list) else (type(value).__name__, value)


def _own(record: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a record that the line has not named otherwise."""
    fixed = {"body", "severity_text", "severity_number", "event_name", "time_unix_nano", "scope", "resource"}
    fixed |= {"trace_id", "span_id", "event_id", "logger.name", "thread.id", *PLACE}
    return {name: value for name, value in record.items() if name not in fixed}


@by_form
def test_a_line_is_a_record(tailed: Node, form: str) -> None:
    """Time in milliseconds, text, ids, scope, place and the event's name stand where a record has them."""
    record = _sent(tailed, form, trace_id=TRACE_ID, span_id=SPAN_ID, event_type="order_placed")
    assert record["time_unix_nano"] == 1_795_601_472_345_000_000
    assert (record["trace_id"], record["span_id"]) == (TRACE_ID, SPAN_ID)
    assert (record["event_name"], record["event_type"]) == ("order_placed", "order_placed")
    assert (record["scope"], record["logger.name"], record["thread.id"]) == (
        "shop.orders",
        "shop.orders",
        140,
    )
    assert {name: record[name] for name in PLACE} == PLACE
    assert _own(record) == {"event_type": "order_placed"}


@by_form
def test_fields_keep_their_types(tailed: Node, form: str) -> None:
    """Integers stay integers, floats floats, maps and lists themselves, at every depth; nothing is added."""
    assert _typed(_own(_sent(tailed, form, **FIELDS))) == _typed(FIELDS)


@by_form
def test_the_resource_is_the_apps_and_the_nodes(tailed: Node, form: str) -> None:
    """Service, version, environment, process are the line's; the host is the node; k8s.* is the path's."""
    resource = _sent(tailed, form)["resource"]
    cluster = {name: value for name, value in resource.items() if name.startswith("k8s.")}
    assert {name: value for name, value in resource.items() if name not in cluster} == RESOURCE
    container = cluster.pop("k8s.container.name", "")
    namespace, pod, uid = POD.split("_")
    expected = {"k8s.namespace.name": namespace, "k8s.pod.name": pod, "k8s.pod.uid": uid}
    assert cluster == ({**expected, "k8s.container.restart_count": "0"} if form == "cri" else {})
    assert container.startswith("api" if form == "cri" else "")


@by_form
@pytest.mark.parametrize("level", LEVELS)
def test_the_five_levels(tailed: Node, form: str, level: str) -> None:
    """Each level has its number and keeps its word."""
    record = _sent(tailed, form, level=level)
    assert (record["severity_number"], record["severity_text"]) == (LEVELS[level], level)


@by_form
def test_a_call_belongs_to_who_has_made_it(tailed: Node, form: str) -> None:
    """In a call to another service the record's service is the emitter; the called one stays a field."""
    record = _sent(tailed, form, service="bank", emitter="orders", event_type="external_api_call")
    assert (record["resource"]["service.name"], record["service"]) == ("orders", "bank")
    assert "emitter" not in record


@by_form
def test_an_exception(tailed: Node, form: str) -> None:
    """Type and message are attributes, the lines of the traceback one text."""
    error = {"type": "ValueError", "message": "no", "traceback": ["Traceback:\n", '  File "a"\n', "no\n"]}
    record = _sent(tailed, form, exception=error)
    assert (record["exception.type"], record["exception.message"]) == ("ValueError", "no")
    assert record["exception.stacktrace"] == 'Traceback:\n  File "a"\nno\n'
    assert "exception" not in record


@by_form
def test_a_megabyte_arrives_whole(tailed: Node, form: str) -> None:
    """A line of a million characters is one record, cut or not, and so is the next."""
    # Five bytes a turn: here a cut is in the letter, there before or behind a space.
    number, long = next(NUMBERS), f"{form} {'ä  1' * 250_000}"
    append(tailed.file(form), FORMS[form](line(0, message=long)) + FORMS[form](line(number)))
    assert tailed.record(f"order {number}")["resource"]["service.name"] == "orders"
    assert len(tailed.record(long)["body"]) > 1_000_000


@pytest.mark.parametrize("wrap", [cri, docker])
def test_two_streams_in_one_file(tailed: Node, wrap: Any) -> None:
    """A line of stderr between two pieces of one of stdout is no part of it, nor the reverse."""
    path, number = tailed.file(wrap.__name__), next(NUMBERS)
    first, second = wrap(line(number, big="x" * 20_000)).splitlines(keepends=True)
    append(path, first + wrap("a warning", "stderr") + second)
    assert tailed.record(f"order {number}")["big"] == "x" * 20_000
    tailed.wait(lambda bodies: tailed.texts_of(path) == ["a warning"])
