"""Every httpx call gives one `external_api_call` and its metrics, and strangers see none of our headers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from harness.holds import holds
from harness.stub import full_port, stub
from harness.traffic import Traffic, eventually, serving

from tradewise_otel.tools.ports import free_port

pytestmark = holds("1.M3")

OURS = {"traceparent", "tracestate", "x-request-id"}
BOTS = "bots.example, *.fleet.example, 127.0.0.2/31"


class Caller:
    """The calling app, and the stranger that it calls."""

    def __init__(self, traffic: Traffic, port: int) -> None:
        self.traffic = traffic
        self.port = port

    def call(
        self, url: str, mode: str = "async", **order: Any
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Has the app call a URL, `{port}` filled in: what came of it, and its events in order."""
        order["url"] = url.format(port=self.port)
        request_id, answer = self.traffic.call("POST", f"/{mode}", json=order)
        self.traffic.answered(request_id)
        lines = self.traffic.lines(request_id)
        return answer.json(), [line for line in lines if line.get("event_type") == "external_api_call"]

    def seen(self, url: str, mode: str = "async", **order: Any) -> dict[str, str]:
        """The headers that the called one saw."""
        headers: dict[str, str] = self.call(url, mode, **order)[0]["seen"]
        return headers


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """The calling app and its stub."""
    env = {"TRADEWISE_BOT_HOSTS": BOTS, "TRADEWISE_REQUEST_ID_HOSTS": "partner.example"}
    # The app resolves names itself, which uvloop would pass by.
    env["UVICORN_LOOP"] = "asyncio"
    with stub() as port, serving(tmp_path_factory.mktemp("caller"), "caller", env) as traffic:
        yield Caller(traffic, port)


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(
    ("status", "level"), [(200, "INFO"), (201, "INFO"), (404, "INFO"), (500, "ERROR"), (503, "ERROR")]
)
def test_an_answered_call_is_told_once(caller: Caller, mode: str, status: int, level: str) -> None:
    """A call that is answered gives one event with status, endpoint, URL and duration; 5xx is ERROR."""
    _, (event,) = caller.call(
        f"http://127.0.0.1:{{port}}/status/{status}", mode, method="POST" if status == 404 else "GET"
    )
    assert (event["status_code"], event["level"], event["service"]) == (status, level, "127.0.0.1")
    assert (event["method"], event["endpoint"]) == ("POST" if status == 404 else "GET", f"/status/{status}")
    assert event["api_url"] == f"http://127.0.0.1:{caller.port}"
    assert event["duration_ms"] > 0
    assert event["emitter"] == "tradewise-backend"
    assert "error_type" not in event


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("failure", ["ConnectError", "ReadTimeout", "ConnectTimeout", "unknown name"])
def test_a_failed_call_is_told_once_with_its_error(caller: Caller, mode: str, failure: str) -> None:
    """A refused, timed-out or unresolvable call gives one ERROR event with error_type and no status, and is
    kept.
    """
    with full_port() as full:
        urls = {
            "ConnectError": f"http://127.0.0.1:{free_port()}/refused",
            "ReadTimeout": "http://127.0.0.1:{port}/slow",
            "ConnectTimeout": f"http://127.0.0.1:{full}/full",
            "unknown name": "http://nobody.invalid/dns",
        }
        outcome, (event,) = caller.call(urls[failure], mode, timeout=0.3)
    expected = "ConnectError" if failure == "unknown name" else failure
    assert outcome == {"failed": expected}
    assert (event["error_type"], event["level"]) == (expected, "ERROR")
    assert "status_code" not in event
    assert caller.traffic.record(event["event_id"])["sampling.reason"] == "severity"


def test_a_call_that_is_given_up_is_a_failure(caller: Caller) -> None:
    """A call cancelled by asyncio's own timeout gives an ERROR event with error_type."""
    outcome, (event,) = caller.call("http://127.0.0.1:{port}/slow", patience=0.2)
    assert outcome == {"failed": "TimeoutError"}
    assert (event["error_type"], event["level"]) == ("CancelledError", "ERROR")


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("bots.example", "trading_bot"),
        ("BOTS.example", "trading_bot"),
        ("seven.fleet.example", "trading_bot"),
        ("127.0.0.3", "trading_bot"),
        ("127.0.0.4", "127.0.0.4"),
        ("fleet.example", "fleet.example"),
        ("xbots.example", "xbots.example"),
        ("bots.example.evil.example", "bots.example.evil.example"),
    ],
)
def test_the_service_is_trading_bot_for_bot_hosts_only(caller: Caller, host: str, service: str) -> None:
    """Calls to a bot host by name, wildcard or CIDR are of `trading_bot`, others of their host; the span
    agrees.
    """
    _, (event,) = caller.call(f"http://{host}:{{port}}/status/200")
    assert event["service"] == service
    spans = caller.traffic.sink
    (span,) = eventually(lambda: [s for s in spans.spans if s["span_id"] == event["span_id"]])
    assert span["attributes"]["peer.service"] == service
    assert "service" not in span["attributes"]


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "bots.example", "a.fleet.example", "partner.example"]
)
def test_known_hosts_get_our_headers(caller: Caller, mode: str, host: str) -> None:
    """Loopback, bot and allow-listed hosts get traceparent of this call and the request's id, but no
    baggage.
    """
    url = f"http://{host}:{{port}}/status/200"
    outcome, (event,) = caller.call(url, mode)
    seen = outcome["seen"]
    assert seen["x-request-id"] == event["request_id"]
    assert seen["traceparent"].split("-")[1:3] == [event["trace_id"], event["span_id"]]
    assert "baggage" not in seen


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(
    "host", ["stranger.example", "partner.example.stranger.example", "xpartner.example", "2130706433"]
)
def test_strangers_get_none_of_our_headers(caller: Caller, mode: str, host: str) -> None:
    """A foreign name gets no header of ours, wherever it resolves to."""
    assert not {*OURS, "baggage"} & set(caller.seen(f"http://{host}:{{port}}/status/200", mode))


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_redirect_to_a_stranger_loses_our_headers(caller: Caller, mode: str) -> None:
    """A redirect from a known host to a foreign one leaves our headers behind; each hop is an event."""
    to = f"http://stranger.example:{caller.port}/status/200"
    outcome, events = caller.call(f"http://127.0.0.1:{{port}}/go?to={to}", mode)
    assert not {*OURS, "baggage"} & set(outcome["seen"])
    assert [event["status_code"] for event in events] == [302, 200]


def test_the_apps_own_header_to_a_stranger_stays(caller: Caller) -> None:
    """A header that the app itself sets for a foreign host is left alone."""
    assert (
        caller.seen("http://stranger.example:{port}/status/200", headers={"x-request-id": "mine"})[
            "x-request-id"
        ]
        == "mine"
    )


def test_secrets_in_urls_do_not_leave(caller: Caller) -> None:
    """User info, secret query values and tokens in the path leave in no line, record, span or metric."""
    bot_token = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
    url = f"http://bob:hunter2hunter2@127.0.0.1:{{port}}/bot{bot_token}/send?token=s3cr3t-query&api_key=k3y-query&side=buy"
    _, (event,) = caller.call(url)
    door = caller.traffic.sink
    eventually(lambda: [s for s in door.spans if s["span_id"] == event["span_id"]])
    eventually(
        lambda: [x for x, _ in door.metric("external.calls.duration") if x["endpoint"].endswith("/send")]
    )
    left = b"".join(door.raw) + caller.traffic.app.stdout.encode()
    for secret in ("hunter2hunter2", "s3cr3t-query", "k3y-query", bot_token, bot_token.partition(":")[2]):
        assert secret.encode() not in left
    assert event["api_url"] == f"http://127.0.0.1:{caller.port}"


def test_metrics_count_every_call_and_template_ids(caller: Caller) -> None:
    """external.calls.duration and http.client.request.duration count each call once, with ids in tags
    templated.
    """
    caller.call("http://bots.example:{port}/v1/bots/7731/orders/0b9dd7a2-5f4e-4a5b-9a3c-1f3f7f0a2b11")
    caller.call(f"http://127.0.0.1:{free_port()}/refused")
    door, events = caller.traffic.sink, caller.traffic.app.events("external_api_call")

    def told() -> Counter[tuple[str, str]]:
        counts: Counter[tuple[str, str]] = Counter()
        for labels, count in door.metric("external.calls.duration"):
            counts[labels["service"], labels["status_class"]] += int(count)
        return counts

    classes = [f"{event['status_code'] // 100}xx" if "status_code" in event else "error" for event in events]
    expected = Counter(zip((event["service"] for event in events), classes, strict=True))
    eventually(lambda: told() == expected)
    assert door.total("http.client.request.duration") == len(events)
    assert (
        door.total("external.calls.duration", service="trading_bot", endpoint="/v1/bots/{id}/orders/{id}")
        >= 1
    )
