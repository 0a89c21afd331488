"""Writes tests/vectors/redaction.json, which every implementation of the rules must reproduce.

Run it after a change of the rules, and read the difference: `python tests/unit/redact/make_vectors.py`.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from redact_cases import CLEAN, redactor, secret_of
from test_keys import PLAIN, SENSITIVE

from tradewise_otel.catalogue.sensitive import MASK, RULES

PATH = Path(__file__).parents[2] / "vectors" / "redaction.json"
NAMES = ("token: ", "password=", "Cookie: ")
OPTIONS = ("bot --api_key 9f8e7d6c", "bot --user.password 9f8e7d6c", "bot --api-key-limit 9")
PIECES = (
    *("password", "api_key", "apiToken", "secret_id", "token_count", "session", "key", "Cookie", "author"),
    *(
        "=",
        ":",
        ": ",
        "==",
        ":=",
        "=>",
        "%3D",
        "%20",
        "\\n",
        "\\u0041",
        '"',
        '\\"',
        '\\\\\\"',
        "'",
        "`",
        " ",
        "\t",
        "{",
        "}",
    ),
    *(
        "[",
        "]",
        "/",
        "?",
        "&",
        ";",
        ",",
        ".",
        "-",
        "--",
        "_",
        "(",
        "@",
        "://",
        "b",
        "1",
        "x",
        "é",
        "null",
        MASK,
    ),
    *("Bearer ", "Basic ", "card ", "order_id=", "aws ", "identified by ", "4111 1111 ", "settings.api_key"),
)
COMPOSED = 600
SQL_PIECES = (
    *(
        "'",
        "''",
        "\\'",
        '"',
        "`",
        "--",
        "/*",
        "*/",
        "\n",
        "$$",
        "$tag$",
        "N'",
        "E'",
        "x",
        "select ",
        " ",
        "?",
        "; ",
    ),
    *(f"'{MASK}'", "password = ", "token=abc1", "IDENTIFIED BY 'hunter2'", "user = 'ada'"),
)
STATEMENTS = 200
JSON = (
    '{"user":"bob","password":"hunter2"}',
    '[{"password":"a\\"b","n":1.5}]',
    '{"auth":{"token":{"value":"x","age":3}},"token_count":12}',
    '{"secret":null,"api_key":"","token":"***REDACTED***"}',
    '{"body":"{\\"api_key\\":\\"k-91\\"}","url":"https://a.local/?a=1&token=tk-55ab9"}',
    '{"card":"4111111111111111","order_id":"4111111111111111","list":["Bearer 7Fa9_kQ2.xx","é"]}',
    '{"keys":["a"],"private_keys":["a","b"],"session_id":"s"}',
)


def texts() -> list[dict[str, object]]:
    pairs = [a.example + " " + b.example for a, b in zip(RULES, [*RULES[7:], *RULES[:7]], strict=True)]
    named = [name + secret_of(rule) for rule in RULES[::4] for name in NAMES]
    inputs = [text for rule in RULES for text in (rule.example, rule.near_miss)] + pairs + named + CLEAN
    inputs += [*OPTIONS, *composed()]
    return [vector(text) for text in inputs if not text.startswith(("{", "["))]


def composed() -> list[str]:
    """Texts in which names, separators and secrets meet by chance; the same ones every time."""
    dice = random.Random(7)
    secrets = [secret_of(rule) for rule in RULES]
    return [
        "".join(dice.choice(secrets if dice.random() < 0.1 else PIECES) for _ in range(dice.randint(2, 9)))
        for _ in range(COMPOSED)
    ]


def statements() -> list[str]:
    """SQL, and what only looks like it."""
    dice = random.Random(7)
    return ["".join(dice.choice(SQL_PIECES) for _ in range(dice.randint(1, 12))) for _ in range(STATEMENTS)]


def vector(text: str) -> dict[str, object]:
    out, counts = redactor().text(text, 1 << 20)
    return {"input": text, "expected": out, "counts": counts}


def statement(text: str) -> dict[str, object]:
    out, counts = redactor().sql(text, 1 << 20)
    return {"input": text, "expected": out, "counts": counts}


def document() -> dict[str, object]:
    """All vectors: texts with the expected text and counts by rule id, keys with the verdict."""
    return {
        "mask": MASK,
        "texts": texts(),
        "json": [vector(text) for text in JSON],
        "sql": [statement(text) for text in statements()],
        "keys": [{"key": key, "sensitive": True} for key in SENSITIVE]
        + [{"key": key, "sensitive": False} for key in PLAIN],
        "fields": [
            {"key": key, "value": value, "expected": redactor().mapping({key: value}).value[key]}
            for key, value in [
                ("card", "4111111111111111"),
                ("order_id", "4111 1111 1111 1111"),
                ("note", "4111111111111111"),
                ("note", "4111 1111 1111 1111"),
                ("api_key", "x"),
                ("api_key", ""),
                ("api_key", MASK),
                ("token_count", "12"),
            ]
        ],
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(document(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
