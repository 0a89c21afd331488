"""`tradewise-otel kpis`: the figures of a day, on demand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tradewise_otel.state.opening import default_url, open_store
from tradewise_otel.state.store import BotSeen, UserSeen
from tradewise_otel.tools.cli.main import main

DAY = 20_454  # 2026-01-01


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host on which the service `shop` runs."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    monkeypatch.delenv("TRADEWISE_STATE_URL", raising=False)
    return tmp_path / "tradewise-otel"


def test_a_day_is_told_as_the_documented_lines(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both figures of the day that was asked for are printed, with all their fields."""
    seen = [UserSeen(DAY - 1, "old"), UserSeen(DAY, "old"), UserSeen(DAY, "new")]
    bots = [BotSeen(DAY, "shared", "old"), BotSeen(DAY, "shared", "new"), BotSeen(DAY - 1, "own", "new")]
    open_store(default_url("shop", str(home)), "shop", "one").apply([*seen, *bots])
    assert main(["kpis", "--date", "2026-01-01"]) == 0
    users, usage = map(json.loads, capsys.readouterr().out.splitlines())
    wanted = {"date": "2026-01-01", "active_users": 2, "new_users": 1, "returning_users": 1}
    assert (users["event_type"], wanted.items() <= users.items()) == ("metric_daily_active_users", True)
    wanted = {
        "total_bots": 2,
        "active_bots": 1,
        "external_bots": 0,
        "shared_bots": 1,
        "avg_bots_per_user": 1.5,
    }
    assert (usage["event_type"], wanted.items() <= usage.items()) == ("metric_bot_usage", True)


def test_without_a_state_it_says_so_and_makes_none(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A service that has kept nothing has no figures; asking leaves no file behind."""
    assert main(["kpis"]) == 1
    assert str(home) in capsys.readouterr().err
    assert not home.exists()


def test_a_wrong_address_is_an_error(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A setting that cannot be read must not give the figures of another store; no password is shown."""
    monkeypatch.setenv("TRADEWISE_STATE_URL", "postgres://u:geheim@host/db")
    assert main(["kpis"]) == 1
    said = capsys.readouterr().err
    assert ("TRADEWISE_STATE_URL" in said, "geheim" in said) == (True, False)
