"""Contract 7's property: no record with a secret takes the fast path, and nothing of a secret is left.

Every rule, each form of its secrets, each length of 1 to 300, each character before and after. All of it
takes minutes: `TRADEWISE_PROOF=full` runs it; without, lengths are drawn.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import orjson
import pytest
from redact_cases import SEED, redactor
from secret_forms import FORMS, Form

from tradewise_otel.catalogue.sensitive import MASK, RULES
from tradewise_otel.redact import cards, gate, named, rules
from tradewise_otel.redact.engine import Span

FULL = os.environ.get("TRADEWISE_PROOF") == "full"
DRAWN = 2

BEFORE = ("", "\n", "\t", '"', "\\")
"""What the contract names, as characters of the decoded value."""

SPELT = (
    "\\n",
    "\\t",
    '\\"',
    "\\\\n",
    "\\u000a",
    "\\x00",
    "%20",
    "%0A",
    " ",
    "/",
    "=",
    "(",
    "é",
    "\x01",
    "\x7f",
)
"""The same as other encoders spell them inside text, and what else stands before a secret."""

AFTER = ("", *map(chr, range(256)), "\u0394", "\u2028", "東", "🚀")
"""No character, each byte as a character, and characters of two, three and four bytes."""


def finder(rule: str) -> Callable[[bytes], Iterable[Span]]:
    """What one rule alone finds in a text."""
    if rule == "card_number":
        return lambda text: cards.spans(text, "")
    if rule.startswith("named_"):
        return named.spans
    row = next(row for row in rules._RULES if row.id == rule)
    return lambda text: rules._spans(row, text)


def placed(
    form: Form, befores: tuple[str, ...], drawn: int, full: bool = FULL
) -> Iterator[tuple[str, str, str]]:
    """(text up to the secret, secret, what stands between secret and tail) of each case."""
    cases = list(form.cases())
    if not full and len(cases) > drawn:
        cases = [cases[0], *random.Random(SEED).sample(cases[1:], drawn - 1)]
    for around, secret in cases:
        for before in befores:
            for after in AFTER:
                yield around + before + form.head, secret, after


def test_every_rule_has_a_form() -> None:
    """No rule is left out of the proof."""
    assert {form.rule for form in FORMS} == {rule.id for rule in RULES}


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_no_record_with_a_secret_takes_the_fast_path(form: Form) -> None:
    """Where a rule would redact the decoded value, the gate stops the JSON bytes of its record."""
    print("seed", SEED)
    find, found, total = finder(form.rule), 0, 0
    for before, secret, after in placed(form, BEFORE, DRAWN):
        text = f"{before}{secret}{after}{form.tail}"
        total += 1
        if gate.hit(orjson.dumps({"event_type": "x", "message": text, "n": 1})):
            found += 1
        else:
            assert list(find(text.encode())) == [], text
            assert after not in form.ends, text
    print(form, total, "cases,", found, "stopped")


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_secret_is_found_whole_or_is_none(form: Form) -> None:
    """Whatever stands before and after: a rule takes all of a secret, and misses none that has ended."""
    print("seed", SEED)
    find, total = finder(form.rule), 0
    for before, secret, after in chain(placed(form, BEFORE, DRAWN), placed(form, SPELT, 1, full=False)):
        total += 1
        start, end = len(before.encode()), len((before + secret).encode())
        text = f"{before}{secret}{after}{form.tail}".encode()
        spans = rules._merge(sorted(find(text)))
        inside = [span for span in spans if span.start < end and span.end > start]
        if inside or after in form.ends:
            assert [span.start <= start and span.end >= end for span in inside] == [True], text
    print(form, total, "cases")


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_nothing_of_a_found_secret_is_left(form: Form) -> None:
    """What leaves of a text with a secret in it has a mask, and no piece of the secret."""
    print("seed", SEED)
    tool = redactor()
    draw = random.Random(SEED)
    every = [case for case in placed(form, BEFORE, DRAWN) if case[2] in form.ends]
    for before, secret, after in draw.sample(every, min(len(every), 60)):
        text = f"{before}{secret}{after}{form.tail}"
        value, counts = tool.mapping({"note": text, "deep": [{"a": text}], text: 1})
        out = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
        assert MASK in out
        assert sum(counts.values()) >= 3
        if len(secret) >= 8:
            assert secret not in out
            assert orjson.dumps(secret).decode()[1:-1] not in out
