"""Who was asking, as lines and records say it: written once a span, and kept while its request lives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from tradewise_otel.bounded import keep
from tradewise_otel.record.build import Event

P = TypeVar("P")
# Of one request; and of all that belongs to none.
_SPANS = 64


class PartOfWhom(Generic[P]):
    """Trace, span and identity as one part, by span: events of one span mostly have the same.

    It is kept with the request, and gone with it. Kept for longer, the parts of a thousand spans would push
    what the app itself works with out of the processor's caches, for nothing: no span comes again.

    Args:
        write: makes the part of an event from the part of its identity, which spans of one request share;
            None is not kept.
        identify: makes the part of an identity.
    """

    def __init__(self, write: Callable[[Event, P], P], identify: Callable[[dict[str, str]], P]) -> None:
        self._write, self._identify = write, identify
        self._last: tuple[dict[str, str], P] | None = None
        self._of_nobody: dict[tuple[object, int], tuple[tuple[int, dict[str, str]], P]] = {}

    def of(self, event: Event) -> P:
        """The part of an event."""
        request, key = event.request, (self, event.span_id)
        parts = self._of_nobody if request is None else request.parts
        known = parts.get(key)
        # Tuples ask whether it is the same dict before they look into it.
        whose = event.trace_id, event.identity
        if known is not None and known[0] == whose:
            part: P = known[1]
            return part
        part = self._write(event, self._of_identity(event.identity))
        if part is not None:
            keep(parts, key, (whose, part), _SPANS)
        return part

    def _of_identity(self, identity: dict[str, str]) -> P:
        last = self._last
        if last is not None and last[0] is identity:
            return last[1]
        part = self._identify(identity)
        self._last = (identity, part)
        return part
