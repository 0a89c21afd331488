"""What a tailed file holds is redacted as the app would do it: every kind of secret, every near miss."""

from __future__ import annotations

from harness.holds import holds
from tailing_node import Node, append, plain

from tradewise_otel.catalogue.sensitive import MASK, RULES
from tradewise_otel.redact.walk import Redactor

DATE = "2026-11-25 "


@holds("5.M1", "5.M3")
def test_every_rule_in_a_tailed_file(tailed: Node) -> None:
    """Each rule's example arrives masked, as Python masks it, and its near miss as it was written."""
    path = tailed.file("plain")
    for rule in RULES:
        append(path, plain(DATE + rule.example) + plain(DATE + rule.near_miss))
    redactor = Redactor(pseudonymise=lambda value: value)
    masked = [redactor.text(DATE + rule.example)[0] for rule in RULES]
    assert all(MASK in text for text in masked)
    expected = [
        text for rule, text in zip(RULES, masked, strict=True) for text in (text, DATE + rule.near_miss)
    ]
    tailed.wait(lambda bodies: len(tailed.texts_of(path)) == len(expected))
    assert tailed.texts_of(path) == expected
