"""Texts that the gate has let pass, or that we have made: short ones come again and are not scanned twice.

No rule looks beyond one text, and the gate has no anchors: where it finds nothing in a record's bytes, it
finds nothing in any text of it. Each scan that is saved also saves giving the interpreter away, since RE2
works without it: where another thread waits for it, as a database driver's does, that costs more than the
scan itself.
"""

from __future__ import annotations

from collections.abc import Iterable

# Ids come by the request and never again: more of them would only push what the app works with out of the
# processor's caches, and what does come again is soon known again.
_REMEMBERED = 512
_LONGEST = 128


class KnownTexts:
    """Remembers clean texts, within a bound; safe to share between threads and across forks.

    Args:
        longest: in characters; no longer text is remembered.
    """

    def __init__(self, longest: int) -> None:
        self._longest = min(longest, _LONGEST)
        self._known: set[str] = set()

    def has_all(self, values: Iterable[object]) -> bool:
        """Whether every text among a flat record's values is remembered."""
        known = self._known
        for value in values:  # noqa: SIM110 - a generator would be a call of its own, for every record
            if type(value) is str and value not in known:
                return False
        return True

    def learn(self, values: Iterable[object]) -> None:
        """Remembers the short texts among a flat record's values, in whose bytes the gate found nothing."""
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        longest = self._longest
        self._known.update([value for value in values if type(value) is str and len(value) <= longest])
