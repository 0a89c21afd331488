"""Our own Go modules: `go vet` and `go test` in each that has tests, with the builder's environment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from harness.holds import holds

from tradewise_otel.assets import collector_dir
from tradewise_otel.tools.collector.build import cache_dir, go_environ

TESTED = sorted({path.parent for path in (collector_dir() / "components").glob("*/*_test.go")})


@holds("5.M4")
@pytest.mark.parametrize("module", TESTED, ids=lambda path: path.name)
@pytest.mark.parametrize("command", ["vet", "test"])
def test_a_module_is_sound(module: Path, command: str) -> None:
    """A module's own tests pass, and Go's checker finds nothing; what Go prints is in the failure."""
    environ = go_environ(os.environ, cache_dir(os.environ))
    done = subprocess.run(["go", command, "./..."], cwd=module, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_is_formatted() -> None:
    """Go's formatter would change nothing in any module."""
    done = subprocess.run(["gofmt", "-l", collector_dir() / "components"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
