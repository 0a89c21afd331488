"""The sampler: records everything, lets the W3C flag say what the ratio says (decision P7).

Spans that the ratio drops are still recorded (RECORD_ONLY) and sent, so that statistics, events and
metrics come from 100 %; the flag only tells callees not to keep what we would not keep.
"""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.sdk.environment_variables import OTEL_TRACES_SAMPLER
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.trace._sampling_experimental import (
    composable_parent_threshold,
    composable_traceid_ratio_based,
    composite_sampler,
)
from opentelemetry.trace import SpanContext

from tradewise_otel.record.verdict import RATIO_RANGE

_HEX_DIGITS = 14


def build(rate: float, environ: Mapping[str, str]) -> tuple[sampling.Sampler, bool]:
    """The sampler to use, and whether spans that it does not sample are sent all the same.

    `OTEL_TRACES_SAMPLER` works as upstream documents: what it drops is not sent, and statistics cover
    only the rest. Events and metrics are exact either way.
    """
    if environ.get(OTEL_TRACES_SAMPLER):
        return sampling.AlwaysRecordSampler(sampling._get_from_env_or_default()), False
    ratio = composable_parent_threshold(composable_traceid_ratio_based(rate))
    return sampling.AlwaysRecordSampler(composite_sampler(ratio)), True


def weight_of(context: SpanContext) -> float:
    """How many requests a sampled one stands for: 1 / probability, from `ot=th` of its tracestate.

    1 where the tracestate names no threshold, since then nobody knows.
    """
    for member in (context.trace_state.get("ot") or "").split(";"):
        if member.startswith("th:"):
            return _weight(member[3:])
    return 1.0


def _weight(text: str) -> float:
    try:
        rejected = int(text.ljust(_HEX_DIGITS, "0"), 16)
    except ValueError:
        return 1.0
    return RATIO_RANGE / (RATIO_RANGE - rejected) if 0 <= rejected < RATIO_RANGE else 1.0
