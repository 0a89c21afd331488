"""Every kind of secret is masked wherever it stands, and what merely looks like one survives."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote

import orjson
import pytest
from redact_cases import CLEAN, SPECIFIC, assert_gone, by_id, redactor, secret_of

from tradewise_otel.catalogue.sensitive import MASK, RULES
from tradewise_otel.catalogue.vocabulary import SecretRule
from tradewise_otel.redact import rules

PLACES: dict[str, Callable[[str], object]] = {
    "text": lambda text: text,
    "sentence": lambda text: f"bot-9 failed: {text} (attempt 3)",
    "nested dict": lambda text: {"note": {"deep": text}},
    "list": lambda text: ["first", text, ("last", text)],
    "JSON text": lambda text: json.dumps({"note": text, "n": 1}),
    "JSON in a sentence": lambda text: f"bot said {json.dumps({'note': text})} to us",
    "exception": lambda text: ValueError(f"cannot trade: {text}"),
    "bytes": lambda text: text.encode(),
    "key": lambda text: {text: 1},
    "second line": lambda text: f"first\n\t{text}",
}


@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_example_is_found_by_its_rule_and_near_miss_by_none(rule: SecretRule) -> None:
    """A rule finds its own example, and no rule finds anything in its near-miss."""
    assert rule.id in {span.rule for span in rules.find(rule.example.encode())}
    assert rules.find(rule.near_miss.encode()) == []


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_secret_is_gone_from_every_place(rule: SecretRule, place: str) -> None:
    """A rule's secret is gone, and counted, in whatever value of a record its text stands."""
    value, counts = redactor().mapping({"detail": PLACES[place](rule.example)})
    text = orjson.dumps(value).decode()
    assert MASK in text
    assert counts
    assert_gone(secret_of(rule), text)
    assert_gone(json.dumps(secret_of(rule))[1:-1], text)


@pytest.mark.parametrize("rule", SPECIFIC, ids=by_id)
def test_secret_is_gone_from_urls(rule: SecretRule) -> None:
    """A secret is gone from a URL's query, also percent-encoded, and from its user info."""
    secret = quote(secret_of(rule), safe="")
    for url in (f"https://a.local/p?x=1&api_key={secret}&y=2", f"https://bob:{secret}@a.local/p"):
        masked, _ = redactor().text(url, 10_000)
        assert_gone(secret, masked)
        assert "a.local" in masked


@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_secret_is_gone_from_sql(rule: SecretRule) -> None:
    """A secret is gone from SQL, as a literal, as a comment, and bare."""
    literal = "'" + rule.example.replace("'", "''") + "'"
    for sql in (f"SELECT {literal} FROM t", f"SELECT 1 /* {rule.example} */", f"SELECT 1 -- {rule.example}"):
        masked, _ = redactor().sql(sql)
        assert masked.startswith("SELECT ")
        assert_gone(secret_of(rule), masked)


@pytest.mark.parametrize("first", RULES, ids=by_id)
def test_neighbours_do_not_hide_each_other(first: SecretRule) -> None:
    """Of two secrets side by side, in any order of rules, both are gone."""
    for second in RULES:
        for between in (" ", "\n", ", ", "&", '"'):
            masked, _ = redactor().text(first.example + between + second.example, 10_000)
            assert_gone(secret_of(first), masked)
            assert_gone(secret_of(second), masked)


@pytest.mark.parametrize(
    "name", ["token: ", "password=", 'api_key="', "Cookie: ", "X-Token: Bearer ", "--secret "]
)
@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_a_name_before_a_secret_does_not_hide_its_tail(rule: SecretRule, name: str) -> None:
    """Where a name's value ends within another rule's secret, the rest of that secret is gone as well."""
    masked, _ = redactor().text(name + rule.example)
    assert_gone(secret_of(rule), masked)
    if not set(secret_of(rule)) & set(" ,;&\"'<>(){}[]"):
        masked, _ = redactor().text(name + secret_of(rule))
        assert_gone(secret_of(rule), masked)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("token: Bearer abc", f"token: Bearer {MASK}"),
        ("Authorization: Digest username=bob, response=99", f"Authorization: {MASK}"),
        ("GET /a?apiToken=x1&page=2", f"GET /a?apiToken={MASK}&page=2"),
        ("/a%3Ftoken%3Dabc123", f"/a%3Ftoken%3D{MASK}"),
        (r'say {"m":"line\npassword=hunter2"} now', rf'say {{"m":"line\npassword={MASK}"}} now'),
        ("{'password': 'it\\'s me', 'id': 3}", f"{{'password': '{MASK}', 'id': 3}}"),
        ("Server=db;Uid=sa;Pwd=abc!9;Port=1", f"Server=db;Uid=sa;Pwd={MASK};Port=1"),
        ("host=db user=bob password=x port=5432", f"host=db user=bob password={MASK} port=5432"),
        ("card 4111 1111 1111 1111 12/27", f"card {MASK} 12/27"),
        ("55 4111-1111-1111-1111", f"55 {MASK}"),
        ("pan 378282246310005.", f"pan {MASK}."),
        ("self.password = 'abc'", f"self.password = '{MASK}'"),
        ("postgresql://u:p%40ss@db/x", f"postgresql://u:{MASK}@db/x"),
        ("my token=abc, next", f"my token={MASK}, next"),
    ],
)
def test_only_the_secret_is_taken(text: str, masked: str) -> None:
    """What stands around a secret stays readable, to the character."""
    assert redactor().text(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        '{"\\u0070assword": "hunter2"}',
        '{"credentials": {"a": {"b": ["hunter2"]}}}',
        '[{"a": {"api_key": "hunter2"}}]',
        '{"token": 12345, "x": "token=hunter2"}',
        '{"body": "{\\"password\\": \\"hunter2\\"}"}',
    ],
)
def test_json_text_is_looked_through(text: str) -> None:
    """In JSON text a name is found however it is spelt, and its whole value goes, leaving valid JSON."""
    masked, counts = redactor().text(text)
    assert "hunter2" not in masked
    assert counts
    json.loads(masked)


def test_clean_texts_survive() -> None:
    """Of about 180 ordinary texts of a trading backend, none is touched."""
    touched = {text: redactor().text(text, 10_000) for text in CLEAN}
    assert {text: out for text, out in touched.items() if out != (text, {})} == {}
    assert len(CLEAN) >= 150


def test_identifiers_are_no_cards() -> None:
    """A number that passes Luhn is left under `*_id`, as an integer, and where nothing says card."""
    fields = {
        "order_id": "4111 1111 1111 1111",
        "n": 4111111111111111,
        "card": 4111111111111111,
        "x": "4111111111111111",
    }
    assert redactor().mapping(fields) == (fields, {})
    assert redactor().mapping({"card": "4111111111111111"}).counts == {"card_number": 1}
    assert redactor().mapping({"card": "4111111111111112"}).counts == {}


def test_sql_literals_become_placeholders_and_masks_are_literals() -> None:
    """SQL keeps its shape: literals are `?`, masks are quoted, and doubt costs text, not secrets."""
    sql = redactor().sql
    assert (
        sql("SELECT * FROM u WHERE email = 'a@b' AND n = 5")[0] == "SELECT * FROM u WHERE email = ? AND n = 5"
    )
    assert sql("SELECT 1 -- token=abc")[0] == f"SELECT 1 -- token='{MASK}'"
    assert sql("SET x = 'a\\', secret = ' b c'; SELECT 2")[0] == "SET x = ?; SELECT 2"
    assert sql("SELECT $q$hunter2$q$, $1, E'x', N'it''s' -- don't")[0] == "SELECT ?, $1, ?, ? -- ?"
    assert sql("SELECT 'open")[0] == "SELECT ?"
    assert sql('UPDATE u SET password = $1 WHERE "key" = :key')[1] == {}


def test_too_many_candidates_close_the_text() -> None:
    """A text with more than 1,024 candidates of a rule is masked from there on, once."""
    for piece in ("token=a ", "Bearer abc1 ", "xtoken=a "):
        text, _ = redactor().text(piece * 2000, 1 << 20)
        assert text.endswith(MASK)
        assert len(text) < 1040 * (len(piece) + len(MASK))
        assert redactor().text(text, 1 << 20) == (text, {})
