"""Every monitor, minute by minute, over a recording: when it fires and when it is over.

Datadog looks at such monitors once a minute. Time goes on behind the end of the recording until every window
is empty, so that what has fired also recovers; only a monitor of silence stops at the end, or it would fire
always.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from tradewise_otel.tools.datadog.language.logs import LogMonitor
from tradewise_otel.tools.standin.received import Received

from .points import Measured
from .records import Counted
from .rules import Group, Rule

Values = Callable[[float], dict[Group, float]]
STEP_SECONDS = 60
_COMPARE = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


@dataclass(frozen=True)
class Transition:
    """A monitor has changed its mind about one group.

    Attributes:
        at: unix seconds.
        value: what it looked at; NaN for nothing.
    """

    at: float
    rule: Rule
    group: Group
    becomes: Literal["alert", "no data", "ok"]
    value: float


def replay(received: Received, rules: Iterable[Rule]) -> list[Transition]:
    """All transitions, in the order of time."""
    times = [log.timestamp_ms / 1000 for log in received.logs]
    times += [point.timestamp for point in received.metrics]
    if not times:
        return []
    measured = Measured(received.metrics)
    first, last = min(times), max(times)
    found = [
        transition
        for rule in rules
        for transition in _of_rule(rule, _values(rule, measured, received), first, last)
    ]
    return sorted(found, key=lambda transition: transition.at)


def _values(rule: Rule, measured: Measured, received: Received) -> Values:
    asked = rule.asked
    if isinstance(asked, LogMonitor):
        return Counted(asked, received.logs).values
    return lambda until: measured.values(asked, until)


def _of_rule(rule: Rule, values: Values, first: float, last: float) -> Iterator[Transition]:
    states: dict[Group, Literal["alert", "no data", "ok"]] = {}
    for now in _minutes(rule, first, last):
        found = values(now - rule.delay_seconds)
        for group in sorted({*states, *found}):
            value = found.get(group, math.nan)
            state = _state(rule, value)
            if state != states.get(group, "ok"):
                yield Transition(now, rule, group, state, value)
            states[group] = state


def _state(rule: Rule, value: float) -> Literal["alert", "no data", "ok"]:
    if math.isnan(value):
        return "no data" if rule.missing_tells else "ok"
    return "alert" if _COMPARE[rule.asked.operator](value, rule.asked.threshold) else "ok"


def _minutes(rule: Rule, first: float, last: float) -> Iterator[float]:
    end = last if rule.missing_tells else last + rule.asked.minutes * 60 + rule.delay_seconds + STEP_SECONDS
    now = math.ceil(first / STEP_SECONDS) * STEP_SECONDS
    while now <= end:
        yield float(now)
        now += STEP_SECONDS
