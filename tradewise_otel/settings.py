"""Every setting of the app's side: one row each, read once, all problems told at once.

The standard `OTEL_*` variables come first and are read by OpenTelemetry's own code; the rows here are
what this distribution adds (contract 10). Start-up never raises over a setting: a bad value is reported
and the default is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from tradewise_otel import parsers

T = TypeVar("T")

PRODUCTION = "production"


@dataclass(frozen=True)
class Row(Generic[T]):
    """One setting: variable, default as text, kind in words, meaning, and how its text is read."""

    env: str
    default: str
    kind: str
    doc: str
    parse: Callable[[str], T]
    show: Callable[[str], str] = str
    """What may be shown of a text that could not be read."""


@dataclass(frozen=True)
class Settings:
    """The settings in effect. Times in milliseconds or seconds as the names say."""

    environment: str
    service_name: str
    sample_rate: float
    log_level: str
    log_format: str
    logs_road: str
    log_file: str
    p95_ms: float
    p99_ms: float
    route_thresholds: parsers.Thresholds
    bot_hosts: tuple[str, ...]
    request_id_hosts: tuple[str, ...]
    encoder: Literal["own", "upstream"]
    pseudonym_key: str
    email: Literal["keep", "pseudonym", "mask"]
    state_url: str
    rapid_calls: parsers.Rate
    brute_force: parsers.Rate
    shutdown_seconds: float


@dataclass(frozen=True)
class Problem:
    """A setting that could not be read: its name, the value seen, what is allowed, what is used instead."""

    env: str
    value: str
    allowed: str
    used: str

    def __str__(self) -> str:
        return f"{self.env}={self.value!r} is not {self.allowed}; using {self.used!r}"


LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

ROWS: dict[str, Row[Any]] = {
    "sample_rate": Row(
        "TRADEWISE_SAMPLE_RATE",
        "1",
        "a number from 0 to 1",
        "Share of requests that are kept by ratio. Default 0.1 when the environment is `production`, else 1. "
        "Statistics, metrics and the kinds that are always kept do not depend on it.",
        parsers.number(0, 1),
    ),
    "log_level": Row(
        "TRADEWISE_LOG_LEVEL",
        "INFO",
        "one of " + ", ".join(LEVELS),
        "Level of the root logger, set only while the app leaves it untouched.",
        parsers.one_of(*LEVELS),
    ),
    "log_format": Row(
        "TRADEWISE_LOG_FORMAT",
        "json",
        "json or console",
        "`json`: one documented object a line. `console`: the same for people, coloured on a terminal.",
        parsers.one_of("json", "console"),
    ),
    "logs_road": Row(
        "TRADEWISE_LOGS_ROAD",
        "otlp",
        "otlp or stdout",
        "`otlp`: records go by OTLP, lines on stdout are for people. `stdout`: the lines are the records; "
        "they wait for their request's verdict, carry it, and an agent tails them.",
        parsers.one_of("otlp", "stdout"),
    ),
    "log_file": Row(
        "TRADEWISE_LOG_FILE",
        "",
        "a path in a folder that exists",
        "Also write the lines to this file, which is rotated at 100 MB (5 old ones are kept), also by "
        "several workers.",
        parsers.file,
    ),
    "p95_ms": Row(
        "TRADEWISE_P95_MS",
        "2000",
        "a number of milliseconds from 0 to 3600000",
        "Above it a response is `slow`, and its request is kept.",
        parsers.number(0, 3_600_000),
    ),
    "p99_ms": Row(
        "TRADEWISE_P99_MS",
        "5000",
        "a number of milliseconds from 0 to 3600000",
        "Above it a response is `critical` and its level WARNING.",
        parsers.number(0, 3_600_000),
    ),
    "route_thresholds": Row(
        "TRADEWISE_ROUTE_THRESHOLDS",
        "",
        "a comma-separated list of `METHOD /route=p95:p99` such as `POST /x/{id}=300:900`, milliseconds from "
        "0 to 3600000, no p99 below its p95, no route twice",
        "Routes with a p95 and a p99 of their own. The route is the template with its prefixes, as `route` "
        "has it in `api_response`.",
        parsers.thresholds,
    ),
    "bot_hosts": Row(
        "TRADEWISE_BOT_HOSTS",
        "",
        "a comma-separated list of host names, `*.suffix` patterns, addresses or CIDR ranges",
        "Outgoing calls to them are `external_api_call` events of the service `trading_bot`; "
        "other calls carry the host as `service`.",
        parsers.hosts,
    ),
    "request_id_hosts": Row(
        "TRADEWISE_REQUEST_ID_HOSTS",
        "",
        "a comma-separated list of host names, `*.suffix` patterns, addresses or CIDR ranges",
        "Who receives `X-Request-ID` and `traceparent`, besides literal private and loopback addresses, "
        "`localhost` and the bot hosts. `*` stands for every host.",
        parsers.hosts,
    ),
    "encoder": Row(
        "TRADEWISE_ENCODER",
        "own",
        "own or upstream",
        "Who writes the OTLP requests: this distribution, or OpenTelemetry's exporter, which takes several "
        "times the CPU. Both say the same; gRPC always takes the exporter's.",
        parsers.one_of("own", "upstream"),
    ),
    "pseudonym_key": Row(
        "TRADEWISE_PSEUDONYM_KEY",
        "",
        "any text",
        "Key of the pseudonyms that replace session ids, and of the hashes in the state store. Without "
        "one, a key is made once and kept under `$XDG_STATE_HOME/tradewise-otel`, so journeys join only on "
        "that host; with the state in Redis it is kept there, for all hosts.",
        str,
    ),
    "email": Row(
        "TRADEWISE_EMAIL",
        "keep",
        "keep, pseudonym or mask",
        "What happens to the documented `email` fields.",
        parsers.one_of("keep", "pseudonym", "mask"),
    ),
    "state_url": Row(
        "TRADEWISE_STATE_URL",
        "",
        "sqlite:///path/of/a/file or redis://host:port/number",
        "Where sequences, counts, bots and users are remembered. Without one, a file a host and service name "
        "under `$XDG_STATE_HOME/tradewise-otel`. `redis://` and `rediss://` need the extra `redis`.",
        parsers.state_url,
        parsers.without_secrets,
    ),
    "rapid_calls": Row(
        "TRADEWISE_RAPID_CALLS",
        "150/60",
        "count/seconds, such as 150/60",
        "So many API calls of one user, or of one address without a user, in so many seconds are a "
        "`security_suspicious_activity` (`rapid_api_calls`).",
        parsers.rate,
    ),
    "brute_force": Row(
        "TRADEWISE_BRUTE_FORCE",
        "10/300",
        "count/seconds, such as 10/300",
        "More failed logins than this, of one e-mail address or from one address in so many seconds, are a "
        "`security_suspicious_activity` (`brute_force`).",
        parsers.rate,
    ),
    "shutdown_seconds": Row(
        "TRADEWISE_SHUTDOWN_SECONDS",
        "3",
        "a number of seconds from 0.1 to 60",
        "Longest time that the exit of the process waits for what is still queued.",
        parsers.number(0.1, 60),
    ),
}


def load(environ: Mapping[str, str]) -> tuple[Settings, list[Problem]]:
    """Reads the settings from a mapping such as `os.environ`. Never raises."""
    environment = environment_of(environ)
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    for field, row in ROWS.items():
        default = "0.1" if field == "sample_rate" and environment == PRODUCTION else row.default
        values[field] = _read(row, environ.get(row.env, "").strip(), default, problems)
    settings = Settings(environment=environment, service_name=service_name_of(environ), **values)
    if settings.logs_road == "stdout" and settings.log_format == "console":
        # Nobody could read them back; the road matters more than the looks.
        allowed = "json where TRADEWISE_LOGS_ROAD=stdout"
        problems.append(Problem("TRADEWISE_LOG_FORMAT", "console", allowed, "json"))
        settings = Settings(**{**settings.__dict__, "log_format": "json"})
    if settings.p99_ms < settings.p95_ms:
        # A threshold pair that contradicts itself would call a response critical but not slow.
        allowed = f"at least TRADEWISE_P95_MS ({settings.p95_ms:g})"
        problems.append(Problem("TRADEWISE_P99_MS", f"{settings.p99_ms:g}", allowed, f"{settings.p95_ms:g}"))
        settings = Settings(**{**settings.__dict__, "p99_ms": settings.p95_ms})
    return settings, problems


def _read(row: Row[T], text: str, default: str, problems: list[Problem]) -> T:
    if not text:
        return row.parse(default)
    try:
        return row.parse(text)
    except ValueError:
        problems.append(Problem(row.env, row.show(text), row.kind, default))
        return row.parse(default)


def is_disabled(environ: Mapping[str, str]) -> bool:
    """True when the standard switch, `OTEL_SDK_DISABLED`, asks for the bare app."""
    return environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def environment_of(environ: Mapping[str, str]) -> str:
    """The deployment environment: resource attribute, `ENVIRONMENT`, `DD_ENV`, else `development`."""
    attributes = resource_attributes(environ)
    named = attributes.get("deployment.environment.name") or attributes.get("deployment.environment")
    return named or environ.get("ENVIRONMENT") or environ.get("DD_ENV") or "development"


def service_name_of(environ: Mapping[str, str]) -> str:
    """The service's name: `OTEL_SERVICE_NAME`, else the resource attribute, else `tradewise-backend`."""
    named = environ.get("OTEL_SERVICE_NAME") or resource_attributes(environ).get("service.name")
    return named or "tradewise-backend"


def resource_attributes(environ: Mapping[str, str]) -> dict[str, str]:
    """`OTEL_RESOURCE_ATTRIBUTES` as a mapping; pairs without `=` are left to upstream's own warning."""
    pairs = (
        pair.split("=", 1) for pair in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(",") if "=" in pair
    )
    return {key.strip(): value.strip() for key, value in pairs}


def state_dir(environ: Mapping[str, str] = os.environ) -> str:
    """Folder for what must outlive the process: `$XDG_STATE_HOME/tradewise-otel`."""
    base = environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(base, "tradewise-otel")
