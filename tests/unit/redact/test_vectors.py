"""The vectors that the Collector's implementation runs as well."""

from __future__ import annotations

import json
from typing import Any

import make_vectors
from redact_cases import redactor

from tradewise_otel.redact import keys

VECTORS: dict[str, Any] = json.loads(make_vectors.PATH.read_text("utf-8"))


def test_texts() -> None:
    """Each text comes out as its vector says, with the same counts by rule."""
    for vector in VECTORS["texts"] + VECTORS["json"]:
        assert redactor().text(vector["input"], 1 << 20) == (vector["expected"], vector["counts"])
    for vector in VECTORS["sql"]:
        assert redactor().sql(vector["input"], 1 << 20) == (vector["expected"], vector["counts"])


def test_keys_and_fields() -> None:
    """Each key is judged, and each field redacted, as its vector says."""
    for vector in VECTORS["keys"]:
        assert keys.is_sensitive(vector["key"]) is vector["sensitive"], vector
    for vector in VECTORS["fields"]:
        assert redactor().mapping({vector["key"]: vector["value"]}).value == {
            vector["key"]: vector["expected"]
        }


def test_vectors_are_those_of_the_rules() -> None:
    """The file holds what the rules of today give: a change of the rules is a change of the vectors."""
    assert json.loads(json.dumps(make_vectors.document())) == VECTORS
