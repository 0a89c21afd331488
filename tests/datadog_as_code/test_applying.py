"""Plan, apply, export, destroy against an organisation that keeps what it is given (6.M2)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from harness.holds import holds
from harness.organisation import API_KEY, APP_KEY, Organisation, RefusedError, refusal

from tradewise_otel.tools.standin.intake import Answer

FOREIGN: dict[str, dict[str, Any]] = {
    "monitors": {
        "name": "theirs",
        "type": "query alert",
        "query": "avg(last_5m):avg:x{*} > 1",
        "tags": ["team:a"],
    },
    "dashboards": {"title": "theirs", "layout_type": "ordered", "widgets": [], "description": "of somebody"},
    "log-indexes": {"name": "main", "filter": {"query": "*"}},
}


def test_apply_makes_everything(
    organisation: Organisation, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every file becomes a resource, indexes in their order, SLO alerts with the ids of their SLOs."""
    assert run("apply") == 0
    assert "50 changes made" in capsys.readouterr().out
    assert {folder: len(held) for folder, held in organisation.held.items()} == {
        "metric-tags": 18,
        "slos": 2,
        "monitors": 13,
        "dashboards": 6,
        "log-indexes": 5,
        "log-archives": 3,
        "span-filters": 3,
    }
    assert organisation.order[0] == "tradewise-security-events"
    (slo,) = [id_ for id_, body in organisation.held["slos"].items() if "server error" in body["name"]]
    burning = [m["query"] for m in organisation.held["monitors"].values() if m["type"] == "slo alert"]
    assert sum(f'burn_rate("{slo}")' in query for query in burning) == 2


@holds("6.M2")
def test_a_plan_after_apply_is_empty(
    organisation: Organisation, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """What has been applied is not planned again, and applying again writes nothing."""
    assert run("plan", "--exit-code") == 3
    assert organisation.writes == 0
    run("apply")
    writes = organisation.writes
    assert run("plan", "--exit-code") == 0
    assert run("apply") == 0
    assert organisation.writes == writes
    assert "nothing to change" in capsys.readouterr().out


@holds("6.M2")
@pytest.mark.parametrize(
    ("folder", "change"),
    [
        ("monitors", lambda body: body["options"]["thresholds"].update(critical=99)),
        ("monitors", lambda body: body.update(message="hush")),
        ("dashboards", lambda body: body["widgets"].pop()),
        ("slos", lambda body: body.update(target_threshold=50.0)),
        ("log-indexes", lambda body: body.update(num_retention_days=3)),
        ("log-archives", lambda body: body["data"]["attributes"].update(query="*")),
        ("span-filters", lambda body: body["data"]["attributes"].update(rate=0.5)),
        ("metric-tags", lambda body: body["data"]["attributes"]["tags"].pop()),
    ],
)
def test_a_manual_change_shows_and_is_undone(
    organisation: Organisation, run: Run, capsys: pytest.CaptureFixture[str], folder: str, change: Any
) -> None:
    """What somebody has changed by hand is planned by name, and applied back."""
    run("apply")
    change(next(iter(organisation.held[folder].values())))
    capsys.readouterr()
    assert run("plan", "--exit-code") == 3
    told = capsys.readouterr().out
    assert f"~ {folder}/" in told
    assert "1 changes" in told
    assert run("apply") == 0
    assert run("plan", "--exit-code") == 0


@holds("6.M2")
def test_the_order_of_indexes_is_part_of_it(organisation: Organisation, run: Run) -> None:
    """Ours are asked before others, which keep their order; a manual change of the order is undone."""
    organisation.add("log-indexes", FOREIGN["log-indexes"])
    run("apply")
    assert organisation.order[-1] == "main"
    organisation.order.reverse()
    assert run("plan", "--exit-code") == 3
    run("apply")
    assert organisation.order[0] == "tradewise-security-events"
    assert organisation.order[-1] == "main"


@holds("6.M2")
@pytest.mark.parametrize("after", [1, 20, 45])
@pytest.mark.parametrize("answered", [True, False], ids=["refused", "made, but not answered"])
def test_what_was_cut_off_is_gone_on_with(
    organisation: Organisation, run: Run, monkeypatch: pytest.MonkeyPatch, after: int, answered: bool
) -> None:
    """After a failure half-way the next run makes the rest, and nothing twice."""
    monkeypatch.setattr("tradewise_otel.tools.datadog.account.RETRIES", 0)
    taken = organisation._answer

    def failing(method: str, path: str, body: Any) -> Any:
        if method != "GET" and organisation.writes > after:
            if not answered:
                taken(method, path, body)
            raise RefusedError(0, "cut")
        return taken(method, path, body)

    organisation._answer = failing  # type: ignore[method-assign]
    assert run("apply") == 1
    organisation._answer = taken  # type: ignore[method-assign]
    assert run("apply") == 0
    assert run("plan", "--exit-code") == 0
    assert len(organisation.held["monitors"]) == 13


@holds("6.M2")
def test_destroy_leaves_what_is_not_ours(
    organisation: Organisation, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --yes nothing goes; with it ours goes, but for what holds records; theirs stays as it was."""
    for folder, body in FOREIGN.items():
        organisation.add(folder, body)
    run("apply")
    writes = organisation.writes
    assert run("destroy") == 0
    assert organisation.writes == writes
    assert run("destroy", "--yes") == 0
    left = {folder: [*held.values()] for folder, held in organisation.held.items() if held}
    assert left["monitors"] == [FOREIGN["monitors"]]
    assert left["dashboards"] == [FOREIGN["dashboards"]]
    assert len(left["log-indexes"]) == 6
    assert run("destroy", "--yes", "--with-data") == 0
    assert organisation.order == ["main"]
    assert {folder for folder, held in organisation.held.items() if held} == set(FOREIGN)
    assert "records are in it" in capsys.readouterr().out


def test_a_file_that_is_gone_takes_its_resource_along(
    organisation: Organisation, run: Run, own_folder: Path
) -> None:
    """A monitor of ours without a file is deleted, and a second copy of one; indexes never are."""
    run("apply")
    (body,) = [
        b for b in organisation.held["monitors"].values() if "tradewise_name:bots_unhealthy" in b["tags"]
    ]
    organisation.add("monitors", body)
    run("apply")
    assert len(organisation.held["monitors"]) == 13
    (own_folder / "monitors" / "bots_unhealthy.json").unlink()
    (own_folder / "log-indexes" / "50-debug-logs.json").unlink()
    assert run("apply", "--folder", own_folder) == 0
    assert len(organisation.held["monitors"]) == 12
    assert len(organisation.held["log-indexes"]) == 5


def test_too_many_requests_are_waited_for(organisation: Organisation, run: Run) -> None:
    """429 is obeyed: the request is sent again after the time that Datadog names."""
    asked: list[str] = []

    def busy(method: str, path: str) -> Answer | None:
        asked.append(path)
        reset = {"x-ratelimit-reset": "1"}
        return (
            refusal(429, "Too many requests", **reset) if method == "POST" and len(asked) % 40 == 0 else None
        )

    organisation.before = busy
    assert run("apply") == 0
    assert run("plan", "--exit-code") == 0


def test_a_403_names_the_permission(
    organisation: Organisation, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is forbidden says which permission the application key lacks, and shows no key."""
    organisation.before = lambda method, path: (
        refusal(403, f"Forbidden {API_KEY} {APP_KEY}") if method == "POST" and "dashboard" in path else None
    )
    assert run("apply") == 1
    told = capsys.readouterr()
    assert "dashboards_write" in told.err
    assert API_KEY not in told.out + told.err
    assert APP_KEY not in told.out + told.err


def test_a_missing_key_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without keys nothing is asked, and the message says which, and where to get them."""
    monkeypatch.delenv("DD_APP_KEY")
    assert run("plan") == 1
    assert "DD_APP_KEY" in capsys.readouterr().err


def test_an_unreachable_api_is_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An API that nobody can reach is told with its address."""
    monkeypatch.setenv("TRADEWISE_DD_API_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("tradewise_otel.tools.datadog.account.RETRIES", 0)
    assert run("plan") == 1
    told = capsys.readouterr().err
    assert "http://127.0.0.1:9 cannot be reached" in told
    assert told.count("\n") == 1


def test_tags_of_a_metric_that_nobody_has_sent_wait(
    organisation: Organisation, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Datadog configures only metrics that it has seen: the rest is applied, and said to wait."""
    organisation.metrics = {"api.requests.count"}
    assert run("apply") == 0
    assert "metric-tags/api.requests.duration waits" in capsys.readouterr().out
    organisation.metrics = None
    assert run("apply") == 0
    assert run("plan", "--exit-code") == 0


def test_channels_and_archives_without_settings_are_left_out(
    organisation: Organisation, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A channel that is not set is not told, and said so; an archive without a bucket is not made."""
    monkeypatch.delenv("TRADEWISE_NOTIFY_SMS")
    monkeypatch.delenv("TRADEWISE_ARCHIVE_BUCKET")
    assert run("apply") == 0
    told = capsys.readouterr().out
    assert "TRADEWISE_NOTIFY_SMS is not set" in told
    assert "log-archives/audit-logs" in told
    assert "TRADEWISE_ARCHIVE_BUCKET" in told
    assert not organisation.held["log-archives"]
    messages = [body["message"] for body in organisation.held["monitors"].values()]
    assert not [message for message in messages if "${" in message or "@webhook" in message]
    assert run("plan", "--exit-code") == 0


def test_a_bad_setting_names_itself(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All settings that cannot be are named at once, before anything is asked."""
    monkeypatch.setenv("TRADEWISE_NOTIFY_EMAIL", "nobody")
    monkeypatch.setenv("TRADEWISE_ERROR_CLASSES", "500")
    assert run("plan") == 1
    told = capsys.readouterr().err
    assert "TRADEWISE_NOTIFY_EMAIL='nobody'" in told
    assert "TRADEWISE_ERROR_CLASSES='500'" in told


def test_what_is_exported_can_be_read_again(organisation: Organisation, run: Run, tmp_path: Path) -> None:
    """`export` writes ours with what was changed by hand, one file a resource, and never over other files."""
    run("apply")
    next(iter(organisation.held["dashboards"].values()))["title"] = "By hand"
    assert run("export", "--to", tmp_path / "out") == 0
    written = sorted(
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.json")
    )
    assert len(written) == 50
    assert json.loads((tmp_path / "out/dashboards/api.json").read_text())["title"] == "By hand"
    assert run("export", "--to", tmp_path / "out") == 1
