"""Profiled calls inside requests: events, spans, ids, verdicts (Performance Analysis)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from harness.app import App
from harness.lines import assert_documented
from harness.stub import stub
from harness.traffic import Traffic, eventually, serving

INTERNAL, CLIENT, ERROR = 1, 3, 2


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traffic]:
    """The app of profiled functions, where the ratio keeps nothing."""
    env = {"TRADEWISE_SAMPLE_RATE": "0"}
    with serving(tmp_path_factory.mktemp("profiled"), "profiled", env) as traffic:
        yield traffic


def _profiled(app: Traffic, request_id: str, operation: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Line and span of the one profiled call of a name within a request."""
    # A dependency that yields may end after the answer.
    (line,) = eventually(lambda: [x for x in app.lines(request_id) if x.get("operation") == operation])
    assert_documented([line])
    (span,) = eventually(lambda: [s for s in app.sink.spans if s["span_id"] == line["span_id"]])
    assert (span["name"], span["kind"], span["scope"]) == (operation, INTERNAL, "tradewise_otel")
    assert span["trace_id"] == line["trace_id"]
    return line, span


def test_a_call_is_an_event_and_a_span(app: Traffic) -> None:
    """Both say the same, belong to the request and its user, and the span is a child of the request's."""
    request_id, answer = app.call("GET", "/orders/4")
    assert answer.json() == 6.0
    line, span = _profiled(app, request_id, "price")
    assert (line["event_type"], line["status"], line["level"]) == ("performance_metric", "success", "INFO")
    assert (line["user_id"], line["tenant_id"]) == ("u1", "t1")
    assert span["parent_span_id"] == app.span(request_id)["span_id"]
    attributes = span["attributes"]
    assert (attributes["event_type"], attributes["operation"]) == ("performance_metric", "price")
    assert attributes["duration_ms"] == line["duration_ms"]
    assert (attributes["event.status"], attributes["user_id"]) == ("success", "u1")
    assert "status" not in attributes
    assert app.line(request_id, "pricing 4")["span_id"] == span["span_id"]


def test_a_dependency_that_yields_lasts_until_the_answer(app: Traffic) -> None:
    """A generator dependency works as before, its event comes with its end, its span is nobody's parent."""
    request_id, _ = app.call("GET", "/orders/5")
    line, span = _profiled(app, request_id, "session")
    price, inner = _profiled(app, request_id, "price")
    assert line["duration_ms"] >= price["duration_ms"]
    assert inner["parent_span_id"] != span["span_id"]


def test_a_failure_keeps_its_request(app: Traffic) -> None:
    """ERROR, the text redacted, the exception on the span; the request is kept, whatever its status."""
    request_id, answer = app.call("GET", "/fails")
    assert answer.status_code == 200
    line, span = _profiled(app, request_id, "fill")
    assert (line["status"], line["level"]) == ("error", "ERROR")
    assert line["error"] == "password=***REDACTED*** is wrong"
    assert (span["status"], span["events"][0]["exception.type"]) == (ERROR, "ValueError")
    response = app.answered(request_id)
    assert app.record(response["event_id"])["sampling.reason"] == "event"
    assert app.span(request_id)["attributes"]["sampling.reason"] == "event"
    assert b"s3cr3t-word" not in b"".join(app.sink.raw)
    assert "s3cr3t-word" not in app.app.stdout


def test_a_timeout_is_no_failure_of_the_call(app: Traffic) -> None:
    """A coroutine that is cancelled says so, at INFO, with the time that it had."""
    request_id, answer = app.call("GET", "/timeout")
    assert answer.json() == "gave up"
    line, span = _profiled(app, request_id, "wait")
    assert (line["status"], line["cancelled"], line["level"]) == ("success", True, "INFO")
    assert 40 <= line["duration_ms"] < 5000
    assert span["status"] != ERROR


def test_a_stream_is_one_call(app: Traffic) -> None:
    """An async generator that is the body of an answer gives one event, and all of its rows."""
    request_id, answer = app.call("GET", "/rows")
    assert answer.text == "abc"
    assert _profiled(app, request_id, "rows")[0]["status"] == "success"


def test_calls_within_calls_are_parents_and_children(app: Traffic) -> None:
    """Endpoint, block and outgoing call are one branch of the trace."""
    with stub() as port:
        request_id, answer = app.call("GET", f"/nested?to=http://127.0.0.1:{port}/x")
    assert answer.json() == 200
    (_, endpoint), (_, call) = (_profiled(app, request_id, name) for name in ("endpoint", "call"))
    assert endpoint["parent_span_id"] == app.span(request_id)["span_id"]
    assert call["parent_span_id"] == endpoint["span_id"]
    children = eventually(lambda: [s for s in app.sink.spans if s["parent_span_id"] == call["span_id"]])
    assert [child["kind"] for child in children] == [CLIENT]


def test_the_same_app_runs_bare(tmp_path: Path) -> None:
    """Without the launcher every answer is the same, and nothing is said."""
    shutil.copy(Path(__file__).parents[1] / "harness" / "apps" / "profiled.py", tmp_path / "app.py")
    with App(tmp_path, launcher=False) as bare, httpx.Client(base_url=bare.url, timeout=20) as client:
        answers = [client.get(path).text for path in ("/orders/4", "/fails", "/rows", "/timeout")]
        assert answers == ["6.0", "null", "abc", '"gave up"']
        assert "performance_metric" not in bare.stdout
