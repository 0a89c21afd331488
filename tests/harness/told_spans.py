"""Spans as data, to compare what two ways of tracing tell of the same story."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from opentelemetry.instrumentation._semconv import (
    _OpenTelemetrySemanticConventionStability,
    _OpenTelemetryStabilitySignalType,
    _StabilityMode,
)
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator

from tradewise_otel.pipeline import sampling


class Counted(IdGenerator):
    """Ids in the order of their making: the same story has the same ones."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def generate_span_id(self) -> int:
        """The next number."""
        return next(self._numbers)

    def generate_trace_id(self) -> int:
        """The next number, where the ratio finds it: in the low bits."""
        return next(self._numbers) << 54

    def is_trace_id_random(self) -> bool:
        """As upstream's generator."""
        return True


class Ended(SpanProcessor):
    """Keeps every span that ends, sampled or not."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        """Keeps it."""
        self.spans.append(span)


def provider(kind: type[TracerProvider] = TracerProvider, rate: float = 0.5, **options: Any) -> Any:
    """A provider with our sampler, and where its spans end up."""
    ended = Ended()
    options.setdefault("sampler", sampling.build(rate, {})[0])
    made = kind(shutdown_on_exit=False, id_generator=Counted(), **options)
    made.add_span_processor(ended)
    return made, ended


def told(ended: Ended) -> list[dict[str, Any]]:
    """What each span says, but for its times."""
    return [_told(span) for span in ended.spans]


def _told(span: ReadableSpan) -> dict[str, Any]:
    context = span.get_span_context()
    return {
        "name": span.name,
        "kind": span.kind,
        "context": _context(context),
        "parent": _context(span.parent),
        "attributes": dict(span.attributes or {}),
        "events": [(event.name, _lines(dict(event.attributes or {}))) for event in span.events],
        "links": [(_context(link.context), dict(link.attributes or {})) for link in span.links],
        "status": (span.status.status_code, span.status.description),
        "dropped": (span.dropped_attributes, span.dropped_events, span.dropped_links),
        "scope": span.instrumentation_scope,
        "resource": span.resource,
        "timed": (span.end_time or 0) >= (span.start_time or 0) > 0,
    }


def _lines(attributes: dict[str, Any]) -> dict[str, Any]:
    # Frames of ours are others than upstream's; what was raised is the last line.
    trace = attributes.get("exception.stacktrace")
    return attributes if trace is None else {**attributes, "exception.stacktrace": trace.splitlines()[-1]}


def _context(context: Any) -> Any:
    if context is None:
        return None
    return (*context[:4], context.trace_state.to_header(), context.is_valid)


def use_new_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has contrib use the current names of HTTP alone, as under our launcher."""
    stability: Any = _OpenTelemetrySemanticConventionStability
    modes = {**stability._OTEL_SEMCONV_STABILITY_SIGNAL_MAPPING}
    modes[_OpenTelemetryStabilitySignalType.HTTP] = _StabilityMode.HTTP
    monkeypatch.setattr(stability, "_initialized", True)
    monkeypatch.setattr(stability, "_OTEL_SEMCONV_STABILITY_SIGNAL_MAPPING", modes)
