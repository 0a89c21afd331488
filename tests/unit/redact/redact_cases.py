"""What the redaction tests share: the rules' examples with the part that must go, and a redactor."""

from __future__ import annotations

import random
import re
from pathlib import Path

from tradewise_otel.catalogue.sensitive import RULES
from tradewise_otel.catalogue.vocabulary import SecretRule
from tradewise_otel.redact.pseudonym import pseudonym
from tradewise_otel.redact.walk import Redactor

SEED = random.SystemRandom().randrange(1 << 32)
SPECIFIC = [rule for rule in RULES if not rule.id.startswith("named_")]
CLEAN = [
    line.replace("\\n", "\n")
    for line in Path(__file__).with_name("clean_corpus.txt").read_text("utf-8").splitlines()
]


def redactor(**options: object) -> Redactor:
    return Redactor(pseudonymise=lambda value: pseudonym(value, b"test"), **options)  # type: ignore[arg-type]


def by_id(rule: SecretRule) -> str:
    return rule.id


def secret_of(rule: SecretRule) -> str:
    """The part of a rule's example that must not be seen again."""
    pattern = re.compile(rule.pattern.encode())
    found = pattern.search(rule.example.encode())
    assert found is not None, rule.id
    return found[min(pattern.groups, 1)].decode()


def assert_gone(secret: str, text: str) -> None:
    """Neither the secret nor its head or tail may be in the text."""
    assert secret not in text
    if len(secret) >= 12:
        assert secret[-6:] not in text
        assert secret[:10] not in text or secret.startswith("-----BEGIN")
