"""Whether the app has instrumentation switched off where it is now: asked for every call and statement."""

from __future__ import annotations

from opentelemetry.context import get_current
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled, is_instrumentation_enabled
from opentelemetry.trace.propagation import _SPAN_KEY


def is_switched_off(http: bool = False) -> bool:
    """As upstream's helpers, which look four times for keys that a context hardly ever has.

    Args:
        http: also where only HTTP's instrumentation is off.
    """
    around = get_current()
    if not around or (len(around) == 1 and _SPAN_KEY in around):
        return False
    return not (is_http_instrumentation_enabled() if http else is_instrumentation_enabled())
