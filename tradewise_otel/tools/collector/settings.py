"""The Collector's settings: one row each, for `--help` and for docs/settings.md; the layers read them."""

from __future__ import annotations

from typing import NamedTuple


class CollectorSetting(NamedTuple):
    """A variable, its default as text, and its meaning."""

    env: str
    default: str
    doc: str


ROWS = (
    CollectorSetting("TRADEWISE_OTLP_HTTP", "127.0.0.1:4318", "Address of the OTLP/HTTP receiver."),
    CollectorSetting("TRADEWISE_OTLP_GRPC", "127.0.0.1:4317", "Address of the OTLP/gRPC receiver."),
    CollectorSetting("TRADEWISE_HEALTH", "127.0.0.1:13133", "Address of the health check."),
    CollectorSetting(
        "TRADEWISE_DATA_DIR",
        "$XDG_STATE_HOME/tradewise-otel",
        "Folder of the laptop's files; made with 0700.",
    ),
    CollectorSetting(
        "TRADEWISE_SAMPLE_RATE", "1", "Share kept by ratio of services without our distro, from 0 to 1."
    ),
    CollectorSetting("TRADEWISE_MEMORY_MIB", "512", "Memory at which the Collector refuses more, in MiB."),
    CollectorSetting(
        "TRADEWISE_SELF_METRICS", "none", "Level of the Collector's own metrics; `basic` to `detailed`."
    ),
    CollectorSetting("TRADEWISE_SELF_METRICS_PORT", "8888", "Loopback port of those, in Prometheus form."),
    CollectorSetting(
        "TRADEWISE_COLLECTOR_BIN", "", "The binary to run where `--bin` is not given; else the build cache's."
    ),
)
