"""The `connect` span of a checkout, made only where it fails.

contrib starts one for every `Engine.connect`, pooled or not, and all that succeed are dropped by design: they
cost a tenth of a request with one statement. Here those are counted, and contrib is asked for a span when
there is something to report.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation import sqlalchemy as contrib

from tradewise_otel.instrument.switched_off import is_switched_off
from tradewise_otel.pipeline import shield
from tradewise_otel.pipeline.ledger import Ledger


def install(ledger: Ledger) -> None:
    """Has contrib wrap `Engine.connect` in our way; upstream's way if that fails."""
    upstream: Any = contrib._wrap_connect  # type: ignore[attr-defined]

    def build(tracer: trace.Tracer) -> Any:
        connects = Connects(tracer, upstream, ledger)
        return shield.call(connects.begin, connects.untold)

    contrib._wrap_connect = ledger.guarded("connect spans", build, upstream)  # type: ignore[attr-defined]


class Connects:
    """Counts connections that succeed and reports those that fail, of one instrumented engine class.

    Args:
        upstream: contrib's maker of what stands around `Engine.connect`.
    """

    def __init__(self, tracer: trace.Tracer, upstream: Callable[[Any], Any], ledger: Ledger) -> None:
        self._tracer, self._upstream, self._ledger = tracer, upstream, ledger
        self.begin = ledger.shielded("connect", self._begin, None, "traces")
        self._succeeded = ledger.shielded("connect", self._count, None, "traces")
        self._failed = ledger.shielded("failed connect", self._report, None, "traces")

    @staticmethod
    def untold(connect: Callable[..., Any], engine: Any, args: Any, kwargs: Any, **_: Any) -> Any:
        """Where instrumentation is switched off, or ours has failed: the connection alone."""
        return connect(*args, **kwargs)

    def _begin(self, args: Any, kwargs: Any, setup: Any, engine: Any) -> shield.Attempted | None:
        if is_switched_off():
            return None
        return shield.Attempted((engine, time.time_ns()), self._succeeded, self._failed)

    def _count(self, *_: Any) -> None:
        self._ledger.add("emitted", "traces")
        self._ledger.add("sampled_out", "traces", reason="pooled_connect")

    def _report(self, state: tuple[Any, int], error: BaseException) -> None:
        # As upstream: what is no `Exception`, such as a cancellation, is no failure of the connection.
        if not isinstance(error, Exception):
            self._count()
            return
        engine, started = state
        said = _Said()
        self._upstream(said)(lambda: None, engine, (), {})
        span: Any = self._tracer.start_span(
            "connect", kind=trace.SpanKind.CLIENT, attributes=said.attributes, start_time=started
        )
        # Notes the exception, sets the status and ends the span, as at the end of a `with`.
        span.__exit__(type(error), error, error.__traceback__)


class _Said(contextlib.AbstractContextManager["_Said"]):
    """In the place of contrib's tracer and of its span: keeps what is said of a connection."""

    attributes: Mapping[str, Any] = MappingProxyType({})

    def start_as_current_span(self, *_: Any, **__: Any) -> _Said:
        """Itself."""
        return self

    def is_recording(self) -> bool:
        """True, so that something is said."""
        return True

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Keeps them."""
        self.attributes = attributes

    def __exit__(self, *_: object) -> None:
        """Nothing has failed here."""
