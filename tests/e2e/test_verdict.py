"""One verdict a request, the same on its answer and its root span, and a reason on all that leaves
(contract 6).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from harness.holds import holds
from harness.stub import stub
from harness.traffic import Traffic, serving

from tradewise_otel.record.verdict import keeps_by_ratio

pytestmark = holds("1.M3", "3.M1")

RATES = ["0", "0.1", "1"]
REASONS = {"error", "slow", "severity", "event", "ratio", "none"}
# What a request becomes whatever the ratio says; the others are its to decide.
WHOLE = {
    "/boom": "error",
    "/status/500": "error",
    "/sleep": "slow",
    "/line/ERROR": "severity",
    "/event/security_login_failed": "event",
    "/event/security_of_our_own": "event",
}
BY_RATIO = [
    "/plain",
    "/line/INFO",
    "/line/WARNING",
    "/status/401",
    "/status/404",
    "/event/business_user_registered",
]
REMOTE = {
    "01": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00": f"00-{'1' * 32}-{'2' * 16}-00",
}


@dataclass
class Run:
    """All that one run of the app sent, and what its callers saw."""

    rate: float
    logs: list[dict[str, Any]] = field(default_factory=list)
    spans: list[dict[str, Any]] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)
    remote: dict[str, str] = field(default_factory=dict)

    def of(self, request_id: str, event_type: str | None) -> list[dict[str, Any]]:
        """Records of a request of one event type."""
        return [
            x for x in self.logs if x.get("request_id") == request_id and x.get("event_type") == event_type
        ]

    def requests(self, path: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """`api_response` and root span of each request of a path, those with a remote parent apart."""
        roots = {s["attributes"]["request_id"]: s for s in self.spans if s["kind"] == 2}
        answers = [x for x in self.logs if x.get("event_type") == "api_response" and x["path"] == path]
        return [(x, roots[x["request_id"]]) for x in answers if x["request_id"] not in self.remote.values()]


def _drive(app: Traffic, run: Run) -> None:
    for path in [*WHOLE, *BY_RATIO * 3]:
        app.call("GET", path)
    for _ in range(30):
        request_id, answer = app.call("GET", "/plain")
        run.seen[request_id] = answer.json()
    for flag, parent in REMOTE.items():
        request_id, answer = app.call("GET", "/plain", headers={"traceparent": parent})
        run.seen[request_id], run.remote[flag] = answer.json(), request_id


@pytest.fixture(scope="module", params=RATES)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A whole run at each rate."""
    found = Run(float(request.param))
    with stub() as port:
        env = {
            "TRADEWISE_SAMPLE_RATE": request.param,
            "TRADEWISE_P95_MS": "800",
            "STUB": f"http://127.0.0.1:{port}/",
        }
        with serving(tmp_path_factory.mktemp("verdicts"), "verdicts", env) as app:
            _drive(app, found)
        found.logs, found.spans = app.sink.logs, app.sink.spans
    return found


def test_all_that_leaves_has_a_reason_and_a_weight(run: Run) -> None:
    """Each record and span has a known sampling.reason; its weight is 1/rate for `ratio`, else 1."""
    records = [*run.logs, *(span["attributes"] for span in run.spans)]
    assert {record["sampling.reason"] for record in records} <= REASONS
    remote = {x["trace_id"] for x in run.logs if x.get("request_id") == run.remote["01"]}
    for record in [*run.logs, *({**s["attributes"], "trace_id": s["trace_id"]} for s in run.spans)]:
        ours = record["sampling.reason"] == "ratio" and record["trace_id"] not in remote
        assert record["sampling.weight"] == pytest.approx(1 / run.rate if ours else 1.0), record


def test_a_request_is_kept_whole_or_not_at_all(run: Run) -> None:
    """Of a request whose root span is kept every span and record is, also those that came before the
    failure; of any other only what always goes: WARNING and above, business and security events.
    """
    for root in (span for span in run.spans if span["kind"] == 2):
        request_id, kept = root["attributes"]["request_id"], root["attributes"]["sampling.reason"] != "none"
        spans = [s["attributes"] for s in run.spans if s["attributes"].get("request_id") == request_id]
        records = [x for x in run.logs if x.get("request_id") == request_id]
        assert {x["sampling.reason"] != "none" for x in spans} == {kept}
        by_themselves = [x for x in records if x["sampling.reason"] in ("severity", "event")]
        others = [x for x in records if x not in by_themselves]
        assert {x["sampling.reason"] != "none" for x in others} <= {kept}
        assert len(records) >= 2


def test_a_kept_request_says_why_on_answer_and_root_span(run: Run) -> None:
    """Errors, slow answers, ERROR lines and security events keep their request: both signals give that
    reason.
    """
    for path, reason in WHOLE.items():
        for answer, root in run.requests(path):
            assert (path, answer["sampling.reason"], root["attributes"]["sampling.reason"]) == (
                path,
                reason,
                reason,
            )


def test_other_requests_are_the_ratios_on_both_signals(run: Run) -> None:
    """Without a reason of its own a request is kept exactly as its trace id says; records speak for
    themselves first.
    """
    for path in BY_RATIO:
        for answer, root in run.requests(path):
            verdict = "ratio" if keeps_by_ratio(int(root["trace_id"], 16), run.rate) else "none"
            assert root["attributes"]["sampling.reason"] == verdict
            assert answer["sampling.reason"] == ("severity" if path == "/status/401" else verdict)
            (arrival,) = run.of(answer["request_id"], "api_request")
            assert arrival["sampling.reason"] == verdict


def test_records_that_are_always_kept_say_so(run: Run) -> None:
    """A WARNING line is kept as `severity`, a business or security event as `event`, alone or with its
    request.
    """
    for answer, _ in run.requests("/line/WARNING"):
        assert [x["sampling.reason"] for x in run.of(answer["request_id"], None)] == ["severity"]
    for name in ("business_user_registered", "security_login_failed", "security_of_our_own"):
        for answer, _ in run.requests(f"/event/{name}"):
            assert [x["sampling.reason"] for x in run.of(answer["request_id"], name)] == ["event"]


def test_what_a_ratio_kept_request_leaves_says_ratio(run: Run) -> None:
    """All records and spans of a request that only the ratio judges give the same answer."""
    for answer, root in run.requests("/plain"):
        verdict = root["attributes"]["sampling.reason"]
        records = [x for x in run.logs if x.get("request_id") == answer["request_id"]]
        spans = [s["attributes"] for s in run.spans if s["trace_id"] == root["trace_id"]]
        assert len(records) >= 4
        assert len(spans) == 2
        assert {x["sampling.reason"] for x in (*records, *spans)} == {verdict}


def test_the_flag_of_outgoing_calls_is_the_ratios_verdict(run: Run) -> None:
    """The sampled flag in traceparent is what the ratio says of the trace, whatever keeps the request
    otherwise.
    """
    assert len(run.seen) == 30 + len(REMOTE)
    for request_id, parent in run.seen.items():
        _, trace_id, _, flag = parent.split("-")
        by_caller = {name: known == "01" for known, name in run.remote.items()}
        sampled = by_caller.get(request_id, keeps_by_ratio(int(trace_id, 16), run.rate))
        # The other bit of the flags says that the trace id is random.
        assert bool(int(flag, 16) & 1) is sampled


def test_a_callers_flag_rules_over_our_rate(run: Run) -> None:
    """With a traceparent from outside its flag is the ratio's answer, at any rate of ours, with weight 1."""
    for flag, reason in (("01", "ratio"), ("00", "none")):
        (answer,) = run.of(run.remote[flag], "api_response")
        assert answer["trace_id"] == REMOTE[flag].split("-")[1]
        assert (answer["sampling.reason"], answer["sampling.weight"]) == (reason, 1.0)


def test_work_outside_of_requests_is_judged_alone(run: Run) -> None:
    """A job's line agrees with its span, by trace id; outside of spans it is judged by event id; bind()
    changes none.
    """
    jobs = {
        span["span_id"]: span["attributes"]["sampling.reason"] for span in run.spans if span["name"] == "job"
    }
    lines = [x for x in run.logs if x["body"] == "job"]
    assert (len(jobs), len(lines)) == (30, 30)
    assert [x["sampling.reason"] for x in lines] == [jobs[x["span_id"]] for x in lines]
    alone = [x for x in run.logs if x["body"] == "job outside of spans"]
    kept = [keeps_by_ratio(int(x["event_id"], 16), run.rate) for x in alone]
    assert [x["sampling.reason"] == "ratio" for x in alone] == kept
    assert {x["sampling.reason"] for x in run.logs if x["body"] == "job warns"} == {"severity"}


def test_with_the_standard_sampler_off_events_and_metrics_are_complete(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """OTEL_TRACES_SAMPLER=always_off sends no span, but each event, with its fields, and exact metrics."""
    with stub() as port:
        env = {"OTEL_TRACES_SAMPLER": "always_off", "STUB": f"http://127.0.0.1:{port}/"}
        with serving(tmp_path_factory.mktemp("off"), "verdicts", env) as app:
            plain = [app.call("GET", "/plain")[0] for _ in range(5)]
            failed, _ = app.call("GET", "/boom")
            app.answered(failed)
    assert app.sink.spans == []
    for request_id in plain:
        lines = app.lines(request_id)
        assert {x.get("event_type") for x in lines} == {
            None,
            "api_request",
            "external_api_call",
            "api_response",
        }
        (call,) = (x for x in lines if x.get("event_type") == "external_api_call")
        assert (call["api_url"], call["status_code"]) == (f"http://127.0.0.1:{port}", 200)
    assert app.sink.total("api.requests.count", endpoint="/plain", status_code=200) == 5
    assert app.sink.total("external.calls.duration", service="127.0.0.1", status_class="2xx") == 5
    reasons = {x["request_id"]: x["sampling.reason"] for x in app.sink.events("api_response")}
    assert reasons == {**dict.fromkeys(plain, "none"), failed: "error"}
