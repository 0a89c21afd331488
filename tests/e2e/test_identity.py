"""Who is asking is on all that a request leaves behind, and on nothing of anybody else's (contract 5)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from harness.holds import holds
from harness.stub import stub
from harness.traffic import Traffic, eventually, serving

from tradewise_otel.redact.pseudonym import pseudonym

pytestmark = holds("1.M7")

KEY = "the key of the pseudonyms"
IDENTITY = ("user_id", "tenant_id", "session_id")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traffic]:
    """The app that learns identities; its stragglers lose theirs after 0.6 s."""
    with stub() as port:
        env = {"TRADEWISE_PSEUDONYM_KEY": KEY, "STUB": f"http://127.0.0.1:{port}/"}
        with serving(tmp_path_factory.mktemp("identity"), "identity", env) as traffic:
            yield traffic


def _headers(user: str) -> dict[str, str]:
    return {"x-user_id": f"user-{user}", "x-tenant_id": f"tenant-{user}", "x-session_id": f"session-{user}"}


def _expected(user: str) -> dict[str, str]:
    session = pseudonym(f"session-{user}", KEY.encode())
    return {"user_id": f"user-{user}", "tenant_id": f"tenant-{user}", "session_id": session}


def _identity(record: dict[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in IDENTITY if name in record}


def _spans(app: Traffic, request_id: str, *names: str) -> list[dict[str, Any]]:
    """All spans of a request, once those with these names are among them."""

    def found() -> list[dict[str, Any]]:
        spans = [s for s in app.sink.spans if s["attributes"].get("request_id") == request_id]
        return spans if set(names) <= {span["name"] for span in spans} else []

    return eventually(found)


@pytest.mark.parametrize(
    "path",
    ["threadpool-dependency", "async-dependency", "endpoint", "threadpool-endpoint", "state", "extra"],
)
def test_identity_is_on_all_that_follows(app: Traffic, path: str) -> None:
    """Identity from any source is on api_request, later lines, database and call events, api_response and
    spans.
    """
    request_id, _ = app.call("GET", f"/{path}", headers=_headers(path))
    app.answered(request_id)
    lines = app.lines(request_id)
    types = {line.get("event_type") for line in lines}
    assert {"api_request", "database_operation", "external_api_call", "api_response", None} <= types
    assert {line["message"]: _identity(line) for line in lines} == {
        line["message"]: _expected(path) for line in lines
    }
    for span in _spans(app, request_id, "own work", f"GET /{path}"):
        assert _identity(span["attributes"]) == _expected(path), span["name"]
    app.record(lines[-1]["event_id"])
    records = [x for x in app.sink.logs if x.get("request_id") == request_id]
    assert [_identity(record) for record in records] == [_expected(path)] * len(records)


def test_an_unknown_user_leaves_no_keys(app: Traffic) -> None:
    """Where nobody is known the ids are absent, not empty, also after somebody else's request on the
    connection.
    """
    with httpx.Client(base_url=app.app.url) as client:
        client.get("/endpoint", headers=_headers("before"))
        request_id = client.get("/nobody").headers["x-request-id"]
        app.answered(request_id)
    assert [_identity(line) for line in app.lines(request_id)] == [{}] * len(app.lines(request_id))
    for span in _spans(app, request_id, "own work", "GET /nobody"):
        assert _identity(span["attributes"]) == {}


def test_nothing_leaks_between_requests_in_turns(tmp_path: Path) -> None:
    """200 requests of 200 users, 20 at a time over kept connections: each line and span has its own user
    only.
    """

    async def all_of_them(url: str) -> list[str]:
        limits = httpx.Limits(max_connections=20, max_keepalive_connections=20)
        async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as client:
            answers = await asyncio.gather(
                *(client.get(f"/mixed/{n}", headers=_headers(f"m{n}")) for n in range(200))
            )
            return [answer.headers["x-request-id"] for answer in answers]

    with serving(tmp_path, "identity", {"TRADEWISE_PSEUDONYM_KEY": KEY}) as app:
        owners = {request_id: f"m{n}" for n, request_id in enumerate(asyncio.run(all_of_them(app.app.url)))}
    lines = [line for line in app.app.lines if "request_id" in line]
    spans = [span["attributes"] for span in app.sink.spans]
    assert (len(lines), len(spans)) == (200 * 8, 200 * 5)
    for record in (*lines, *spans):
        assert _identity(record) == _expected(owners[record["request_id"]]), record


def test_pipelined_requests_do_not_share_a_user(app: Traffic) -> None:
    """A request pipelined behind another's does not inherit its user."""
    text = (
        b"GET /endpoint HTTP/1.1\r\nhost: a\r\nx-request-id: first-of-two\r\nx-user_id: bob\r\n\r\n"
        b"GET /nobody HTTP/1.1\r\nhost: a\r\nx-request-id: second-of-two\r\n\r\n"
    )
    app.raw(text, lambda so_far: so_far.count(b'"done"') == 2)
    assert app.answered("first-of-two")["user_id"] == "bob"
    app.answered("second-of-two")
    assert [line for line in app.lines("second-of-two") if "user_id" in line] == []


def test_sessions_leave_only_as_pseudonyms(app: Traffic) -> None:
    """session_id is 16 hex digits, equal for equal sessions, different for others; the clear one never
    leaves.
    """
    told = [
        app.response("GET", "/extra", headers=_headers(user))["session_id"] for user in ("s1", "s1", "s2")
    ]
    assert [bool(re.fullmatch("[0-9a-f]{16}", session)) for session in told] == [True] * 3
    assert told[0] == told[1] != told[2]
    assert told[0] == pseudonym("session-s1", KEY.encode())
    left = app.app.stdout.encode() + b"".join(app.sink.raw)
    assert re.findall(rb"session-\w+", left) == []


def test_pseudonyms_survive_a_restart_without_a_setting(tmp_path: Path) -> None:
    """Without a key in the settings one is made and kept, so that a restarted app gives the same
    pseudonyms.
    """
    told = []
    for _ in range(2):
        with serving(tmp_path, "identity") as traffic:
            told.append(traffic.response("GET", "/endpoint", headers=_headers("r"))["session_id"])
        (tmp_path / "stdout.txt").unlink()
    assert told[0] == told[1] != pseudonym("session-r", b"")


def test_a_straggler_loses_user_and_verdict_but_keeps_the_request_id(app: Traffic) -> None:
    """What a task does long after its request keeps request_id and trace, but not user, tenant, session,
    verdict.
    """
    request_id, _ = app.call("GET", "/straggler", headers=_headers("gone"))
    response = app.answered(request_id)
    early, late = app.line(request_id, "early"), app.line(request_id, "late")
    assert _identity(early) == _expected("gone")
    assert _identity(late) == {}
    assert late["trace_id"] == early["trace_id"] == response["trace_id"]
    reasons = [app.record(line["event_id"])["sampling.reason"] for line in (response, early, late)]
    assert reasons == ["severity", "severity", "ratio"]
    again = app.line(request_id, "bound again")
    assert _identity(again) == {"user_id": "somebody-new"}
    (statement,) = (x for x in app.lines(request_id) if x.get("event_type") == "database_operation")
    assert _identity(statement) == {}
    spans = {span["name"]: span["attributes"] for span in _spans(app, request_id, "late work")}
    assert _identity(spans["late work"]) == {"user_id": "somebody-new"}
    assert spans["late work"]["sampling.reason"] == "ratio"
