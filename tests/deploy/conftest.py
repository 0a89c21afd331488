"""The programs of the deployment's tests; a test whose program has not been built says how to get it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import tools

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "tradewise-otel"
COMPOSE = ROOT / "deploy" / "compose"
EXAMPLES = sorted((CHART / "examples").glob("*.yaml"))

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def program(name: str) -> Path:
    """A program of `tools.py`; the test is skipped where it is not there."""
    found = tools.find(name)
    if found is None:
        pytest.skip(f"{name} is not built: make deploy-tools (or make test-deploy)")
    return found


def said(*command: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """What a command prints, and how it ends."""
    words = [str(word) for word in command]
    return subprocess.run(words, env={**os.environ, **environ}, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def helm() -> Run:
    """`helm …`."""
    path = program("helm")
    return lambda *words: said(path, *words)


@pytest.fixture(scope="session")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`docker compose …`, which needs no engine for what is asked of it here."""
    plugin = program("docker-compose")
    return lambda *words, **environ: said(plugin, "--project-directory", COMPOSE, *words, **environ)


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The entry point of the Collector's image, built."""
    target = tmp_path_factory.mktemp("launcher") / "launcher"
    environ = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
    source = ROOT / "deploy" / "images" / "launcher"
    subprocess.run(["go", "build", "-o", str(target), "."], cwd=source, env=environ, check=True)
    return target
