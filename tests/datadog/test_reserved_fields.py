"""What an app logs never becomes Datadog's own status, service, source or host (2.M2)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gateway import gateway, gateway_role
from harness.app import App
from harness.holds import holds

from tradewise_otel.tools.standin.reserved import Log

SOURCE = """
import logging
from fastapi import FastAPI

log = logging.getLogger("app")
log.setLevel(logging.DEBUG)
app = FastAPI()
FIELDS = {"status": "ok", "source": "feed", "host": "exchange-1", "env": "paper", "level": "low"}

CALL = {"method": "GET", "endpoint": "/v1", "status_code": 200, "duration_ms": 1.5, "api_url": "http://x"}

@app.get("/levels")
async def levels() -> None:
    for name in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        log.log(getattr(logging, name), name.lower(), extra={**FIELDS, "service": "trading_bot"})
    log.info("typed", extra={"event_type": "external_api_call", "service": "exchange", **CALL, **FIELDS})
"""
STATUSES = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "critical": "critical"}


@pytest.fixture(scope="module", params=["", "datadog-exporter-only"], ids=lambda way: way or "default")
def logs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Log]]:
    """The lines of one request by their text, as Datadog has them."""
    folder = tmp_path_factory.mktemp("reserved")
    role = gateway_role(folder, [request.param] if request.param else [])
    with gateway(folder, role) as running:
        _ask(folder, running.http)
        running.wait(lambda datadog: any(log.message == "typed" for log in datadog.logs))
        yield {log.message: log for log in running.datadog.logs}


def _ask(folder: Path, otlp: str) -> None:
    (folder / "app.py").write_text(SOURCE, encoding="utf-8")
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp,
        "OTEL_SERVICE_NAME": "desk",
        "TRADEWISE_LOG_LEVEL": "DEBUG",
    }
    with App(folder, env=environ) as app:
        httpx.get(f"{app.url}/levels").raise_for_status()


@holds("2.M2")
@pytest.mark.parametrize("text", STATUSES)
def test_the_level_is_the_status(logs: dict[str, Log], text: str) -> None:
    """All five levels arrive as Datadog's status, whatever the record's own fields are called."""
    assert logs[text].status == STATUSES[text]


@holds("2.M2")
@pytest.mark.parametrize("text", [*STATUSES, "typed"])
def test_fields_do_not_take_reserved_ones_over(logs: dict[str, Log], text: str) -> None:
    """Service, source, host and env are those of the app, and its fields have names of their own."""
    log = logs[text]
    assert (log.service, log.source, log.env) == ("desk", "python", "development")
    assert log.host in ("", "unknown")
    for name in ("status", "host", "env"):
        assert log.attributes[f"event.{name}"]
    # The line has fields of these names already, so the app's own come after a prefix.
    assert (log.attributes["extra.source"], log.attributes["extra.level"]) == ("feed", "low")


@holds("2.M2")
def test_the_called_service_is_the_peer(logs: dict[str, Log]) -> None:
    """The documented `service` of a call arrives as @peer.service and @event.service."""
    called = logs["typed"].attributes
    assert (called["peer.service"], called["event.service"]) == ("exchange", "exchange")
    assert logs["info"].attributes["extra.service"] == "trading_bot"


@holds("2.M2")
def test_events_are_found_by_their_type(logs: dict[str, Log]) -> None:
    """@event_type and @retention_class arrive on a typed event."""
    assert logs["typed"].attributes["event_type"] == "external_api_call"
    assert logs["typed"].attributes["retention_class"] == "performance_logs"
