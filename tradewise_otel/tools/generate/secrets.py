"""The Collector's redaction rules, from the catalogue: data that `tradewise_redaction` is built with.

Everything that says what a secret is goes there as it stands; beside it what makes a search over long texts
cheap: where from a keyword on a rule has to be tried.
"""

from __future__ import annotations

import json
from typing import Any

from tradewise_otel.catalogue import sensitive
from tradewise_otel.catalogue.sensitive import NAMED_HEAD, RULES, START, START_BOT
from tradewise_otel.catalogue.vocabulary import SecretRule

LEADS = {
    "azure_client_secret": 3,
    "cli_option": 56,
    "pem_private_key": 56,
    "signed_query": 8,
    "telegram_bot_token": 12,
}
"""How many bytes before its keyword a rule's match may begin, where it does not begin with it."""

LONGER = {
    "azure_client_secret": [f"{digit}q~" for digit in "0123456789"],
    "twilio_key": [f"sk{digit}" for digit in "0123456789abcdef"],
}
"""Keywords of three bytes for rules whose own have two: the filter looks at three neighbouring bytes."""

_WORD_SETS = ("WORDS", "LAST_WORDS", "MEASURES", "LABELS", "PLAIN_FIRST", "PLAIN_KEYS", "PROSE", "CARD_WORDS")
_AS_THEY_ARE = ("MASK", "INNOCENT", "ESCAPE", "NAMED_HEAD", "MATCHES_LIMIT", "SQL_KEYS", "CARD_RANGES")


def secrets() -> str:
    """The text of the processor's `rules.generated.json`."""
    rules: dict[str, Any] = {
        "generated": "from tradewise_otel/catalogue/sensitive.py by `tradewise-otel generate`; do not edit",
        **{name.lower(): getattr(sensitive, name) for name in _AS_THEY_ARE},
        **{name.lower(): sorted(getattr(sensitive, name)) for name in _WORD_SETS},
        "pairs": sorted(" ".join(pair) for pair in sensitive.PAIRS),
        "card_groups": sorted(sensitive.CARD_GROUPS),
        "rules": [_rule(rule) for rule in RULES],
    }
    return json.dumps(rules, indent=1) + "\n"


def _rule(rule: SecretRule) -> dict[str, object]:
    """A rule without the part of its pattern that is looked for by hand, which `begins` names."""
    heads = {"start_bot": START_BOT, "start": START, "named": NAMED_HEAD}
    begins = next((name for name, head in heads.items() if rule.pattern.startswith(head)), "")
    return {
        "id": rule.id,
        "keywords": LONGER.get(rule.id, rule.keywords),
        "begins": begins,
        "lead": LEADS.get(rule.id, 0),
        "pattern": rule.pattern.removeprefix(heads.get(begins, "")),
    }
