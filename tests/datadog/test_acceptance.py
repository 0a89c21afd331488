"""`datadog acceptance` against the stand-ins of intake and API: a verdict a field, by both exporters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway import KEY, URLS, definitions
from harness.organisation import APP_KEY, Organisation

from tradewise_otel.tools.cli.main import main
from tradewise_otel.tools.datadog.acceptance import SEARCH
from tradewise_otel.tools.standin.received import Received
from tradewise_otel.tools.standin.reserved import Log
from tradewise_otel.tools.standin.server import StandIn

_STATUSES = {"warning": "warn"}


@pytest.fixture
def organisation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Organisation]:
    """An organisation whose log search answers with what its intake has taken."""
    with StandIn(tmp_path / "recording", api_key=KEY) as intake, Organisation() as running:
        received = Received(intake.recording, definitions())
        running.more[SEARCH] = lambda body: {"data": _search(received.refresh(), body["filter"]["query"])}
        environ = {**running.environ, "DD_API_KEY": KEY, "DD_APP_KEY": APP_KEY}
        for name, value in {**environ, **dict.fromkeys(URLS, intake.url)}.items():
            monkeypatch.setenv(name, value)
        yield running


def _search(received: Received, query: str) -> list[dict[str, Any]]:
    mark = query.partition(":")[2]
    return [_answer(log) for log in received.logs if log.attributes.get("acceptance_id") == mark]


def _answer(log: Log) -> dict[str, Any]:
    own = {"attributes": log.attributes, "tags": list(log.tags), "message": log.message}
    own |= {"service": log.service, "status": _STATUSES.get(log.status, log.status)}
    return {"id": "x", "type": "log", "attributes": own}


def test_both_exporters_are_accepted(organisation: Organisation, capsys: pytest.CaptureFixture[str]) -> None:
    """All fields of ten records are as in the contract, by `otlp_http` and by Datadog's own exporter."""
    assert main(["datadog", "acceptance", "--patience", "30"]) == 0, capsys.readouterr().out
    told = capsys.readouterr().out
    assert "WRONG" not in told
    assert told.count("fields as in the contract") == 2


def test_an_organisation_that_does_otherwise_is_found_out(
    organisation: Organisation, capsys: pytest.CaptureFixture[str]
) -> None:
    """A renamed attribute and a lost record are told by field and event; the exit code is 1."""
    taken = organisation.more[SEARCH]

    def otherwise(body: Any) -> Any:
        found = [
            log
            for log in taken(body)["data"]
            if log["attributes"]["attributes"]["event_type"] != "api_request"
        ]
        for log in found:
            log["attributes"]["attributes"] = {
                name: value for name, value in log["attributes"]["attributes"].items() if name != "bot.status"
            }
        return {"data": found}

    organisation.more[SEARCH] = otherwise
    assert main(["datadog", "acceptance", "--patience", "1"]) == 1
    told = capsys.readouterr().out
    assert told.count("WRONG api_request the record itself: None") == 2
    assert told.count("WRONG bot_health_check @bot.status: None, must be 'healthy'") == 2
