"""Every way to answer gives one `api_request` and one right `api_response` (contract 2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.holds import holds
from harness.script import run_script
from harness.traffic import Traffic, eventually, serving

pytestmark = holds("1.M3")

P95, P99 = 400, 900


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traffic]:
    """The app of all answers, with thresholds that a test can wait for."""
    env = {"TRADEWISE_P95_MS": str(P95), "TRADEWISE_P99_MS": str(P99)}
    with serving(tmp_path_factory.mktemp("answers"), "answers", env) as traffic:
        yield traffic


ANSWERS = {
    "a path parameter under two routers": ("GET", "/api/v1/bots/7", 200, "/api/v1/bots/{bot_id}", "INFO"),
    "401": ("GET", "/status/401", 401, "/status/{code}", "WARNING"),
    "403": ("GET", "/status/403", 403, "/status/{code}", "WARNING"),
    "429": ("GET", "/status/429", 429, "/status/{code}", "WARNING"),
    "404 of the app": ("GET", "/status/404", 404, "/status/{code}", "INFO"),
    "404 of nobody": ("GET", "/nobody/7", 404, "(unmatched)", "INFO"),
    "405": ("DELETE", "/page", 405, "/page", "INFO"),
    "422": ("GET", "/api/v1/bots/seven", 422, "/api/v1/bots/{bot_id}", "INFO"),
    "500 by HTTPException": ("GET", "/status/500", 500, "/status/{code}", "ERROR"),
    "503 by HTTPException": ("GET", "/status/503", 503, "/status/{code}", "ERROR"),
    "an exception": ("GET", "/boom", 500, "/boom", "ERROR"),
    "an exception in a mounted app": ("GET", "/sub/boom", 500, "/sub/boom", "ERROR"),
    "a mounted app": ("GET", "/sub/items/9", 200, "/sub/items/{item_id}", "INFO"),
    "404 of a mounted app": ("GET", "/sub/nobody", 404, "(unmatched)", "INFO"),
    "a mount with a parameter": (
        "GET",
        "/tenants/4/sub/items/9",
        200,
        "/tenants/{tenant}/sub/items/{item_id}",
        "INFO",
    ),
    "static files": ("GET", "/static/app.py", 200, "/static/{path}", "INFO"),
    "HEAD": ("HEAD", "/page", 200, "/page", "INFO"),
    "a redirect": ("GET", "/moved", 307, "/moved", "INFO"),
    "a threadpool endpoint": ("GET", "/threadpool/x", 200, "/threadpool/{name}", "INFO"),
    "a long body with its length": ("GET", "/long", 200, "/long", "INFO"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_is_told_once_with_status_route_and_level(app: Traffic, case: str) -> None:
    """Any kind of answer gives one api_response with its status, route template and level, and the span
    agrees.
    """
    method, path, status, route, level = ANSWERS[case]
    request_id, answer = app.call(method, path)
    line = app.answered(request_id)
    assert answer.status_code == line["status_code"] == status
    assert (line["method"], line["path"], line["route"], line["level"]) == (method, path, route, level)
    assert line["performance_status"] == "normal"
    assert (line["p95_threshold"], line["p99_threshold"]) == (P95, P99)
    assert "stream_duration_ms" not in line
    span = app.span(request_id)
    told = {
        key: span["attributes"][key] for key in ("event_type", "route", "status_code", "response_time_ms")
    }
    assert told == {key: line[key] for key in told}
    assert line["response_time_ms"] == pytest.approx((span["end"] - span["start"]) / 1e6, abs=0.001)
    assert answer.headers.get_list("x-request-id") == [request_id]


@pytest.mark.parametrize("path", ["/boom", "/sub/boom"])
def test_an_unhandled_exception_is_named_and_keeps_its_request(app: Traffic, path: str) -> None:
    """An exception that nobody catches gives error_type, ERROR, reason `error`, and a line with ids of the
    request.
    """
    request_id, _ = app.call("GET", path)
    response = app.answered(request_id)
    assert response["error_type"].endswith("Boom")
    assert app.record(response["event_id"])["sampling.reason"] == "error"
    assert app.span(request_id)["attributes"]["sampling.reason"] == "error"
    line = eventually(lambda: [x for x in app.lines(request_id) if "exception" in x])[0]
    assert (line["level"], line["exception"]["type"], line["trace_id"]) == (
        "ERROR",
        "Boom",
        response["trace_id"],
    )


def test_the_query_is_told_with_repeated_names_as_lists(app: Traffic) -> None:
    """query_params of api_request maps names to values, to a list where a name is repeated."""
    request_id, _ = app.call("GET", "/api/v1/bots/7?tag=a&tag=b&empty=&one=%C3%A9")
    app.answered(request_id)
    (request,) = (line for line in app.lines(request_id) if line.get("event_type") == "api_request")
    assert request["query_params"] == {"tag": ["a", "b"], "empty": "", "one": "é"}
    assert (request["method"], request["path"]) == ("GET", "/api/v1/bots/7")
    assert (request["client_ip"], request["user_agent"][:12]) == ("127.0.0.1", "python-httpx")


def test_a_post_with_a_body_is_told_without_it(app: Traffic) -> None:
    """A POST gives its api_response, and nothing of its body leaves."""
    line = app.response("POST", "/api/v1/bots/7", json={"note": "only-the-app-reads-this"})
    assert (line["method"], line["status_code"], line["route"]) == ("POST", 200, "/api/v1/bots/{bot_id}")
    assert "only-the-app-reads-this" not in app.app.stdout


def test_slow_answers_say_so_and_are_kept(app: Traffic) -> None:
    """Over the p95 threshold an answer is `slow`, over p99 `critical` and WARNING; both keep the request as
    slow.
    """
    for ms, status, level in ((P95 + 50, "slow", "INFO"), (P99 + 50, "critical", "WARNING")):
        request_id, _ = app.call("GET", f"/sleep/{ms}")
        line = app.answered(request_id)
        assert (line["performance_status"], line["level"]) == (status, level)
        assert line["response_time_ms"] >= ms
        assert app.record(line["event_id"])["sampling.reason"] == "slow"
        assert app.span(request_id)["attributes"]["sampling.reason"] == "slow"


def test_background_tasks_do_not_count_but_belong_to_the_request(app: Traffic) -> None:
    """A background task adds nothing to response_time_ms, and its lines carry the request's ids."""
    request_id, _ = app.call("GET", "/background")
    response = app.answered(request_id)
    assert response["response_time_ms"] < 450
    assert app.line(request_id, "background work is done")["trace_id"] == response["trace_id"]


def test_pipelined_requests_are_requests_of_their_own(app: Traffic) -> None:
    """Requests pipelined on one connection each get their own events, trace, id and error."""
    ids = [f"pipelined-{number}" for number in range(3)]
    paths = ("/page", "/threadpool/x", "/boom")
    text = "".join(
        f"GET {path} HTTP/1.1\r\nhost: app\r\nx-request-id: {name}\r\n\r\n"
        for name, path in zip(ids, paths, strict=True)
    )
    answer = app.raw(text.encode(), lambda so_far: so_far.count(b"x-request-id") == 3)
    assert [f"x-request-id: {name}".encode() in answer for name in ids] == [True] * 3
    lines = [app.answered(name) for name in ids]
    assert [line["status_code"] for line in lines] == [200, 200, 500]
    assert len({line["trace_id"] for line in lines}) == 3


def test_metrics_count_every_answer_once(app: Traffic) -> None:
    """api.requests.count and .duration have one entry an api_response, under its route, method and status."""
    for path in ("/page", "/status/404", "/nobody", "/boom"):
        app.response("GET", path)

    def told(metric: str) -> Counter[tuple[Any, ...]]:
        counts: Counter[tuple[Any, ...]] = Counter()
        for labels, count in app.sink.metric(metric):
            assert labels["status_class"] == f"{labels['status_code'] // 100}xx"
            counts[labels["endpoint"], labels["method"], labels["status_code"]] += int(count)
        return counts

    lines = [line for line in app.app.events("api_response") if not line["path"].startswith("/ws/")]
    expected = Counter((line["route"], line["method"], line["status_code"]) for line in lines)
    eventually(lambda: told("api.requests.count") == expected)
    assert told("api.requests.duration") == expected


NATIVE = """
import fastapi
apps = fastapi.FastAPI(), fastapi.FastAPI(telemetry={"exclude": None})
print([app._native_telemetry.enabled() for app in apps])
"""


def test_fastapis_own_telemetry_stays_out_of_the_way(tmp_path: Path) -> None:
    """No request goes through the telemetry that FastAPI brings along: contrib's middleware does the work."""
    pytest.importorskip("fastapi.telemetry", reason="this FastAPI does not trace by itself")
    ended = run_script(tmp_path, NATIVE)
    assert ended.code == 0, ended.stderr
    assert "[False, False]" in [line["message"] for line in ended.lines]
