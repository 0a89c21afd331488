"""The regular-expression engine: RE2 where it can be imported, `re` elsewhere, over bytes.

Text is searched as UTF-8 bytes with ASCII meaning, so that RE2, Go's regexp and `re` agree.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Protocol

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


class Pattern(Protocol):
    """A compiled pattern over bytes."""

    @property
    def groups(self) -> int: ...
    def search(self, text: bytes, pos: int = 0, /) -> Match | None: ...
    def match(self, text: bytes, pos: int = 0, /) -> Match | None: ...


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
    if _re2 is None:
        return re.compile(pattern.encode("ascii"))
    compiled: Pattern = _re2.compile(pattern.encode("ascii"), _options())
    return compiled


def finder(pattern: str) -> Finder:
    """The fastest answer to "is there a match?": no spans, so with RE2 a set of one.

    A set answers None if its automaton outgrows its memory; it starts afresh when full, so that needs
    less memory than the pattern's own size, and the unit tests would miss every example.
    """
    if _re2 is None:
        return re.compile(pattern.encode("ascii")).search
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
