"""One thing that was looked at, and how it stands."""

from __future__ import annotations

from typing import Literal, NamedTuple

Verdict = Literal["ok", "note", "fault"]


class Finding(NamedTuple):
    """What was found.

    Attributes:
        verdict: `fault` costs telemetry, `note` may be meant so.
        what: the thing, in a word.
        text: how it stands.
        remedy: what to do about it; nothing where it is as it should be.
    """

    verdict: Verdict
    what: str
    text: str
    remedy: str = ""
