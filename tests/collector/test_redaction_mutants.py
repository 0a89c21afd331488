"""The redaction processor's tests notice when a rule or a slot is missing."""

from __future__ import annotations

import random

import pytest
import redaction_mutants
from harness.holds import holds

SOME = 10


@holds("5.M1")
def test_mutants_are_noticed() -> None:
    """Of ten rules and visits, chosen at random, none can be taken out without a failing test."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}: python tests/collector/redaction_mutants.py --some {SOME} --seed {seed}")
    assert redaction_mutants.survivors(redaction_mutants.some(SOME, seed)) == []


@pytest.mark.parametrize("part", ["without rule ", *redaction_mutants.WALKS])
def test_there_are_mutants_of_every_part(part: str) -> None:
    """The rules and every file that visits slots have mutants."""
    assert [mutant for mutant in redaction_mutants.mutants() if mutant.name.startswith(part)]
