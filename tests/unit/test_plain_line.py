"""A line put together from remembered parts is the line of its event, whoever and whatever came before."""

from __future__ import annotations

import dataclasses
import json
import os
import random
from typing import Any

import orjson
import pytest
from harness import odd_values

from tradewise_otel.bounded import REMEMBERED
from tradewise_otel.context import Request
from tradewise_otel.out.parts import _SPANS
from tradewise_otel.out.plain_line import PlainLine
from tradewise_otel.out.stdout import Lines
from tradewise_otel.record.build import Event, ExceptionInfo
from tradewise_otel.redact import gate
from tradewise_otel.redact.walk import Redactor

LINES = Lines("backend", "1.0", "test")


@pytest.fixture
def plain() -> PlainLine:
    """A fresh one."""
    return PlainLine(LINES, Redactor(pseudonymise=lambda text: "0" * 16))


def event(**more: Any) -> Event:
    """A plain event."""
    made = Event(
        1_700_000_000_123_000_000, "INFO", "said", "app", "business_x", {"a": 1}, 7, 8, source=("f", 1, "g")
    )
    return dataclasses.replace(made, **more)


def test_it_is_the_documented_line(plain: PlainLine) -> None:
    """Whatever an event differs in from the one before, its line has it, in the documented order."""
    different: list[dict[str, Any]] = [
        {},
        {"level": "ERROR"},
        {"message": "else"},
        {"logger_name": "other"},
        {"event_type": None},
        {"event_type": "external_api_call"},
        {"fields": {}},
        {"fields": {"service": "bot"}, "event_type": "external_api_call"},
        {"fields": {"nested": {"x": [1, {"y": None}]}}},
        {"trace_id": 9},
        {"span_id": 9},
        {"trace_id": 0, "span_id": 0},
        {"identity": {"user_id": "u"}},
        {"identity": {"user_id": "v"}},
        {"source": None},
        {"source": ("f", 2, "g")},
        {"thread_id": 5},
        {"event_id": "0" * 16},
        {"exception": ExceptionInfo("E", "text", ["a\n"])},
        {"timestamp_ns": 1_700_000_000_999_999_999},
    ]
    for more in [*different, *reversed(different)]:
        made = event(**more)
        line = plain.of(made)
        assert line is not None
        assert list(json.loads(line).items()) == list(json.loads(orjson.dumps(LINES.document(made))).items())
        assert line.endswith(b"}\n")


def test_values_at_random_give_the_same(plain: PlainLine) -> None:
    """For fields of every kind the line is that of the whole document, or there is none."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    draw, given = random.Random(seed), 0
    for _ in range(2000):
        made = event(
            fields={name: value for name, value in odd_values.mapping(draw).items() if name != "service"}
        )
        line = plain.of(made)
        if line is not None:
            given += 1
            assert json.loads(line) == json.loads(orjson.dumps(LINES.document(made)))
    assert given > 100


@pytest.mark.parametrize(
    "secret",
    [
        {"message": "password=hunter2secret"},
        {"logger_name": "Bearer abcdefghijklmnop1234567890"},
        {"fields": {"password": "x"}},
        {"fields": {"deep": {"api_token": "x"}}},
        {"fields": {"text": "AKIAIOSFODNN7EXAMPLE"}},
        {"identity": {"user_id": "AKIAIOSFODNN7EXAMPLE"}},
        {"event_type": "business_AKIAIOSFODNN7EXAMPLE"},
        {"source": ("/AKIAIOSFODNN7EXAMPLE/x.py", 1, "g")},
        {"message": "x" * 1025},
    ],
)
def test_no_part_is_remembered_that_must_be_looked_through(secret: dict[str, Any], plain: PlainLine) -> None:
    """A secret or a long text in any part makes the event none of the plain ones, each time."""
    for _ in range(3):
        assert plain.of(event(**secret)) is None
        assert plain.of(event()) is not None


def test_memory_is_bounded(plain: PlainLine) -> None:
    """However many places, texts, users, spans and threads there are, only so many are remembered, and of one
    request a few.
    """
    request = Request("req-1")
    for number in range(3 * REMEMBERED):
        for of in (None, request):
            made = event(
                message=f"m{number}", span_id=number + 1, thread_id=number, source=("f", number, "g")
            )
            made.request = of
            assert plain.of(made) is not None
    for known in (plain._heads, plain._texts, plain._threads):
        assert len(known) <= REMEMBERED
    for parts in (plain._who._of_nobody, request.parts):
        assert 0 < len(parts) <= _SPANS
    for _ in range(10):
        plain.of(event(message="x" * 1000, logger_name="y" * 1000))
    assert max(map(len, plain._texts.values())) < 1000


def test_a_forked_child_says_its_own_id(plain: PlainLine) -> None:
    """After a fork the lines have the child's process id."""
    plain.of(event())
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        plain.after_fork()
        os.write(writing, plain.of(event()) or b"")
        os._exit(0)
    os.waitpid(child, 0)
    assert json.loads(os.read(reading, 4096))["process_id"] == child


def test_only_ids_of_our_own_are_not_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """An id that we have made costs no scan; one that a caller has sent does, and a secret in it is found."""
    scanned: list[bytes] = []

    def hit(raw: bytes) -> bool:
        scanned.append(raw)
        return gate_hit(raw)

    gate_hit = gate.hit
    redactor = Redactor(pseudonymise=lambda text: "0" * 16)
    plain = PlainLine(LINES, redactor)
    assert plain.of(event(identity={"request_id": "seen"})) is not None
    monkeypatch.setattr(gate, "hit", hit)
    redactor.trust("own-1")
    assert plain.of(event(span_id=9, identity={"request_id": "own-1"})) is not None
    assert scanned == []
    assert plain.of(event(span_id=10, identity={"request_id": "callers-1"})) is not None
    assert scanned == [b'{"request_id":"callers-1"}']
    secret = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
    assert plain.of(event(span_id=11, identity={"request_id": secret})) is None
