"""Which records and requests are kept, and why: the one place that decides `sampling.reason`.

Reasons in order of strength: `error`, `slow`, `severity`, `event`, `ratio`; `none` is what statistics,
metrics and the laptop's files see and Datadog does not (contract 6).
"""

from __future__ import annotations

from tradewise_otel.catalogue.lookup import event_for
from tradewise_otel.context import Request
from tradewise_otel.record.build import SEVERITY, Event

_WARNING = SEVERITY["WARNING"]
_ERROR = SEVERITY["ERROR"]
_STRONGER = ("error", "slow")

RATIO_RANGE = 1 << 56
"""Randomness of the ratio is a number below this: the low 56 bits of the trace id (OTEP 235)."""


def judge(event: Event, rate: float) -> None:
    """Fills the event's `reason` and `weight`, and tells its request what it asks for.

    A record speaks for itself first (severity, kind), then for its request's verdict, then by ratio.
    Outside a request the ratio is drawn from the event id, so that every tier would draw the same.
    """
    own = _own_reason(event)
    request = event.request
    if request is not None and request.reason is None:
        _ask_to_keep(event, request)
    if own is not None:
        whole = request.reason if request is not None else None
        event.reason, event.weight = (whole if whole in _STRONGER else own), 1.0
        return
    event.reason, event.weight = "none", 1.0
    if request is not None and request.reason is not None:
        event.reason, event.weight = request.reason, request.weight
    elif request is not None and request.sampled is not None:
        if request.sampled:
            event.reason, event.weight = "ratio", request.weight
    elif keeps_by_ratio(event.trace_id or int(event.event_id, 16), rate):
        event.reason, event.weight = "ratio", 1 / rate


def _own_reason(event: Event) -> str | None:
    if event.event_type is not None and _kind_keeps(event):
        return "event"
    return "severity" if event.severity >= _WARNING else None


def _kind_keeps(event: Event) -> bool:
    row = event_for(event.event_type)
    # Rows with a condition keep what went wrong, and that is what their level says (contract 2).
    return row.keeps != "ratio" and not row.keeps_when


def _ask_to_keep(event: Event, request: Request) -> None:
    row = event_for(event.event_type)
    if event.event_type is None:
        if event.severity >= _ERROR:
            request.keep = "severity"
        return
    if row.keeps == "request" and (not row.keeps_when or event.severity >= _ERROR):
        request.keep = request.keep or "event"


def request_reason(request: Request, *, failed: bool, slow: bool) -> tuple[str, float]:
    """The verdict over a whole request at the end of its root span: reason and weight."""
    if failed:
        return "error", 1.0
    if slow:
        return "slow", 1.0
    if request.keep is not None:
        return request.keep, 1.0
    return ("ratio", request.weight) if request.sampled else ("none", 1.0)


def keeps_by_ratio(randomness: int, rate: float) -> bool:
    """The consistent ratio rule: keep if the low 56 bits reach `(1 - rate) * 2^56` (P9)."""
    return rate > 0 and (randomness & (RATIO_RANGE - 1)) >= threshold(rate)


def threshold(rate: float) -> int:
    """Rejection threshold of a rate, an integer from 0 (all kept) to 2^56 (none)."""
    return round((1 - rate) * RATIO_RANGE)
