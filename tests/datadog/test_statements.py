"""SQL that was redacted is SQL still: Datadog's statistics name each statement, and no secret of it."""

from __future__ import annotations

import time

import pytest
from collector.otlp_wire import post, span
from gateway import gateway
from harness.holds import holds

from tradewise_otel.catalogue.sensitive import MASK

SECRET = "hunter2hunter2"
STATEMENTS = {
    "long": f"SELECT id FROM users WHERE note = '{SECRET * 400}' AND id = 3",
    "masked": f"UPDATE users SET password = '{MASK}' WHERE id = 3",
    "named": f"UPDATE bots SET api_token = '{SECRET}' WHERE id = 3",
    "bare": f"UPDATE bots SET api_token = {SECRET} WHERE id = 3",
    "role": f"ALTER ROLE bot WITH PASSWORD '{SECRET}'",
    "cut": f"INSERT INTO users (name, secret) VALUES ('ada', '{SECRET}...[truncated]",
    "quoted": f"SELECT id FROM users WHERE name = 'it''s {SECRET}' AND x = \"y\"",
}
"""Statement by what is odd about its literals; each service sends one of them."""


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The resources of each service in the statistics and on the spans that Datadog has."""
    with gateway(tmp_path_factory.mktemp("statements")) as running:
        for service, statement in STATEMENTS.items():
            now = str(time.time_ns())
            database = {"db.system.name": "postgresql", "db.query.text": statement}
            times = {"startTimeUnixNano": now, "endTimeUnixNano": now}
            post(
                running.http,
                "traces",
                [span(3, name="query", status={"code": 2}, attributes=database, **times)],
                {"service.name": service},
            )
        running.wait(lambda datadog: {row.service for row in datadog.stats} >= STATEMENTS.keys())
        running.wait(lambda datadog: {one.service for one in datadog.spans} >= STATEMENTS.keys())
        seen = [*running.datadog.stats, *running.datadog.spans]
        return {name: {one.resource for one in seen if one.service == name} for name in STATEMENTS}


@holds("5.M2")
@pytest.mark.parametrize("service", STATEMENTS)
def test_a_statement_stays_one(resources: dict[str, set[str]], service: str) -> None:
    """What Datadog's parser makes of the statement is one resource that begins as the statement does."""
    (resource,) = resources[service]
    assert "Non-parsable" not in resource
    assert resource.split()[0] == STATEMENTS[service].split()[0]
    assert SECRET not in resource
