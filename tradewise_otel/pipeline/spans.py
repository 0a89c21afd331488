"""The SDK's tracers and spans, with the usual case first: the same semantics at a third of the price.

For each span the SDK makes two bounded lists, a bounded mapping and their locks, cleans every value as if it
could be anything, and copies the lot at the end; a context manager of it is two generators. Here a span has
a plain dict and is itself what its processors read. What is unusual (links at the start, limits on lengths, a
tracer that is switched off, the SDK's own metrics) stays the SDK's work; a test holds the two together.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.attributes import _clean_attribute_value
from opentelemetry.context import Context
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.trace._tracer_metrics import NoOpTracerMetrics
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.propagation import _SPAN_KEY
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util.types import Attributes

from tradewise_otel.pipeline.sampling import RootsFirst

# Whoever has a filter for what the SDK says of a span has it for ours.
_log = logging.getLogger(sdk.__name__)
_PLAIN = frozenset({str, int, float, bool})
_FLAGS = [TraceFlags(number) for number in range(4)]
_RANDOM = TraceFlags.RANDOM_TRACE_ID


class Tracers(sdk.TracerProvider):
    """The SDK's provider; its tracers start light spans where nothing unusual is asked of them."""

    def get_tracer(self, *args: Any, **kwargs: Any) -> trace.Tracer:
        """As the SDK's."""
        tracer = super().get_tracer(*args, **kwargs)
        if type(tracer) is sdk.Tracer and _is_usual(tracer):
            # The SDK keeps its tracers and tells them of forks: so it is the same object, refined.
            tracer.__class__ = LightTracer
        return tracer


def _is_usual(tracer: sdk.Tracer) -> bool:
    limits, measured = tracer._span_limits, not isinstance(tracer._tracer_metrics, NoOpTracerMetrics)
    return not measured and limits.max_span_attribute_length is None and limits.max_span_attributes != 0


class LightTracer(sdk.Tracer):
    """Starts light spans."""

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> trace.Span:
        """As the SDK's."""
        if links or not self._tracer_config.is_enabled or type(self.sampler) is not RootsFirst:
            return super().start_span(
                name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
            )
        above: Any = (context_api.get_current() if context is None else context).get(_SPAN_KEY)
        parent: SpanContext | None = None if above is None else above.get_span_context()
        if parent is not None and not parent.is_valid:
            parent = None
        elsewhere = parent is not None and not isinstance(above, sdk.ReadableSpan)
        asked = (context, name, kind, attributes) if elsewhere else None
        span = LightSpan(self, name, kind, self._context_under(parent, asked), parent, attributes)
        span._record_exception, span._set_status_on_exception = record_exception, set_status_on_exception
        span._start_time = time.time_ns() if start_time is None else start_time
        self.span_processor.on_start(span, parent_context=context)
        return span

    def _context_under(self, parent: SpanContext | None, asked: tuple[Any, ...] | None) -> SpanContext:
        """A new span's context; `asked` is what the sampler wants to know if the parent is elsewhere."""
        ids, sampler = self.id_generator, self.sampler
        if parent is None:
            trace_id = ids.generate_trace_id()
            random = _RANDOM if ids.is_trace_id_random() else 0
        else:
            trace_id, random = parent.trace_id, parent.trace_flags & _RANDOM
        if asked is None:
            sampled, state = sampler.answer(trace_id, parent)  # type: ignore[attr-defined]
        else:
            around, *words = asked
            result = sampler.should_sample(around, trace_id, *words)
            sampled, state = result.decision is sampling.Decision.RECORD_AND_SAMPLE, result.trace_state
        return SpanContext(trace_id, ids.generate_span_id(), False, _FLAGS[sampled | random], state)

    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Any:
        """As the SDK's: a context manager, and a decorator of plain and of async functions."""
        how = (context, kind, attributes, links, start_time, record_exception, set_status_on_exception)
        return _Current(self, (name, *how), end_on_exit)


class LightSpan(sdk.Span):
    """A span with a dict of attributes; lists of events and links come with the first of them."""

    _end_time = None
    _status = Status(StatusCode.UNSET)
    _dropped = 0

    # What the SDK reads by functions, read in one step.
    context = property(attrgetter("_context"))
    parent = property(attrgetter("_parent"))
    kind = property(attrgetter("_kind"))
    name = property(attrgetter("_name"))
    status = property(attrgetter("_status"))
    start_time = property(attrgetter("_start_time"))
    end_time = property(attrgetter("_end_time"))
    dropped_attributes = property(attrgetter("_dropped"))
    # What the spans of a tracer share.
    instrumentation_scope = _instrumentation_scope = property(attrgetter("_tracer._instrumentation_scope"))
    _instrumentation_info = property(attrgetter("_tracer.instrumentation_info"))
    _resource = property(attrgetter("_tracer.resource"))
    _limits = property(attrgetter("_tracer._span_limits"))

    def __new__(cls, *_: Any) -> LightSpan:
        """Past the SDK's own, which only refuses its own class."""
        return object.__new__(cls)

    def __init__(
        self,
        tracer: LightTracer,
        name: str,
        kind: SpanKind,
        context: SpanContext,
        parent: SpanContext | None,
        attributes: Attributes,
    ) -> None:
        self._tracer = tracer
        self._name, self._kind, self._context, self._parent = name, kind, context, parent
        self._lock = threading.Lock()
        self._attributes: dict[str, Any] = {}
        self._events: Any = ()
        self._links: Any = ()
        if attributes:
            self._note(attributes)

    def get_span_context(self) -> SpanContext:
        """Its own."""
        return self._context  # type: ignore[return-value]

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """As the SDK's."""
        with self._lock:
            if self._is_open("Setting attribute"):
                self._note(attributes)

    def set_attribute(self, key: str, value: Any) -> None:
        """As the SDK's, which here takes no name that is not a text."""
        if isinstance(key, str) and key:
            self.set_attributes({key: value})
        elif self._is_open("Setting attribute"):
            self._dropped += 1
            _log.warning("An attribute without a name is dropped.")

    def _is_open(self, what: str) -> bool:
        if self._end_time is not None:
            _log.warning("%s on an ended span.", what)
        return self._end_time is None

    def _note(self, attributes: Mapping[str, Any]) -> None:
        known = self._attributes
        for key, value in attributes.items():
            if type(value) in _PLAIN and type(key) is str and key:
                known[key] = value
            else:
                self._note_cleaned(key, value)
        most = self._tracer._span_limits.max_span_attributes
        while most is not None and len(known) > most:
            del known[next(iter(known))]
            self._dropped += 1
            _log.warning("More than %d attributes on a span: the oldest one is dropped.", most)

    def _note_cleaned(self, key: Any, value: Any) -> None:
        cleaned: Any = _clean_attribute_value({key: value}, None)
        self._dropped += 1 - len(cleaned)
        self._attributes.update(cleaned)

    def _add_event(self, event: sdk.EventBase) -> None:
        with self._lock:
            if isinstance(self._events, tuple):
                self._events = self._new_events()  # type: ignore[no-untyped-call]
        super()._add_event(event)

    def _add_link(self, link: Link) -> None:
        with self._lock:
            if isinstance(self._links, tuple):
                self._links = self._new_links(())
        super()._add_link(link)

    def end(self, end_time: int | None = None) -> None:
        """As the SDK's; the processors get the span itself, which takes nothing more."""
        with self._lock:
            if not self._is_open("Calling end()"):
                return
            self._end_time = time.time_ns() if end_time is None else end_time
        processor = self._tracer.span_processor
        processor._on_ending(self)
        processor.on_end(self)


class _Current:
    """The current span of a `with` block, as two nested generators of upstream's would have it."""

    __slots__ = ("_ends", "_span", "_token", "_tracer", "_words")

    def __init__(self, tracer: LightTracer, words: tuple[Any, ...], ends: bool) -> None:
        self._tracer, self._words, self._ends = tracer, words, ends

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function within such a span, each time that it is called."""
        upstream: Any = super(LightTracer, self._tracer).start_as_current_span
        decorated: Callable[..., Any] = upstream(*self._words, self._ends)(function)
        return decorated

    def __enter__(self) -> trace.Span:
        self._span = span = self._tracer.start_span(*self._words)
        self._token = context_api.attach(context_api.set_value(_SPAN_KEY, span))
        return span

    def __exit__(self, kind: object, error: BaseException | None, trail: object) -> None:
        span, (records, sets_status) = self._span, self._words[-2:]
        context_api.detach(self._token)
        try:
            if isinstance(error, Exception) and span.is_recording():
                note_failure(span, error, records, sets_status)
        finally:
            if self._ends:
                span.end()


def note_failure(span: trace.Span, error: Exception, records: bool = True, sets_status: bool = True) -> None:
    """Notes what the work of an open span has raised, in upstream's words."""
    if records:
        span.record_exception(error)
    if sets_status:
        span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
