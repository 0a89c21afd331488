"""Which records and requests are kept, and why: the one place that decides `sampling.reason`.

Reasons in order of strength: `error`, `slow`, `severity`, `event`, `ratio`; `none` is what statistics,
metrics and the laptop's files see and Datadog does not (contract 6).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tradewise_otel.catalogue.events import EVENTS
from tradewise_otel.catalogue.lookup import event_for
from tradewise_otel.catalogue.vocabulary import EventType
from tradewise_otel.context import Request
from tradewise_otel.record.build import SEVERITY, Event

_WARNING = SEVERITY["WARNING"]
_ERROR = SEVERITY["ERROR"]
_STRONGER = ("error", "slow")
# Rows with a condition keep what went wrong, and that is what their level says (contract 2).
_KEPT = frozenset(row.name for row in EVENTS if row.keeps != "ratio" and not row.keeps_when)

RATIO_RANGE = 1 << 56
"""Randomness of the ratio is a number below this: the low 56 bits of the trace id (OTEP 235)."""


KEPT_A_SECOND = 50
"""Requests a second and process that are kept whole for another reason than the ratio (P8)."""


def judge(event: Event, rate: float) -> bool:
    """Fills the event's `reason` and `weight`, and tells its request what it asks for.

    A record speaks for itself first (severity, kind), then its request's verdict speaks for it, then the
    ratio. Outside a request the ratio is drawn from the event id, so that every tier would draw the same.

    Returns False where nobody can tell yet: the record has to wait for its request's verdict.
    """
    row = event_for(event.event_type)
    severe = SEVERITY[event.level] >= _WARNING
    own = "event" if event.keep or row.name in _KEPT else "severity" if severe else None
    request = event.request
    if request is not None and request.reason is None and (severe or row.keeps == "request"):
        _ask_to_keep(event, row, request)
    if own is not None:
        whole = request.reason if request is not None else None
        event.reason, event.weight = (whole if whole in _STRONGER else own), 1.0
        return True
    if request is not None and request.is_open:
        return False
    event.reason, event.weight = _by_request_or_ratio(event, rate)
    return True


def _by_request_or_ratio(event: Event, rate: float) -> tuple[str, float]:
    request = event.request
    if request is not None and request.reason is not None:
        return request.reason, request.weight
    if keeps_by_ratio(event.trace_id or int(event.event_id, 16), rate):
        return "ratio", 1 / rate
    return "none", 1.0


def _ask_to_keep(event: Event, row: EventType, request: Request) -> None:
    if event.event_type is None:
        if event.severity >= _ERROR:
            request.keep = "severity"
        return
    if row.keeps == "request" and (not row.keeps_when or event.severity >= _ERROR):
        request.keep = request.keep or "event"


class Verdicts:
    """Judges whole requests; one a process, since it bounds how many of them are kept a second.

    Args:
        left_to_ratio: told of each request that was worth keeping and came too late in its second.
        clock: seconds, never going back.
    """

    def __init__(
        self, left_to_ratio: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._left_to_ratio = left_to_ratio
        self._clock = clock
        self._second = 0
        self._kept = 0

    def decide(self, request: Request, *, failed: bool = False, slow: bool = False) -> None:
        """States the verdict over a request, unless it has one: its records and spans go."""
        if request.reason is None:
            request.decide(*self._reason(request, failed, slow))

    def _reason(self, request: Request, failed: bool, slow: bool) -> tuple[str, float]:
        reason = "error" if failed else "slow" if slow else request.keep
        if reason is None:
            return request.by_ratio()
        if request.sampled or self._may_keep():
            return reason, 1.0
        self._left_to_ratio()
        return request.by_ratio()

    def _may_keep(self) -> bool:
        # Without a lock: two threads in one instant may keep one more than the limit.
        second = int(self._clock())
        if second != self._second:
            self._second, self._kept = second, 0
        self._kept += 1
        return self._kept <= KEPT_A_SECOND


def keeps_by_ratio(randomness: int, rate: float) -> bool:
    """The consistent ratio rule: keep if the low 56 bits reach `(1 - rate) * 2^56` (P9)."""
    return rate > 0 and (randomness & (RATIO_RANGE - 1)) >= threshold(rate)


def threshold(rate: float) -> int:
    """Rejection threshold of a rate, an integer from 0 (all kept) to 2^56 (none)."""
    return round((1 - rate) * RATIO_RANGE)
