"""`bot_connection_test` in its three forms: one event an attempt, its metrics, the app's own exceptions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from harness.lines import assert_documented
from harness.pipeline import Pipeline

from tradewise_otel import running
from tradewise_otel.bots import bot_connection_test

URL = "http://192.168.1.100:8080"
INFO = {"state": "running", "trades_count": 15}


def by_block(error: BaseException | None) -> None:
    """An attempt in a `with`."""
    with bot_connection_test(URL, bot_id="bot-789") as test:
        if error is not None:
            raise error
        test.bot_info = INFO


def by_async_block(error: BaseException | None) -> None:
    """An attempt in an `async with`."""

    async def attempt() -> None:
        async with bot_connection_test(URL, bot_id="bot-789") as test:
            await asyncio.sleep(0)
            if error is not None:
                raise error
            test.bot_info = INFO

    asyncio.run(attempt())


@bot_connection_test()
def _connect(api_url: str, error: BaseException | None, *, bot_id: str) -> dict[str, Any]:
    if error is not None:
        raise error
    return INFO


@bot_connection_test()
async def _connect_async(api_url: str, error: BaseException | None, *, bot_id: str) -> dict[str, Any]:
    await asyncio.sleep(0)
    return _connect.__wrapped__(api_url, error, bot_id=bot_id)  # type: ignore[attr-defined,no-any-return]


FORMS: dict[str, Callable[[BaseException | None], Any]] = {
    "with": by_block,
    "async with": by_async_block,
    "function": lambda error: _connect(URL, error, bot_id="bot-789"),
    "coroutine": lambda error: asyncio.run(_connect_async(api_url=URL, error=error, bot_id="bot-789")),
}
each_form = pytest.mark.parametrize("attempt", FORMS.values(), ids=FORMS)


@each_form
def test_an_attempt_that_ends_is_a_success(attempt: Callable[..., Any], told: Pipeline) -> None:
    """One documented event with URL, id, time and what the bot said; one success in the metrics."""
    attempt(None)
    (line,) = told.lines
    assert_documented([line])
    assert (line["event_type"], line["level"]) == ("bot_connection_test_success", "INFO")
    assert line["message"] == "Bot connection test successful"
    assert (line["api_url"], line["bot_id"], line["bot_info"]) == (URL, "bot-789", INFO)
    assert 0 < line["total_duration_ms"] < 1000
    assert "error_type" not in line
    assert told.counts("bot.connections.count") == {(("status", "success"),): 1}


@each_form
@pytest.mark.parametrize(
    "error", [ConnectionError("no"), asyncio.CancelledError()], ids=lambda e: type(e).__name__
)
def test_an_exception_is_a_failure_and_the_apps_own(
    attempt: Callable[..., Any], error: BaseException, told: Pipeline
) -> None:
    """The app gets its very exception; the event names its class; one failure in the metrics."""
    with pytest.raises(type(error)) as raised:
        attempt(error)
    assert raised.value is error or isinstance(error, asyncio.CancelledError)
    (line,) = told.lines
    assert_documented([line])
    assert (line["event_type"], line["level"]) == ("bot_connection_test_failed", "ERROR")
    assert line["error_type"] == type(error).__name__
    assert told.counts("bot.connections.duration") == {(("status", "failure"),): 1}


def test_an_attempt_may_say_itself_that_it_failed(told: Pipeline) -> None:
    """Where no exception tells it, the app does, in its own word."""
    with bot_connection_test(URL) as test:
        test.failed("http_503")
    assert told.fields("event_type", "error_type", "bot_id") == [
        {"event_type": "bot_connection_test_failed", "error_type": "http_503"}
    ]


def test_what_the_app_says_goes_before_what_it_raises(told: Pipeline) -> None:
    """A web app answers with an exception of its framework; the event has the app's own word."""

    def answer() -> None:
        with bot_connection_test(URL) as test:
            test.failed("ReadTimeout")
            raise RuntimeError("502 Bad Gateway")

    with pytest.raises(RuntimeError):
        answer()
    assert told.fields("event_type", "error_type") == [
        {"event_type": "bot_connection_test_failed", "error_type": "ReadTimeout"}
    ]


def test_each_call_of_a_decorated_function_is_an_attempt_of_its_own(told: Pipeline) -> None:
    """Attempts at the same time keep their URLs apart; what the decorator names goes before the arguments."""

    @bot_connection_test(bot_id="fixed")
    async def attempt(api_url: str, bot_id: str = "other") -> None:
        await asyncio.sleep(0.01)

    async def both() -> None:
        await asyncio.gather(attempt("http://one"), attempt("http://two", bot_id="x"))

    asyncio.run(both())
    assert sorted(line["api_url"] for line in told.lines) == ["http://one", "http://two"]
    assert {line["bot_id"] for line in told.lines} == {"fixed"}


def test_a_token_in_what_the_bot_says_is_masked(told: Pipeline) -> None:
    """`bot_info` is redacted like any field, and credentials in the URL."""
    with bot_connection_test("http://me:pa55word@bots.example") as test:
        test.bot_info = {"api_token": "s3cr3t"}
    assert told.lines[0]["bot_info"] == {"api_token": "***REDACTED***"}
    assert "pa55word" not in str(told.lines)


def test_a_fault_of_ours_is_counted_and_the_attempt_goes_on(told: Pipeline) -> None:
    """A URL without a text is ours to bear, info that is no mapping is counted, a wrong call is the app's."""

    class Odd:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    with bot_connection_test(Odd()):
        pass
    with bot_connection_test(URL) as test:
        test.bot_info = 7  # type: ignore[assignment]
    assert told.ledger.count("dropped", reason="internal_error") == 1
    assert told.ledger.count("invalid") == 1
    assert [line["bot_info"] for line in told.lines if "bot_info" in line] == [7]
    with pytest.raises(TypeError, match="bot_id"):
        _connect(URL, None)  # type: ignore[call-arg]


@each_form
def test_without_a_pipeline_an_attempt_is_just_an_attempt(
    attempt: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is running: the outcome is the app's."""
    monkeypatch.setattr(running, "_running", None)
    assert attempt(None) in (None, INFO)
    with pytest.raises(LookupError):
        attempt(LookupError())
