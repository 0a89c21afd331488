"""Overlay tail-sampling: traces of other services are judged whole, what our distro has judged is obeyed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import otlp_wire
import pytest
from collector_command import NOWHERE
from harness.sink import Sink
from kafka_broker import wait

from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses

JAVA = {"service.name": "risk-engine", "telemetry.sdk.language": "java"}
SOON = "exporters: {otlp_http/datadog_traces: {sending_queue: {batch: {flush_timeout: 20ms}}}}\n"
NUMBERS = itertools.count(1)


class Traces:
    """A gateway with the overlay, and what came out of it; traces are told apart by their ids."""

    def __init__(self, http: str, intake: Sink) -> None:
        self._http, self._intake = http, intake

    def send(self, trace: str, resource: dict[str, Any], **span: Any) -> None:
        """One span of a trace."""
        ids = {"traceId": trace, "spanId": f"{next(NUMBERS):016x}"}
        otlp_wire.post(self._http, "traces", [otlp_wire.span(**ids, **span)], resource)

    def kept(self, trace: str) -> list[dict[str, Any]]:
        """The spans of a trace that came out, once a trace that is always kept has."""
        marker = _trace()
        self.send(marker, JAVA, status={"code": 2})
        wait(lambda: any(span["trace_id"] == marker for span in self._intake.spans))
        return [span for span in self._intake.spans if span["trace_id"] == trace]

    def left(self, text: str) -> bool:
        """Whether a text is anywhere in what left."""
        return any(text.encode() in body for body in self._intake.raw)


@pytest.fixture(scope="module")
def traces(gateway_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traces]:
    """One gateway that keeps nothing by ratio and waits half a second for a trace."""
    folder = tmp_path_factory.mktemp("tail")
    (folder / "soon.yaml").write_text(SOON)
    role = load_role("gateway", ("datadog-otlp", "tail-sampling"), folder / "soon.yaml")
    with Sink() as intake:
        settings = {"TRADEWISE_DATA_DIR": str(folder / "data"), "DD_API_KEY": "dummy"}
        settings |= {"TRADEWISE_DD_OTLP_URL": intake.url, "TRADEWISE_DD_TRACES_URL": NOWHERE}
        settings |= {"TRADEWISE_SAMPLE_RATE": "0.000001", "TRADEWISE_TAIL_WAIT": "500ms"}
        with CollectorProcess(gateway_binary, role, {**settings, **free_addresses()}) as collector:
            yield Traces(collector.http, intake)


def _trace() -> str:
    # Low bits far from the ratio's threshold: never kept by it.
    return f"{next(NUMBERS):018x}{'0' * 14}"


def _reasons(spans: list[dict[str, Any]]) -> list[str]:
    return [span["attributes"]["sampling.reason"] for span in spans]


def test_an_error_anywhere_keeps_the_whole_trace(traces: Traces) -> None:
    """The spans before and after the one that failed come too, and say why."""
    trace = _trace()
    traces.send(trace, JAVA)
    traces.send(trace, {"service.name": "ledger"}, status={"code": 2})
    traces.send(trace, JAVA)
    assert _reasons(traces.kept(trace)) == ["error"] * 3


def test_a_slow_trace_is_kept(traces: Traces) -> None:
    """Longer than TRADEWISE_TAIL_SLOW_MS from its first span to its last."""
    trace = _trace()
    traces.send(trace, JAVA, milliseconds=2500)
    traces.send(trace, JAVA)
    assert _reasons(traces.kept(trace)) == ["slow", "slow"]


def test_an_ordinary_trace_goes(traces: Traces) -> None:
    """Neither failed nor slow, and not kept by the ratio: it ends here, after it was counted."""
    trace = _trace()
    traces.send(trace, JAVA)
    assert traces.kept(trace) == []


def test_what_our_distro_has_judged_is_obeyed(traces: Traces) -> None:
    """A span of ours that is not kept goes although its trace has failed elsewhere; the others stay."""
    trace = _trace()
    traces.send(trace, otlp_wire.OURS, attributes={"sampling.reason": "none", "sampling.weight": 1.0})
    traces.send(trace, JAVA, status={"code": 2})
    (span,) = traces.kept(trace)
    assert span["resource"]["service.name"] == "risk-engine"


def test_a_request_that_our_distro_keeps_brings_its_trace(traces: Traces) -> None:
    """Spans of other services in a trace that ours has kept are kept, for the same reason; weights stay."""
    trace = _trace()
    own = {"sampling.reason": "ratio", "sampling.weight": 10.0}
    traces.send(trace, otlp_wire.OURS, attributes=own)
    traces.send(trace, JAVA)
    spans = {span["resource"].get("service.name", "ours"): span["attributes"] for span in traces.kept(trace)}
    assert {name: attributes["sampling.reason"] for name, attributes in spans.items()} == {
        "ours": "ratio",
        "risk-engine": "ratio",
    }
    assert spans["ours"]["sampling.weight"] == 10.0


def test_marks_of_the_processor_stay_inside(traces: Traces) -> None:
    """What tells the reason on the way is nowhere in what leaves."""
    trace = _trace()
    traces.send(trace, JAVA, status={"code": 2})
    assert traces.kept(trace)
    assert not traces.left("tailsampling")


def test_it_has_nothing_to_do_beside_an_agent_that_sees_everything() -> None:
    """Together with datadog-agent it is refused in a line that names both."""
    with pytest.raises(Exception, match="tail-sampling has nothing to do beside datadog-agent"):
        load_role("gateway", ("datadog-agent", "tail-sampling"))
