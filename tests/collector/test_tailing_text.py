"""What is no line of ours is passed on as it is, stops nothing, gets nobody's fields; odd lines of ours."""

from __future__ import annotations

from typing import Any

import pytest
from tailing_node import FORMS, NUMBERS, Node, append, cri, line, plain

TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "/app/a.py", line 3, in b',
    "    c()  ",
    "KeyError: 'd'",
]
TEXTS = {
    "a traceback": TRACEBACK,
    "a bare print": ["done", "{'a': 1}", "  indented"],
    "JSON that is not ours": [
        '{"timestamp":"2026-11-25T10:11:12.345Z","message":"theirs"}',
        '{"event_id":"1"}',
    ],
    "nearly ours": [
        '{"timestamp":"2026-11-25","event_id":"1",}',
        '{"timestamp":"x","event_id":"1", or so }',
    ],
    "half a line": [line(0)[:90], line(0)[:-1]],
    "half a line and a whole one": [line(0)[:90] + line(0), line(0)[:-1] + line(0)],
    "two lines in one": [line(0) + line(0)],
    "other writing": ["naïve ünïcödé", "日本語", "\x1b[31mred\x1b[0m", "a\x00b", "[1, 2]", "null", '"'],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", TEXTS)
def test_text_between_lines_stays_text(tailed: Node, form: str, kind: str) -> None:
    """Each text is a record of its own with nothing but its file; the lines around it are what they were."""
    path, numbers = tailed.file(form), [next(NUMBERS) for _ in range(2)]
    texts = [line(numbers[0]), "", *TEXTS[kind], "", line(numbers[1])]
    append(path, b"".join(FORMS[form](text) for text in texts))
    for number in numbers:
        assert tailed.record(f"order {number}")["resource"]["service.name"] == "orders"
    tailed.wait(lambda bodies: sorted(filter(None, tailed.texts_of(path))) == sorted(TEXTS[kind]))
    for record in tailed.gateway.logs:
        if record.get("log.file.path") == str(path):
            assert not {"event_id", "logger.name", "level", "event_type"} & record.keys()
            assert not {"service.name", "telemetry.distro.name"} & record["resource"].keys()
            assert (record["scope"], record["trace_id"], record["severity_number"]) == ("", "", 0)


@pytest.mark.parametrize("form", ["cri", "file"])
def test_bytes_that_are_no_text(tailed: Node, form: str) -> None:
    """Invalid UTF-8 is replaced where it stands; the rest of the line, and of the file, arrives."""
    path, numbers = tailed.file(form), [next(NUMBERS) for _ in range(2)]
    broken = FORMS[form](line(numbers[0], note="before#after")).replace(b"#", b"\xff")
    append(path, broken + FORMS[form]("a#b").replace(b"#", b"\xc3\x28") + FORMS[form](line(numbers[1])))
    assert tailed.record(f"order {numbers[1]}")
    assert tailed.record(f"order {numbers[0]}")["note"] == "before\ufffdafter"
    assert tailed.texts_of(path) == ["a\ufffd(b"]


def test_what_is_no_container_line(tailed: Node) -> None:
    """A line in a container's file that no runtime has written is passed on too."""
    for form in ("cri", "docker"):
        path, number = tailed.file(form), next(NUMBERS)
        append(path, f"no runtime {form}\n{{ }}{form}\n".encode() + FORMS[form](line(number)))
        assert tailed.record(f"order {number}")
        assert tailed.record("no runtime " + form)["log.file.path"] == str(path)
        assert tailed.record("{ }" + form)["log.file.path"] == str(path)


@pytest.mark.parametrize("form", FORMS)
def test_a_line_that_is_too_long(tailed: Node, form: str) -> None:
    """A line beyond the limit arrives as pieces of text that hold all of it; the next one is itself again."""
    path, number = tailed.file(form), next(NUMBERS)
    long = line(0, message="x" * 2_200_000)
    append(path, FORMS[form](long) + FORMS[form](line(number)))
    assert tailed.record(f"order {number}")
    tailed.wait(lambda bodies: "".join(tailed.texts_of(path)) == long)
    assert len(tailed.texts_of(path)) == 2


RUNTIMES = 1_795_601_472_999_999_999
"""When the runtime has seen a line."""
HOLES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "time, logtag and attrs": ({"time": "noon", "logtag": "x", "attrs": 5, "log": 1, "stream": "s"},) * 2,
    "source is text": ({"source": "web"},) * 2,
    "source is somebody's map": ({"source": {"file": 1, "who": "me"}},) * 2,
    "exception is text": ({"exception": "none"},) * 2,
    "exception is somebody's map": ({"exception": {"type": 1, "traceback": "x"}},) * 2,
    "version is a number": ({"version": 3},) * 2,
    "ids that are none": ({"trace_id": "abc", "span_id": 7}, {"trace_id": "", "span_id": ""}),
    "level is a number": ({"level": 2.5}, {"level": 2.5, "severity_number": 0}),
    "timestamp is a word": ({"timestamp": "now"}, {"timestamp": "now", "time_unix_nano": RUNTIMES}),
    "logger_name is a number": ({"logger_name": 5}, {"logger_name": 5, "scope": ""}),
    "emitter is a number": ({"emitter": 4},) * 2,
    "process and thread are text": ({"process_id": "p", "thread_id": "t"},) * 2,
    "a null": ({"version": 1, "list": [None]},) * 2,
}
"""Fields that a line has, and what its record then has."""


@pytest.mark.parametrize("hole", HOLES)
def test_fields_with_a_documented_name(tailed: Node, hole: str) -> None:
    """A field that is not what its name says by contract stays a field, and the record is whole beside it."""
    fields, expected = HOLES[hole]
    number = next(NUMBERS)
    append(tailed.file("cri"), cri(line(number, **fields)))
    record = tailed.record(f"order {number}")
    assert {name: record.get(name) for name in expected} == expected
    assert record["event_id"] == f"{number:032x}"
    assert record["resource"]["service.name"] == "orders"


@pytest.mark.parametrize(
    "name", ["message", "service", "environment", "version", "source", "thread_id", "level"]
)
def test_a_documented_field_is_missing(tailed: Node, name: str) -> None:
    """A line that lacks one field is a record with all others; without a message its text is the line."""
    number = next(NUMBERS)
    text = line(number, **{name: None}, note="kept")
    append(tailed.file("file"), plain(text))
    record = tailed.record(text if name == "message" else f"order {number}")
    assert (record["note"], record["event_id"], record["scope"]) == ("kept", f"{number:032x}", "shop.orders")
    assert ("service.name" in record["resource"]) == (name != "service")
