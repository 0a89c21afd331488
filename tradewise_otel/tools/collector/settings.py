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
    CollectorSetting(
        "TRADEWISE_HEALTH", "127.0.0.1:13133", "Address where liveness is asked: the process runs."
    ),
    CollectorSetting(
        "TRADEWISE_READY",
        "127.0.0.1:13134",
        "Address where readiness is asked: intakes take what they are sent (roles gateway and agent).",
    ),
    CollectorSetting(
        "TRADEWISE_READY_AFTER", "5m", "How long an intake may take nothing before readiness turns red."
    ),
    CollectorSetting(
        "TRADEWISE_DATA_DIR",
        "$XDG_STATE_HOME/tradewise-otel",
        "Folder of queues and of the laptop's files; made with 0700.",
    ),
    CollectorSetting(
        "TRADEWISE_SAMPLE_RATE", "1", "Share kept by ratio of services without our distro, from 0 to 1."
    ),
    CollectorSetting("TRADEWISE_MEMORY_MIB", "512", "Memory at which the Collector refuses more, in MiB."),
    CollectorSetting("DD_API_KEY", "", "An API key of your Datadog organisation (role gateway)."),
    CollectorSetting("DD_SITE", "datadoghq.com", "Your Datadog site, such as datadoghq.eu (role gateway)."),
    CollectorSetting(
        "TRADEWISE_QUEUE_BYTES",
        "1073741824",
        "How much may wait on disk for each intake; a full queue refuses (role gateway).",
    ),
    CollectorSetting(
        "TRADEWISE_DD_OTLP_URL",
        "https://otlp.$DD_SITE",
        "Datadog's OTLP intake, for private links and tests.",
    ),
    CollectorSetting("TRADEWISE_DD_TRACES_URL", "https://trace.agent.$DD_SITE", "Its intake of spans."),
    CollectorSetting("TRADEWISE_DD_METRICS_URL", "https://api.$DD_SITE", "Its intake of metrics."),
    CollectorSetting(
        "TRADEWISE_DD_LOGS_URL",
        "https://http-intake.logs.$DD_SITE",
        "Its intake of logs (overlay datadog-exporter-only).",
    ),
    CollectorSetting(
        "TRADEWISE_AGENT_URL", "", "OTLP/HTTP receiver of your Datadog Agent (overlay datadog-agent)."
    ),
    CollectorSetting("TRADEWISE_GATEWAY_URL", "", "OTLP/HTTP receiver of the gateway (role agent)."),
    CollectorSetting(
        "TRADEWISE_GATEWAY_CA",
        "",
        "PEM file of the authority that signed the gateway's certificate (role agent).",
    ),
    CollectorSetting(
        "TRADEWISE_NODE_NAME", "the host's own name", "`host.name` of all that leaves the node (role agent)."
    ),
    CollectorSetting(
        "TRADEWISE_TAIL_PODS",
        "/var/log/pods/*/*/*.log",
        "Files of containers to read, CRI form (role agent).",
    ),
    CollectorSetting(
        "TRADEWISE_TAIL_DOCKER",
        "/var/lib/docker/containers/*/*-json.log",
        "The same in Docker's json-file form (role agent).",
    ),
    CollectorSetting(
        "TRADEWISE_TAIL_FILES",
        "/var/log/tradewise/*.jsonl*",
        "Files of lines, such as TRADEWISE_LOG_FILE of an app, and the rotated ones (role agent).",
    ),
    CollectorSetting(
        "TRADEWISE_TAIL_PLAIN",
        "/var/log/tradewise/*.log",
        "Files of plain text; lines that do not begin with a date go on with the one before (role agent).",
    ),
    CollectorSetting("TRADEWISE_TLS_CERT", "", "PEM file of the receivers' certificate (overlay secure)."),
    CollectorSetting("TRADEWISE_TLS_KEY", "", "PEM file of its private key (overlay secure)."),
    CollectorSetting(
        "TRADEWISE_TLS_CLIENT_CA",
        "",
        "PEM file of the authority that must have signed a sender's certificate (overlay secure).",
    ),
    CollectorSetting(
        "TRADEWISE_TOKEN",
        "",
        "Token that senders show as `Bearer` (overlay secure), and that an agent shows.",
    ),
    CollectorSetting(
        "TRADEWISE_KAFKA_BROKERS", "", "Kafka's brokers, `host:port,host:port` (overlay kafka, both roles)."
    ),
    CollectorSetting(
        "TRADEWISE_KAFKA_TRACES", "tradewise.traces", "Its topic of spans, partitioned by trace."
    ),
    CollectorSetting("TRADEWISE_KAFKA_LOGS", "tradewise.logs", "Its topic of logs, partitioned by trace."),
    CollectorSetting(
        "TRADEWISE_KAFKA_METRICS", "tradewise.metrics", "Its topic of metrics, partitioned by sender."
    ),
    CollectorSetting(
        "TRADEWISE_KAFKA_GROUP", "tradewise-gateway", "The gateways that share the work (overlay kafka)."
    ),
    CollectorSetting(
        "TRADEWISE_TAIL_WAIT", "10s", "From a trace's first span to its verdict (overlay tail-sampling)."
    ),
    CollectorSetting("TRADEWISE_TAIL_TRACES", "50000", "Traces that wait at a time (overlay tail-sampling)."),
    CollectorSetting(
        "TRADEWISE_TAIL_SLOW_MS", "2000", "A trace that takes longer is kept (overlay tail-sampling)."
    ),
    CollectorSetting(
        "TRADEWISE_SELF_METRICS", "normal", "Level of the Collector's own metrics; `none` to `detailed`."
    ),
    CollectorSetting(
        "TRADEWISE_SELF", "127.0.0.1:13135", "Address on loopback over which it hands them to its pipelines."
    ),
    CollectorSetting("TRADEWISE_SELF_EVERY_MS", "30000", "How often, in milliseconds."),
    CollectorSetting(
        "TRADEWISE_PROMETHEUS_HOST",
        "127.0.0.1",
        "Where they are scraped (overlay prometheus); no secrets in them.",
    ),
    CollectorSetting("TRADEWISE_PROMETHEUS_PORT", "8888", "Port of the same."),
    CollectorSetting(
        "TRADEWISE_COLLECTOR_BIN", "", "The binary to run where `--bin` is not given; else the build cache's."
    ),
)
