"""The structured pass: any object, within bounds, and nothing is raised."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from decimal import Decimal
from enum import Enum
from uuid import UUID

import orjson
import pytest
from redact_cases import CLEAN, SEED, by_id, redactor

from tradewise_otel.catalogue.sensitive import CUT, MASK, RULES
from tradewise_otel.catalogue.vocabulary import SecretRule
from tradewise_otel.redact import gate
from tradewise_otel.redact.pseudonym import pseudonym


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class BrokenMapping(Mapping[str, object]):
    def __getitem__(self, key: str) -> object:
        raise RuntimeError("no item")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no keys")

    def __len__(self) -> int:
        return 1


class Colour(str, Enum):
    RED = "red"


def test_values_of_sensitive_keys_are_masked_whatever_they_are() -> None:
    """A value under a sensitive key becomes the mask at any depth and of any type."""
    fields = {"a": {"password": {"x": [1, 2]}, "list": [{"apiToken": 5}]}, "cookie": b"x", "token": Hostile()}
    value, counts = redactor().mapping(fields)
    assert value == {"a": {"password": MASK, "list": [{"apiToken": MASK}]}, "cookie": MASK, "token": MASK}
    assert counts == {"key": 4}


def test_empty_and_masked_values_are_left_and_not_counted() -> None:
    """Nothing is hidden in an empty value, and a mask is not counted again."""
    fields = {"password": "", "token": None, "secret": MASK}
    assert redactor().mapping(fields) == (fields, {})


@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_redacting_twice_is_redacting_once(rule: SecretRule) -> None:
    """What was redacted is not changed and not counted again: as text, record or SQL."""
    tool = redactor()
    text, _ = tool.text(rule.example, 40)
    assert tool.text(text, 40) == (text, {})
    sql, _ = tool.sql(f"SELECT 1 /* {rule.example} */")
    assert tool.sql(sql) == (sql, {})
    value, _ = tool.mapping({"a": [rule.example, {"token": rule.example}], rule.example: 1})
    assert tool.mapping(value) == (value, {})


def test_cutting_comes_last_and_spares_masks() -> None:
    """A secret across the limit is masked, not cut into a piece that no rule knows; no mask is cut."""
    for before in range(990, 1030):
        text, counts = redactor().text("x" * before + " Bearer abcdef0123456789 " + "y" * 50)
        assert "abcdef" not in text
        assert text.count("*") in (0, 6)
        assert counts["truncated"] == 1
        assert len(text) <= 1024 + len(CUT)


def test_limits_are_per_field() -> None:
    """A field's own limit wins over the general one, and a stack trace may be 16 KiB long."""
    tool = redactor(limits={"note": 5})
    value, counts = tool.mapping({"note": "123456", "stack_trace": "x" * 16384, "user_agent": "x" * 513})
    assert value["note"] == "12345" + CUT
    assert len(str(value["stack_trace"])) == 16384
    assert value["user_agent"] == "x" * 512 + CUT
    assert counts == {"truncated": 2}


def test_depth_keys_and_items_are_bounded() -> None:
    """Eight levels, 128 keys and 64 items are kept, what is cut is counted, and a cycle ends."""
    deep: dict[str, object] = {}
    deep["self"] = deep
    assert redactor().mapping(deep).counts == {"depth": 1}
    wide = redactor().mapping({str(n): 0 for n in range(130)})
    assert (len(wide.value), wide.counts) == (128, {"keys": 2})
    items = redactor().mapping({"a": list(range(70))})
    assert (items.value, items.counts) == ({"a": list(range(64))}, {"items": 6})
    bomb: list[object] = []
    bomb.extend([bomb] * 64)
    assert redactor().mapping({"a": bomb}).counts["size"] > 0
    assert not redactor().is_plain({"a": bomb})


def test_any_object_becomes_something_that_json_can_hold() -> None:
    """Objects leave as text, broken ones as a note of their type, and orjson can write the result."""
    fields: dict[object, object] = {
        1: 2,
        None: (1, {2}),
        "bytes": b"\xff token=abc",
        "time": datetime(2026, 11, 24, tzinfo=timezone.utc),
        "decimal": Decimal("1.50"),
        "error": KeyError("password=abc"),
        "uuid": UUID(int=5),
        "enum": Colour.RED,
        "hostile": Hostile(),
        "broken": BrokenMapping(),
        "huge": 1 << 80,
        "surrogate": "a\ud800b",
        "nan": float("nan"),
        Hostile(): "x",
    }
    value, counts = redactor().mapping(fields)  # type: ignore[arg-type]
    assert b"abc" not in orjson.dumps(value)
    assert value["1"] == 2
    assert value["None"] == [1, [2]]
    assert (value["decimal"], value["enum"], value["huge"]) == ("1.50", "red", str(1 << 80))
    assert value["hostile"] == "<unprintable Hostile>"
    assert value["broken"] == MASK
    assert counts["internal_error"] == 1


def test_failure_inside_closes_and_counts() -> None:
    """What cannot be looked through leaves as the mask, also when the pseudonym maker fails."""
    assert redactor().mapping(BrokenMapping()) == ({"fields": MASK}, {"internal_error": 1})
    assert redactor().text(None) == (MASK, {"internal_error": 1})  # type: ignore[arg-type]
    tool = redactor()
    tool._pseudonymise = lambda value: value[99]
    assert tool.mapping({"a": {"session_id": "x"}}) == ({"a": {"session_id": MASK}}, {"internal_error": 1})


def test_nested_session_ids_are_pseudonymised() -> None:
    """A session id leaves as its pseudonym wherever it is nested; the record's own is the caller's."""
    fields = {"session_id": "s-1", "a": {"session_id": "s-1", "sessionId": 7}, "b": [{"session.id": "s-1"}]}
    short = pseudonym("s-1", b"test")
    assert redactor().mapping(fields).value == {
        "session_id": "s-1",
        "a": {"session_id": short, "sessionId": pseudonym("7", b"test")},
        "b": [{"session.id": short}],
    }
    assert len(short) == 16
    assert not redactor().is_plain({"a": {"session_id": "s-1"}})
    assert redactor().is_plain({"session_id": "s-1"})


def test_email_setting() -> None:
    """An e-mail address under `email` is kept, pseudonymised or masked, as the setting says, once."""
    fields = {"email": "bob@x.io", "user": {"email": "bob@x.io"}}
    assert redactor().mapping(fields) == (fields, {})
    short = pseudonym("bob@x.io", b"test")
    for email, expected in (("pseudonym", short), ("mask", MASK)):
        tool = redactor(email=email)
        value, counts = tool.mapping(fields)
        assert value == {"email": expected, "user": {"email": expected}}
        assert counts == {"email": 2}
        assert tool.mapping(value) == (value, {})
        assert not tool.is_plain(fields)
    assert redactor().is_plain(fields)


def random_value(chance: random.Random, depth: int) -> object:
    kind = chance.randrange(12 if depth < 9 else 9)
    if kind < 4:
        return chance.choice([1, 2.5, None, True, 4111111111111111])
    if kind < 8:
        return chance.choice(CLEAN) * chance.choice([1, 1, 1, 1, 1, 1, 1, 9])
    if kind == 8:
        return chance.choice(RULES).example
    if kind == 9:
        return [random_value(chance, depth + 1) for _ in range(chance.choice([0, 1, 3, 3, 3, 3, 70]))]
    return random_fields(chance, depth + 1)


def random_fields(chance: random.Random, depth: int = 0) -> dict[str, object]:
    names = [
        "a",
        "b",
        "monkey",
        "session_id",
        "token",
        "token_count",
        "email",
        "user_agent",
        "order_id",
        "x.y",
    ]
    return {chance.choice(names): random_value(chance, depth) for _ in range(chance.randrange(6))}


def test_plain_records_past_the_gate_need_no_structured_pass() -> None:
    """If a record is plain and the gate finds nothing in its bytes, the structured pass changes nothing."""
    print("seed", SEED)
    chance, tool, agreed = random.Random(SEED), redactor(), 0
    for _ in range(1500):
        fields = random_fields(chance)
        raw = tool.plain(fields, orjson.dumps)
        if tool.is_plain(fields) and not gate.hit(orjson.dumps(fields)):
            assert raw is not None
        if raw is not None:
            assert raw == orjson.dumps(fields)
            assert tool.mapping(fields) == (fields, {})
            agreed += 1
        if tool.is_known(fields):
            assert tool.mapping(fields) == (fields, {})
        value, _ = tool.mapping(fields)
        orjson.dumps(value)
    assert agreed > 150


def test_known_texts_are_known_whatever_name_they_stand_under() -> None:
    """A text that was clean once is not scanned again; one that is new, or too long to keep, is."""
    tool = redactor()
    assert tool.plain({"order_id": "seen", "x.y": "s" * 129}, orjson.dumps) is not None
    assert tool.is_known({"x.y": "seen", "order_id": 4})
    assert not tool.is_known({"x.y": "seen", "order_id": 1 << 63})
    assert not tool.is_known({"order_id": "not seen"})
    assert not tool.is_known({"order_id": "s" * 129})
    assert not tool.is_known({"token": "seen"})
    assert not tool.is_known({"order_id": {"x.y": "seen"}})
    assert (
        tool.plain({"order_id": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc", "x.y": "seen"}, orjson.dumps) is None
    )
    assert not tool.is_known({"order_id": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"})


@pytest.mark.parametrize(
    "fields",
    [
        {"password": "x"},
        {"a": {"token": 1}},
        {"a": [{"b": {"cookie": "x"}}]},
        {"a": "x" * 1025},
        {"a": ["x" * 1025]},
        {"a": [0] * 65},
        {"a": {str(n): 0 for n in range(129)}},
        {"a": [[[[[[[[[0]]]]]]]]]},
        {"a": b"x"},
        {"a": Decimal(1)},
        {"a": Colour.RED},
        {"a": {1: 2}},
        {"source": {"session_id": "x"}},
        {"source": {"file": "x" * 1025, "line": 1}},
        {"source": {"file": {"token": "x"}}},
        {"source": {"file": "x"}, "a": {"token": "x"}},
    ],
)
def test_what_is_not_plain(fields: dict[str, object]) -> None:
    """Sensitive keys, other types, and whatever is too long, wide or deep are not plain."""
    tool = redactor()
    # The second time all of its names are known.
    assert not tool.is_plain(fields)
    assert tool.plain(fields, orjson.dumps) is None
