"""What is compared: the same app under nothing, the document's logging, vanilla, ddtrace, and ours."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

PACKAGES = (
    "opentelemetry-distro==0.66b1",
    # Without these vanilla would do less than it is compared for: no log records, and no statements,
    # since its version check skips SQLAlchemy 2.1.
    "opentelemetry-instrumentation-logging==0.66b1",
    "sqlalchemy[asyncio]<2.1",
    "python-json-logger",
    "ddtrace",
    "psutil",
    # httpcore asks for it at every call. Where it is missing each call looks through all of `sys.path`, which
    # the launcher has made longer: 100 us that are nobody's.
    "sniffio",
)
"""What the comparison needs beside the project, in an environment of its own: two distros would race."""

_BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Variant:
    """One way to run the app: words before the server's command, and variables."""

    name: str
    launcher: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


def _instrument(distro: str, configurator: str) -> tuple[tuple[str, ...], dict[str, str]]:
    choice = {"OTEL_PYTHON_DISTRO": distro, "OTEL_PYTHON_CONFIGURATOR": configurator}
    return (sys.executable, str(_BIN / "opentelemetry-instrument")), choice


def variants(sink: str) -> list[Variant]:
    """All of them; `sink` is the base URL of the door that they send to."""
    launcher, ours = _instrument("tradewise", "tradewise")
    _, theirs = _instrument("distro", "configurator")
    otlp = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    quiet = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "asyncio,threading,sqlite3,urllib3,requests"}
    vanilla = {**otlp, **theirs, **quiet, "OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION": "true"}
    datadog = {"DD_TRACE_AGENT_URL": sink, "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false"}
    return [
        Variant("bare"),
        Variant("bare again"),
        Variant("seed's JSON logging", env={"BENCH_SEED_LOGGING": "1"}),
        Variant("vanilla", launcher, vanilla),
        Variant("ddtrace-run", (sys.executable, str(_BIN / "ddtrace-run")), datadog),
        Variant("ours, 100 %", launcher, {**otlp, **ours, "TRADEWISE_SAMPLE_RATE": "1"}),
        Variant("ours, 10 %", launcher, {**otlp, **ours, "TRADEWISE_SAMPLE_RATE": "0.1"}),
    ]
