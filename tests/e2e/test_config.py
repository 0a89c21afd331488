"""`tradewise-otel config`: which value is in effect, and where it comes from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness.app import clean_environment

from tradewise_otel import distro, settings

GIVEN = {
    "ENVIRONMENT": "production",
    "OTEL_RESOURCE_ATTRIBUTES": "service.name=orders",
    "TRADEWISE_P95_MS": "1500",
    "TRADEWISE_P99_MS": "soon",
    "TRADEWISE_RAPIDCALLS": "1/1",
    "TRADEWISE_MEMORY_MIB": "512",
    "TRADEWISE_PSEUDONYM_KEY": "hush-1",
    "TRADEWISE_STATE_URL": "redis://user:hush-2@cache:6379/0",
    "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20hush-3",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://user:hush-4@collector:4318",
    "OTEL_BSP_MAX_QUEUE_SIZE": "many",
}
SHOWN = {
    "OTEL_SERVICE_NAME": ("orders", "OTEL_RESOURCE_ATTRIBUTES"),
    "ENVIRONMENT": ("production", "environment"),
    "TRADEWISE_SAMPLE_RATE": ("0.1", "default"),
    "TRADEWISE_LOG_FILE": ("-", "default"),
    "TRADEWISE_P95_MS": ("1500", "environment"),
    "TRADEWISE_P99_MS": ("5000", "'soon' is not a number of milliseconds from 0 to 3600000"),
    "TRADEWISE_RAPIDCALLS": ("-", "is not a setting; TRADEWISE_RAPID_CALLS is"),
    "TRADEWISE_PSEUDONYM_KEY": ("***", "environment"),
    "OTEL_EXPORTER_OTLP_HEADERS": ("***", "environment"),
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("http://***@collector:4318", "environment"),
    "OTEL_BSP_MAX_QUEUE_SIZE": ("16384", "'many' is not a whole number from 1"),
    "OTEL_PROPAGATORS": ("tracecontext", "default"),
}


def _config(state: Path, **variables: str) -> tuple[int, dict[str, tuple[str, str]]]:
    words = [sys.executable, "-m", "tradewise_otel.tools.cli.main", "config"]
    env = clean_environment(state)
    del env["TRADEWISE_RAPID_CALLS"]
    done = subprocess.run(words, env={**env, **variables}, capture_output=True, text=True, timeout=60)
    assert not done.stderr, done.stderr
    rows = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    return done.returncode, {name: (value, source) for name, value, source in rows}


def test_all_settings_have_their_default(tmp_path: Path) -> None:
    """Where nothing is given each setting has a row, each with the default, and the exit code is 0."""
    code, rows = _config(tmp_path)
    assert code == 0
    assert {row.env for row in settings.ROWS.values()} | distro.DEFAULTS.keys() <= rows.keys()
    assert {source for _, source in rows.values()} == {"default"}


def test_what_is_given_says_so(tmp_path: Path) -> None:
    """A value from the environment, one that cannot be read, one that is misspelt: each is told apart; no
    secret is shown, and the exit code is 1.
    """
    code, rows = _config(tmp_path, **GIVEN)
    assert code == 1
    assert {name: rows.get(name) for name in SHOWN} == SHOWN
    assert "TRADEWISE_MEMORY_MIB" not in rows
    assert "hush" not in str(rows)
