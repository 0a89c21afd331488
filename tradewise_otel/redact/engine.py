"""The regular-expression engine: RE2 where it can be imported, `re` elsewhere, over bytes.

Text is searched as UTF-8 bytes with ASCII meaning, so that RE2, Go's regexp and `re` agree. When Python ends,
RE2 is left for `re` (`ending`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from tradewise_otel.redact import ending

try:
    import re2
except ImportError:
    _re2: Any = None
else:
    _re2 = re2

ENGINE = "re" if _re2 is None else "re2"
# The alternation of all triggers would not fit its automaton into RE2's 8 MiB on hostile text.
_MEMORY = 64 << 20


class Match(Protocol):
    """What matches of `re` and `re2` have in common, as far as it is used here."""

    def start(self, group: int = 0, /) -> int: ...
    def end(self, group: int = 0, /) -> int: ...


class Pattern:
    """A compiled pattern over bytes."""

    __slots__ = ("_match", "_pattern", "_search", "groups")

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        compiled = stdlib(pattern) if _re2 is None else _re2.compile(pattern.encode("ascii"), _options())
        self.groups: int = compiled.groups
        self._search: Callable[[bytes, int], Match | None] = compiled.search
        self._match: Callable[[bytes, int], Match | None] = compiled.match

    def search(self, text: bytes, pos: int = 0) -> Match | None:
        """The first match from `pos` on."""
        return self._search(text, pos)

    def match(self, text: bytes, pos: int = 0) -> Match | None:
        """The match that begins at `pos`."""
        return self._match(text, pos)

    def leave_re2(self) -> None:
        """From now on by `re`, compiled when it is needed: most processes end without another record."""
        self._search = lambda text, pos: stdlib(self._pattern).search(text, pos)
        self._match = lambda text, pos: stdlib(self._pattern).match(text, pos)


class Finder(Protocol):
    """Says of bytes whether there is anything to find: a true value, else None or nothing."""

    def __call__(self, text: bytes, /) -> object: ...


class Span(NamedTuple):
    """A secret in a text: its first byte, the byte after its last, the id of the rule that found it."""

    start: int
    end: int
    rule: str


def compile_bytes(pattern: str) -> Pattern:
    """Compile for bytes, each byte one character."""
    compiled = Pattern(pattern)
    ending.on_ending(compiled.leave_re2)
    return compiled


@functools.cache
def stdlib(pattern: str) -> re.Pattern[bytes]:
    """The same pattern for `re`."""
    return re.compile(pattern.encode("ascii"))


def finder(pattern: str) -> Finder:
    """RE2's fastest answer to "is there a match?": no spans, so a set of one.

    A set answers None if its automaton outgrows its memory; it starts afresh when full, so that needs
    less memory than the pattern's own size, and the unit tests would miss every example.
    """
    one = _re2.Set.SearchSet(_options())
    one.Add(pattern.encode("ascii"))
    one.Compile()
    # Below its wrapper, which looks at each text's type.
    match: Finder = one._set.Match
    return match


def _options() -> Any:
    options = _re2.Options()
    options.encoding = _re2.Options.Encoding.LATIN1
    options.max_mem = _MEMORY
    return options
