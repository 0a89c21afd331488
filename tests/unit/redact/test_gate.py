"""The gate misses nothing that a rule finds, and neither it nor the rules can be slowed down."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from redact_cases import CLEAN, SEED, by_id, secret_of

from tradewise_otel.catalogue.sensitive import RULES
from tradewise_otel.catalogue.vocabulary import SecretRule
from tradewise_otel.redact import engine, gate, rules

BEFORE = ("", "\n", "\t", '"', "\\", "\x01", "/", "é")
AFTER = [chr(code) for code in range(128)] + ["é", "\u2028", "🚀", ""]


def variants(rule: SecretRule, lengths: list[int]) -> Iterator[str]:
    secret = secret_of(rule)
    head, _, tail = rule.example.partition(secret)
    for length in lengths:
        value = (secret * (length // len(secret) + 1))[:length]
        for before in BEFORE:
            for after in AFTER:
                yield before + head.lstrip() + value + after + tail
            # Tabs between the words of the rule, and nothing before the value.
            yield head.replace(" ", "\t") + value + tail
            yield before + value + tail


@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_gate_hits_whatever_a_rule_masks(rule: SecretRule) -> None:
    """Of any length, before any byte and after any escape: what is masked when decoded hits when encoded."""
    print("seed", SEED)
    lengths = [len(secret_of(rule)), *random.Random(SEED).sample(range(1, 301), 3)]
    masked = 0
    for text in variants(rule, lengths):
        raw = orjson.dumps({"event_type": "api_request", "message": text, "n": 1})
        if not gate.hit(raw):
            assert rules.find(text.encode()) == []
        else:
            masked += 1
    assert masked > 500


def test_gate_lets_ordinary_records_pass() -> None:
    """Documented field names cost nothing: a clean record with a session id does not hit."""
    fields = {"session_id": "a1b2c3d4e5f60718", "token_count": 5, "cache_key": "x", "message": "bot started"}
    assert not gate.hit(orjson.dumps(fields))
    hits = [text for text in CLEAN if gate.hit(orjson.dumps({"message": text}))]
    assert len(hits) < len(CLEAN) / 2


HOSTILE = [
    "token=",
    "xtoken=",
    "eyJ.",
    "-eyJaaaa",
    "://a:",
    "://a:b/",
    "4111 ",
    "4",
    'token="',
    "token='",
    "password: ",
    "-----BEGIN RSA PRIVATE KEY-----",
    "Bearer ",
    "cookie:",
    "\\",
    "twilio ",
    "binance key ",
    "sk-",
    "--token ",
    '{"a":',
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_is_linear(piece: str) -> None:
    """Eight times the hostile text takes no more than about eight times the time."""
    seconds = []
    for size in (16_384, 131_072):
        text = (piece * (size // len(piece) + 1))[:size].encode()
        begin = time.process_time()
        rules.find(text)
        gate.hit(text)
        seconds.append(time.process_time() - begin)
    assert seconds[1] < 1
    assert seconds[1] < 24 * max(seconds[0], 0.004)


ABSENT = """
import sys
sys.modules["re2"] = None
from tradewise_otel.redact import gate, rules
engine = gate.ENGINE
"""
LEFT = """
import re2, sys
from tradewise_otel.redact import ending, gate, rules
engine = gate.ENGINE
ending.leave()

def refuse(*words):
    raise AssertionError("RE2 was called")

re2.Set.Match.__code__ = re2._Regexp.search.__code__ = re2._Regexp.match.__code__ = refuse.__code__
"""
VERDICTS = """
import orjson
texts = orjson.loads(sys.stdin.buffer.read())
out = [[gate.hit(orjson.dumps(t)), [list(s) for s in rules.find(t.encode())]] for t in texts]
sys.stdout.buffer.write(orjson.dumps([engine, out]))
"""


def verdicts_of(prelude: str, texts: list[str]) -> tuple[str, list[list[object]]]:
    """The engine's name, and verdict and spans of each text, in a process that begins with `prelude`."""
    ran = subprocess.run(
        [sys.executable, "-c", prelude + VERDICTS],
        input=orjson.dumps(texts),
        capture_output=True,
        check=True,
        cwd=Path(rules.__file__).parents[2],
    )
    name, out = orjson.loads(ran.stdout)
    return name, out


@pytest.mark.parametrize(("prelude", "name"), [(ABSENT, "re"), (LEFT, "re2")], ids=["absent", "left"])
def test_without_re2_the_verdicts_are_the_same(prelude: str, name: str) -> None:
    """Where RE2 cannot be imported, or was left at the end, `re` gives the same spans and gate verdicts."""
    texts = CLEAN + [text for rule in RULES for text in (rule.example, rule.near_miss)]
    texts += [f"{a.example} {b.example}" for a in RULES[::3] for b in RULES[::2]]
    ours = [
        [gate.hit(orjson.dumps(text)), [list(span) for span in rules.find(text.encode())]] for text in texts
    ]
    assert verdicts_of(prelude, texts) == (name, ours)


def test_hostile_text_does_not_delay_the_end() -> None:
    """Once RE2 is left, a long text is one secret as a whole: `re` would be slow on it, and keep the GIL."""
    texts = [piece * (1_000_000 // len(piece)) for piece in HOSTILE]
    begin = time.monotonic()
    _, out = verdicts_of(LEFT, texts)
    assert time.monotonic() - begin < 5
    assert out == [[True, [[0, len(text), "process_end"]]] for text in texts]


def test_patterns_keep_to_what_three_engines_share() -> None:
    """No pattern uses look-around, back-references or possessive repeats; no trigger an anchor or `\\b`."""
    for rule in RULES:
        for text in (rule.pattern, rule.trigger):
            for foreign in ("(?=", "(?!", "(?<", "(?P=", "++", "*+", "?+", "\\1", "\\Z", "\\z", "(?>"):
                assert foreign not in text, (rule.id, foreign)
        bare = rule.trigger.replace("[^", "")
        assert not {"\\b", "^", "$"} & {bare[at : at + size] for at in range(len(bare)) for size in (1, 2)}
        assert all(word == word.lower() for word in rule.keywords)


def test_engine_is_named() -> None:
    """The gate says which engine it runs on."""
    assert gate.ENGINE == engine.ENGINE
    assert gate.ENGINE in ("re2", "re")
