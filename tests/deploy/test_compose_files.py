"""The compose file as it is read: profiles, limits, nothing of the host."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import COMPOSE, Run

FILES = (COMPOSE / "docker-compose.yml", COMPOSE / "own-app.yml", COMPOSE / "stdout-road.yml")


def _config(compose: Run, *words: object, **environ: str) -> dict[str, Any]:
    done = compose(*words, "config", "--format", "json", **environ)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("words", "services"),
    [
        ([], {"backend", "bot", "postgres", "collector"}),
        (["--profile", "datadog"], {"backend", "bot", "postgres", "gateway"}),
        (["-f", FILES[0], "-f", FILES[1]], {"backend", "bot", "postgres", "collector"}),
        (
            ["-f", FILES[0], "-f", FILES[2], "--profile", "datadog"],
            {"backend", "bot", "postgres", "gateway", "agent"},
        ),
    ],
)
def test_a_profile_has_its_services(compose: Run, words: list[object], services: set[str]) -> None:
    """One Collector at a time, under one name, and everything has limits, health and a restart policy."""
    found = _config(compose, *words, OWN_APP_IMAGE="mine:1")["services"]
    assert set(found) == services
    for name, service in found.items():
        assert int(service["mem_limit"]) > 0, name
        assert service["restart"] == "unless-stopped"
        assert not service["image"].endswith(":latest")
        assert ":" in service["image"]


def test_nothing_of_the_host_is_mounted(compose: Run) -> None:
    """Neither Docker's socket nor any other path of the host; ports are on loopback only."""
    for words in ([], ["--profile", "datadog"], ["-f", FILES[0], "-f", FILES[2]]):
        for service in _config(compose, *words)["services"].values():
            assert {volume["type"] for volume in service.get("volumes", [])} <= {"volume"}
            assert {port["host_ip"] for port in service.get("ports", [])} <= {"127.0.0.1"}


def test_no_key_is_asked_of_a_laptop(compose: Run) -> None:
    """Without DD_API_KEY the files are read all the same; an own app without an image says what to set."""
    done = compose("-f", FILES[0], "-f", FILES[1], "config", "-q")
    assert "set OWN_APP_IMAGE" in done.stderr
    assert _config(compose, "--profile", "datadog")["services"]["gateway"]["environment"]["DD_API_KEY"] == ""
