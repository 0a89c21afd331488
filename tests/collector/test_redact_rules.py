"""The Collector and the catalogue's rules agree: what is a secret, and what only looks like one."""

from __future__ import annotations

from pathlib import Path

import pytest
from otlp_wire import log, post, records

from tradewise_otel.catalogue.sensitive import MASK, RULES
from tradewise_otel.catalogue.vocabulary import SecretRule
from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses


@pytest.fixture(scope="module")
def rules_in_text(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """What becomes of each rule's example and near miss as the text of a line, by rule id."""
    settings = {"TRADEWISE_DATA_DIR": str(tmp_path_factory.mktemp("rules")), **free_addresses()}
    with CollectorProcess(binary, load_role("laptop"), settings) as running:
        sent = [log(text) for rule in RULES for text in (rule.example, rule.near_miss)]
        post(running.http, "logs", sent)
        found = [record["body"]["stringValue"] for record in records(running.data, "logs", len(sent))]
    return {
        rule.id: pair for rule, pair in zip(RULES, zip(found[::2], found[1::2], strict=True), strict=True)
    }


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_kind_of_secret_is_known(rules_in_text: dict[str, tuple[str, str]], rule: SecretRule) -> None:
    """The example of each rule of the catalogue is masked in a line that another service sent."""
    assert MASK in rules_in_text[rule.id][0]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_what_the_app_lets_through_is_let_through(
    rules_in_text: dict[str, tuple[str, str]], rule: SecretRule
) -> None:
    """The near miss of each rule survives here too, or our own clean lines would be mangled."""
    assert rules_in_text[rule.id][1] == rule.near_miss


KEYS = (
    "password",
    "passwd",
    "pwd",
    "secret",
    "api_token",
    "access_token",
    "refresh_token",
    "token",
    "api_key",
    "apikey",
    "key",
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "session",
    "private_key",
    "client_secret",
    "dsn",
    "apiToken",
    "x-api-token",
    "http.request.header.authorization",
    "user.password",
    "DB_PASSWORD",
)


def test_every_documented_key_is_sensitive(collector: CollectorProcess) -> None:
    """The contract's keys are masked as whole words of a name, however it is split."""
    post(collector.http, "logs", [log(attributes=dict.fromkeys(KEYS, "harmless"))])
    (record,) = records(collector.data, "logs", 1)
    assert {name: record["attributes"][name] for name in KEYS} == dict.fromkeys(KEYS, MASK)
