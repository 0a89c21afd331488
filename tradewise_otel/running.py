"""The pipeline that runs in this process: how a call of the app finds it.

One a process, because the launcher starts one; every app of the process shares it, and its parts see to
forks themselves. Light to import: an app that is not instrumented pays for nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradewise_otel.instrument.runtime import Runtime

_running: Runtime | None = None


def pipeline() -> Runtime | None:
    """The pipeline's parts; None where the launcher has started none."""
    return _running


def started(runtime: Runtime | None) -> Runtime | None:
    """Tells which pipeline runs from now on; answers which one did before."""
    global _running
    before, _running = _running, runtime
    return before
