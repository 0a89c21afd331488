"""SQLAlchemy under the launcher: what fails is seen once, kept, and gives no secret away (1.M2)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from harness.database import DatabaseApp
from harness.holds import holds

from tradewise_otel.tools.ports import free_port

FLAVOURS = ("sync", "async", "config")
FAILING = {
    "integrity": ("INSERT", "users", "IntegrityError"),
    "no_such_table": ("SELECT", "missing", "OperationalError"),
    "syntax": ("SELEC", None, "OperationalError"),
}
CONNECTIONS = {
    "/exhausted/sync": ("small.db", "TimeoutError"),
    "/exhausted/async": ("small.db", "TimeoutError"),
    "/unreachable/sync": ("/no-such-folder/x.db", "OperationalError"),
    "/unreachable/async": ("/no-such-folder/x.db", "OperationalError"),
    "/unreachable/session": ("/no-such-folder/x.db", "OperationalError"),
    "/unreachable/refused": ("shop", "OperationalError"),
    "/unreachable/lost": ("gone", "OperationalError"),
}
NEVER_LEAVES = (b"hunter2", b"hunter3", b"bound-s3cret", b"424242")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseApp]:
    """One running app for the module; the ratio keeps nothing there, so what is kept has a reason."""
    with DatabaseApp(tmp_path_factory.mktemp("failures"), {"TRADEWISE_SAMPLE_RATE": "0"}) as app:
        yield app


def verdict(database: DatabaseApp, request_id: str) -> str:
    """Why a request was kept, as its server span says."""
    roots = [s for s in database.sink.spans if s["attributes"].get("request_id") == request_id]
    return str(next(s for s in roots if s["parent_span_id"] == "")["attributes"]["sampling.reason"])


@holds("1.M2")
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("name", sorted(FAILING))
def test_a_failing_statement_is_one_error_and_keeps_its_request(
    database: DatabaseApp, flavour: str, name: str
) -> None:
    """A statement that fails is one ERROR event with the error's type and text, and its request is kept."""
    database.reset(flavour)
    request_id = database.post(f"/run/{flavour}/{name}?tenant=acme")
    (line,) = database.lines(request_id)
    assert (line["operation"], line.get("table"), line["error_type"]) == FAILING[name]
    assert line["level"] == "ERROR"
    assert line["error_message"]
    assert line["tenant_id"] == "acme"
    (span,) = database.spans(request_id)
    assert span["status"] == 2
    assert verdict(database, request_id) == "event"


@holds("1.M2")
def test_a_statement_that_succeeds_keeps_nothing(database: DatabaseApp) -> None:
    """Without a failure the ratio alone decides, and here it keeps nothing."""
    request_id = database.post("/run/sync/select")
    database.spans(request_id)
    assert verdict(database, request_id) == "none"


@holds("1.M2")
@pytest.mark.parametrize("path", sorted(CONNECTIONS))
def test_a_connection_that_fails_is_told_once(database: DatabaseApp, path: str) -> None:
    """Pool exhaustion, failed and lost connections give one database_connection_error each, and are kept."""
    request_id = database.post(f"{path}?port={free_port()}")
    (line,) = database.lines(request_id, "database_connection_error")
    assert (line["database"], line["error_type"]) == CONNECTIONS[path]
    assert line["level"] == "ERROR"
    assert line["error_message"]
    assert line["duration_ms"] >= (90 if "exhausted" in path else 0)
    assert len(database.spans(request_id)) == 1
    assert verdict(database, request_id) == "event"


@holds("1.M2")
def test_a_cancelled_statement_is_no_lost_connection(database: DatabaseApp) -> None:
    """A caller's timeout ends the statement's span with an error and counts no connection as lost."""
    request_id = database.post("/cancel")
    (line,) = database.lines(request_id)
    assert (line["level"], line["error_type"]) == ("ERROR", "CancelledError")
    assert database.lines(request_id, "database_connection_error") == []


@holds("1.M2")
def test_rows_that_fail_add_no_noise(database: DatabaseApp) -> None:
    """A failure while rows are fetched leaves the statement's one event and no warning of upstream's."""
    request_id = database.post("/fetch")
    assert len(database.lines(request_id)) == 1
    assert [line for line in database.app.lines if line["logger_name"].startswith("opentelemetry")] == []


@holds("1.M2")
def test_secrets_and_bound_parameters_never_leave(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Literals and bound parameters are neither on stdout nor in OTLP, whether statements work or fail."""
    with DatabaseApp(tmp_path_factory.mktemp("secrets")) as database:
        for flavour in FLAVOURS:
            for name in (
                "literal",
                "literal_secret",
                "bound_secret",
                "integrity",
                "no_such_table",
                "bad_path",
            ):
                database.post(f"/run/{flavour}/{name}")
        database.post("/unreachable/refused")
    assert leaks(database) == []


@holds("1.M2")
def test_an_unhandled_error_keeps_its_parameters_to_itself(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A database error that nobody handles leaves without the parameters that SQLAlchemy adds to its text."""
    with DatabaseApp(tmp_path_factory.mktemp("unhandled")) as database:
        database.post("/raise", status=500)
    assert leaks(database) == []


def leaks(database: DatabaseApp) -> list[str]:
    """The lines and records that give something away; once over the raw bytes, to miss none."""
    told = [json.dumps(item) for item in (*database.app.lines, *database.sink.logs, *database.sink.spans)]
    found = [text for text in told if any(secret.decode() in text for secret in NEVER_LEAVES)]
    left = database.app.stdout.encode() + b"".join(database.sink.raw)
    return found or [secret.decode() for secret in NEVER_LEAVES if secret in left]


@holds("1.M2")
def test_the_metric_counts_each_connection_error(tmp_path_factory: pytest.TempPathFactory) -> None:
    """`db.connection.errors` counts one a failure, by database, and no engine leaks a span."""
    with DatabaseApp(tmp_path_factory.mktemp("metric")) as database:
        for path in CONNECTIONS:
            database.post(path)
        counts = database.counts()
    assert sorted(counts["started"]) == sorted(counts["ended"])
    assert database.sink.total("db.connection.errors") == len(CONNECTIONS)
    assert database.sink.total("db.connection.errors", database="small.db") == 2
    assert len(database.app.events("database_connection_error")) == len(CONNECTIONS)
