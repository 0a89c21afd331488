"""The shipped resources are right, and what is wrong with others is said by name (6.M1, 6.M4)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from harness.holds import holds

from tradewise_otel.assets import datadog_dir, repository_root
from tradewise_otel.tools.datadog import known
from tradewise_otel.tools.datadog.checking import check
from tradewise_otel.tools.datadog.folder import Resource

Spoil = Callable[[dict[str, Any]], object]


def _query(old: str, new: str) -> Spoil:
    return lambda body: body.update(query=body["query"].replace(old, new))


def _tile(number: int, old: str, new: str) -> Spoil:
    def spoil(body: dict[str, Any]) -> None:
        widget = json.dumps(body["widgets"][number])
        assert old in widget
        body["widgets"][number] = json.loads(widget.replace(old, new))

    return spoil


FAULTS: list[tuple[str, Spoil, str]] = [
    ("monitors/high_error_rate", lambda b: b.update(type="query alrt"), "'query alrt' is no MonitorType"),
    ("monitors/high_error_rate", lambda b: b["options"].update(criticl=1), "MonitorOptions has no such key"),
    (
        "monitors/high_error_rate",
        lambda b: b["options"]["thresholds"].update(criticl=1),
        "thresholds.criticl",
    ),
    ("monitors/high_error_rate", lambda b: b.pop("query"), "missing"),
    ("monitors/high_error_rate", lambda b: b.update(priority="high"), "priority"),
    ("monitors/high_error_rate", lambda b: b["options"]["thresholds"].update(critical=7), "threshold is 7"),
    ("monitors/high_error_rate", _query("> 5", "> 6"), "the query compares with 6"),
    (
        "monitors/high_error_rate",
        _query("api.requests.count{", "api.request.count{"),
        "no metric api.request.count",
    ),
    ("monitors/high_error_rate", _query("status_class", "status_klass"), "no tag status_klass"),
    ("monitors/high_error_rate", _query("{service}", "{sevrice}"), "no tag sevrice"),
    ("monitors/high_error_rate", _query("100 * (", "100 * (("), "expected `)`"),
    ("monitors/high_error_rate", _query(".as_count()", ".as_rate()"), "no function but .as_count()"),
    ("monitors/high_error_rate", _query("sum:", "mean:"), "an aggregator"),
    ("monitors/high_error_rate", _query(".as_count()", ""), ".as_count() is for counts"),
    (
        "monitors/slow_response_time",
        _query("duration", "count"),
        "p95 of api.requests.count, which is a count",
    ),
    ("monitors/security_breach_attempt", _query("@ip_address", "@ip_adress"), "no attribute @ip_adress"),
    ("monitors/security_breach_attempt", _query("@event_type", "@event_tipe"), "no attribute @event_tipe"),
    ("monitors/security_breach_attempt", _query("env:", "stage:"), "stage is no tag of records"),
    ("monitors/security_breach_attempt", _query("@event_type:", "(@event_type:"), "unbalanced brackets"),
    ("monitors/security_breach_attempt", _query("rollup", "rollip"), 'no `logs("…")'),
    ("monitors/security_breach_attempt", _query("security_login_failed", "api_response"), "sampled out"),
    ("monitors/api_latency-slow-burn", _query("30m", "30"), "no `burn_rate"),
    ("dashboards/api", lambda b: b["widgets"][0]["definition"].update(type="toplst"), "none of the forms"),
    ("dashboards/api", lambda b: b["widgets"][2]["definition"].update(requets=[]), "no such key"),
    (
        "dashboards/api",
        _tile(2, "sum:api.requests.count", "sum:api.requests.counts"),
        "no metric api.requests.counts",
    ),
    ("dashboards/business", _tile(0, "@active_users", "@event.date"), "@event.date is no number"),
    ("slos/api_availability", lambda b: b["query"].update(numerator="sum:x{*}.as_count()"), "no metric x"),
    ("slos/api_latency", lambda b: b.update(type="timely"), "'timely' is no SLOType"),
    (
        "log-indexes/security-events",
        lambda b: b["filter"].update(query="@retention:x"),
        "no attribute @retention",
    ),
    (
        "log-archives/audit-logs",
        lambda b: b["data"]["attributes"].update(query='@retention_class:"x'),
        "expected",
    ),
    (
        "span-filters/security",
        lambda b: b["data"]["attributes"]["filter"].update(query="@nothing:x"),
        "no attribute @nothing",
    ),
    ("metric-tags/api.requests.count", lambda b: b["data"].update(id="api.count"), "no metric api.count"),
]


@holds("6.M1")
def test_what_is_shipped_is_right(resources: list[Resource]) -> None:
    """Form, queries, names and types of every resource are right by the catalogue."""
    assert len(resources) == 50
    assert check(resources, known.from_catalogue()) == []


@holds("6.M1")
@pytest.mark.parametrize(
    ("label", "spoil", "says"), FAULTS, ids=[f"{label}: {says}" for label, _, says in FAULTS]
)
def test_a_planted_fault_is_found_by_name(
    resources: list[Resource], label: str, spoil: Spoil, says: str
) -> None:
    """A wrong enum, key, type, bracket, name or number is told with the resource, and nothing else is."""
    (resource,) = [one for one in resources if one.label == label]
    body = json.loads(json.dumps(resource.body))
    spoil(body)
    findings = check([Resource(resource.kind, resource.stem, body, resource.path)], known.from_catalogue())
    assert findings
    assert {finding.resource for finding in findings} == {label}
    assert says in "\n".join(map(str, findings))


@holds("6.M4")
@pytest.mark.parametrize(
    ("field", "told"),
    [
        (
            "ip_address",
            ["monitors/security_breach_attempt", "dashboards/security, 'Failed logins by address (count)'"],
        ),
        (
            "bot_id",
            ["monitors/bots_unhealthy", "dashboards/bots, 'Failed or degraded health checks by bot (count)'"],
        ),
        ("active_users", ["dashboards/business, 'Daily active users (users)'"]),
        (
            "activity_type",
            ["monitors/security_breach_attempt-brute_force_attempts", "metric-tags/security.events.count"],
        ),
    ],
)
def test_a_field_renamed_without_its_queries_is_found(tmp_path: Path, field: str, told: list[str]) -> None:
    """`make check` names every monitor and tile that asks for a field which has another name now."""
    root = _checkout(tmp_path)
    catalogue = root / "tradewise_otel" / "catalogue"
    for name in ("shapes.py", "common.py", "metrics.py"):
        text = (catalogue / name).read_text()
        # The key of the shape, its own names at the edge, and the tag of the metric.
        renamed = text.replace(f"    {field}: ", f"    new_{field}: ").replace(f'"{field}"', f'"new_{field}"')
        (catalogue / name).write_text(renamed)
    done = _datadog_check(root)
    assert done.returncode == 1, done.stdout
    for words in told:
        assert words in done.stderr


def test_an_unchanged_checkout_passes(tmp_path: Path) -> None:
    """What `make check` runs is content with the catalogue as it is."""
    done = _datadog_check(_checkout(tmp_path))
    assert done.returncode == 0, done.stderr


def test_nothing_is_sent_before_all_is_right(
    run: Run, own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`apply` of a folder with one fault changes nothing and names the file's resource."""
    path = own_folder / "monitors" / "no_telemetry.json"
    path.write_text(path.read_text().replace("api.requests.count", "api.requests.none"))
    assert run("apply", "--folder", own_folder) == 1
    assert "monitors/no_telemetry: no metric api.requests.none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("monitors/broken.json", "{", "broken.json is no JSON"),
        ("monitors/list.json", "[]", "list.json is no JSON object"),
        ("monitors/strange.json", '{"tags": ["team:x"]}', "ours say their file's name"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    run: Run, own_folder: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, says: str
) -> None:
    """A file that is no resource of ours is refused with its path."""
    (own_folder / name).write_text(text)
    assert run("plan", "--folder", own_folder) == 1
    assert says in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_named(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong --folder is told, with what such a folder has."""
    assert run("plan", "--folder", tmp_path / "none") == 1
    assert "--folder" in capsys.readouterr().err


def _checkout(tmp_path: Path) -> Path:
    """A copy of what a check reads, as a checkout of its own."""
    root = repository_root()
    assert root
    target = tmp_path / "checkout"
    shutil.copytree(
        root / "tradewise_otel", target / "tradewise_otel", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(datadog_dir(), target / "deploy" / "datadog")
    shutil.copytree(root / "collector", target / "collector", ignore=shutil.ignore_patterns("components"))
    shutil.copy(root / "pyproject.toml", target)
    return target


def _datadog_check(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tradewise_otel.tools.cli.main", "datadog", "check"]
    environ = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)
