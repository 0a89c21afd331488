"""The sampler: records everything, lets the W3C flag say what the ratio says (decision P7).

Spans that the ratio drops are still recorded (RECORD_ONLY) and sent, so that statistics, events and
metrics come from 100 %; the flag only tells callees not to keep what we would not keep.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.environment_variables import OTEL_TRACES_SAMPLER
from opentelemetry.sdk.trace import ReadableSpan, sampling
from opentelemetry.sdk.trace._sampling_experimental import (
    composable_parent_threshold,
    composable_traceid_ratio_based,
    composite_sampler,
)
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

from tradewise_otel.record.verdict import RATIO_RANGE, threshold

_HEX_DIGITS = 14
_DECISIONS = (sampling.Decision.RECORD_ONLY, sampling.Decision.RECORD_AND_SAMPLE)


def build(rate: float, environ: Mapping[str, str]) -> tuple[sampling.Sampler, bool]:
    """The sampler to use, and whether spans that it does not sample are sent all the same.

    `OTEL_TRACES_SAMPLER` works as upstream documents: what it drops is not sent, and statistics cover
    only the rest. Events and metrics are exact either way.
    """
    if environ.get(OTEL_TRACES_SAMPLER):
        return RecordAll(sampling._get_from_env_or_default()), False
    ratio = composable_parent_threshold(composable_traceid_ratio_based(rate))
    return RootsFirst(rate, RecordAll(composite_sampler(ratio))), True


class RootsFirst(sampling.Sampler):
    """Answers for roots and for children of our own spans without parsing and making a tracestate for each.

    The rule is the composite sampler's, recording all, which answers for children of spans elsewhere; a test
    holds them together. A child here has its parent's flag and tracestate, which it got by that rule.
    """

    def __init__(self, rate: float, others: sampling.Sampler) -> None:
        self._threshold = threshold(rate)
        self._others = others
        # All sampled roots of a process have the same one.
        self._state = TraceState([("ot", f"th:{_shortest(self._threshold)}")])

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> sampling.SamplingResult:
        """As the composite sampler."""
        parent = get_current_span(parent_context)
        context = parent.get_span_context()
        if context.is_valid and not isinstance(parent, ReadableSpan):
            return self._others.should_sample(
                parent_context, trace_id, name, kind, attributes, links, trace_state
            )
        sampled, state = self.answer(trace_id, context if context.is_valid else None)
        return sampling.SamplingResult(_DECISIONS[sampled], attributes, state)

    def answer(self, trace_id: int, parent: SpanContext | None) -> tuple[bool, TraceState | None]:
        """Whether a root (`parent` is None) or a child of a span of ours is sampled, and its tracestate."""
        if parent is not None:
            return parent.trace_flags.sampled, parent.trace_state
        sampled = trace_id & (RATIO_RANGE - 1) >= self._threshold
        return sampled, self._state if sampled else None

    def get_description(self) -> str:
        """As the composite sampler."""
        return self._others.get_description()


def _shortest(rejected: int) -> str:
    return f"{rejected:014x}".rstrip("0") or "0"


class RecordAll(sampling.Sampler):
    """Upstream's `AlwaysRecordSampler`, but spans keep their first attributes and their tracestate.

    The SDK takes both from the sampler's answer. The composite sampler, as any sampler that drops, answers
    without attributes: httpx spans would not know where their call goes. And it looks for the parent's
    tracestate, with the threshold, in an argument that the SDK leaves out: children would weigh 1.
    """

    def __init__(self, root: sampling.Sampler) -> None:
        self._root = root

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> sampling.SamplingResult:
        """The root's answer, with recording in place of dropping."""
        if trace_state is None:
            trace_state = get_current_span(parent_context).get_span_context().trace_state
        result = self._root.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )
        dropped = result.decision is sampling.Decision.DROP
        decision = sampling.Decision.RECORD_ONLY if dropped else result.decision
        kept = {**(attributes or {}), **result.attributes} if result.attributes else attributes
        return sampling.SamplingResult(decision, kept, result.trace_state)

    def get_description(self) -> str:
        """As upstream's."""
        return f"RecordAll{{{self._root.get_description()}}}"


def weight_of(context: SpanContext) -> float:
    """How many requests a sampled one stands for: 1 / probability, from `ot=th` of its tracestate.

    1 where the tracestate names no threshold, since then nobody knows.
    """
    return _weight_in(context.trace_state.get("ot") or "")


@functools.lru_cache(maxsize=256)
def _weight_in(state: str) -> float:
    for member in state.split(";"):
        if member.startswith("th:"):
            return _weight(member[3:])
    return 1.0


def _weight(text: str) -> float:
    try:
        rejected = int(text.ljust(_HEX_DIGITS, "0"), 16)
    except ValueError:
        return 1.0
    return RATIO_RANGE / (RATIO_RANGE - rejected) if 0 <= rejected < RATIO_RANGE else 1.0
