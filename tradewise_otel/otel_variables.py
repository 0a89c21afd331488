"""Standard `OTEL_*` variables whose bad values upstream would stumble over, taken away before it reads them.

Some of them end upstream's start-up with a traceback, which would leave the app without any telemetry;
others are passed over in silence. The distro calls `repair` before the SDK is imported, so that upstream's
own defaults hold, and the configurator reports what was found together with our own settings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, MutableMapping

from tradewise_otel.settings import Problem

_SIGNALS = ("", "TRACES_", "LOGS_", "METRICS_")
_SAMPLERS = ("always_on", "always_off", "traceidratio")


def _whole(low: int) -> Callable[[str], bool]:
    return lambda text: text.isascii() and text.isdigit() and int(text) >= low


def _limit(text: str) -> bool:
    return text == "unset" or _whole(0)(text)


def _seconds(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and float(text) > 0
    except ValueError:
        return False


def _share(text: str) -> bool:
    return (_seconds(text) and float(text) <= 1) or text in ("0", "0.0")


def _one_of(*words: str) -> Callable[[str], bool]:
    return lambda text: text in words


def _url(text: str) -> bool:
    return text.startswith(("http://", "https://"))


_LIMITS = (
    "ATTRIBUTE_COUNT_LIMIT",
    "ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "SPAN_ATTRIBUTE_COUNT_LIMIT",
    "SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "SPAN_EVENT_COUNT_LIMIT",
    "SPAN_LINK_COUNT_LIMIT",
    "EVENT_ATTRIBUTE_COUNT_LIMIT",
    "LINK_ATTRIBUTE_COUNT_LIMIT",
)
_NUMBERS = {
    "OTEL_BLRP_MAX_QUEUE_SIZE": "16384",
    "OTEL_BSP_MAX_QUEUE_SIZE": "16384",
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "512",
    "OTEL_BLRP_SCHEDULE_DELAY": "500",
    "OTEL_METRIC_EXPORT_INTERVAL": "10000",
}

ROWS: tuple[tuple[str, Callable[[str], bool], str, str], ...] = (
    *((f"OTEL_{name}", _limit, "a whole number from 0", "upstream's default") for name in _LIMITS),
    *((name, _whole(1), "a whole number from 1", default) for name, default in _NUMBERS.items()),
    *((f"OTEL_EXPORTER_OTLP_{s}TIMEOUT", _seconds, "a number of seconds", "10") for s in _SIGNALS),
    *(
        (
            f"OTEL_EXPORTER_OTLP_{s}COMPRESSION",
            _one_of("none", "gzip", "deflate"),
            "none, gzip or deflate",
            "none",
        )
        for s in _SIGNALS
    ),
    (
        "OTEL_TRACES_SAMPLER",
        _one_of(*_SAMPLERS, *(f"parentbased_{name}" for name in _SAMPLERS)),
        "one of " + ", ".join((*_SAMPLERS, *(f"parentbased_{name}" for name in _SAMPLERS))),
        "TRADEWISE_SAMPLE_RATE",
    ),
    ("OTEL_TRACES_SAMPLER_ARG", _share, "a number from 0 to 1", "1"),
    (
        "OTEL_METRICS_EXEMPLAR_FILTER",
        _one_of("always_on", "always_off", "trace_based"),
        "always_on, always_off or trace_based",
        "trace_based",
    ),
)
"""Variable, whether a text is good, what is allowed in words, and what holds in place of a bad one."""

_ENDPOINTS = tuple(f"OTEL_EXPORTER_OTLP_{signal}ENDPOINT" for signal in _SIGNALS)

REPAIRED: list[Problem] = []
"""What `repair` has found in this process, for the configurator to report."""


def repair(environ: MutableMapping[str, str]) -> list[Problem]:
    """Takes bad values out of the environment and returns what they were. Never raises."""
    rows = [*ROWS]
    if "grpc" not in "".join(value for name, value in environ.items() if name.endswith("_PROTOCOL")):
        # For gRPC `host:port` is an endpoint too.
        rows += [
            (name, _url, "a URL that begins with http:// or https://", "the default") for name in _ENDPOINTS
        ]
    problems = []
    for name, is_good, allowed, used in rows:
        text = environ.get(name, "").strip()
        if text and not is_good(text if name in _ENDPOINTS else text.lower()):
            problems.append(Problem(name, text, allowed, used))
            del environ[name]
    REPAIRED[:] = problems
    return problems
