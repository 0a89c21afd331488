"""CPU of a typed call against the document's own way: `logging.info` through the seed's formatter.

One process, one thread, one bound request, the document's examples with the same fields; ours has the
launcher's whole pipeline behind it and a Collector's door that answers at once. The ways take turns every
few hundred calls, so that a machine's moods meet all of them; the seed's way is measured twice, and the ratio
is taken within each round. Thread CPU is counted: what the caller pays.

Usage: python tests/bench/run.py --calls [--rounds 5] [--number 100000]
"""

from __future__ import annotations

import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BUDGET = 0.80
"""Largest share of the seed's CPU that a typed call may cost (4.M3)."""

EXAMPLES: dict[str, dict[str, Any]] = {
    "bot_connection_test_success": {
        "api_url": "http://192.168.1.100:8080",
        "total_duration_ms": 1250.5,
        "bot_info": {"state": "running", "trades_count": 15},
        "request_id": "req-789",
        "user_id": "user-123",
        "tenant_id": "tenant-456",
    },
    "business_user_registered": {
        "user_id": "user-123",
        "tenant_id": "tenant-456",
        "email": "user@example.com",
        "client_ip": "192.168.1.100",
    },
    "business_bot_connected": {
        "user_id": "user-123",
        "tenant_id": "tenant-456",
        "bot_id": "bot-789",
        "api_url": "http://192.168.1.100:8080",
        "connection_duration_ms": 2500,
    },
    "security_login_failed": {
        "email": "user@example.com",
        "ip_address": "192.168.1.100",
        "user_agent": "Mozilla/5.0...",
        "failure_reason": "invalid_credentials",
    },
    "external_api_call": {
        "service": "trading_bot",
        "endpoint": "/api/v1/status",
        "method": "GET",
        "status_code": 200,
        "duration_ms": 850,
        "api_url": "http://192.168.1.100:8080",
    },
    "database_operation": {
        "operation": "SELECT",
        "table": "bots",
        "duration_ms": 25.5,
        "rows_affected": 1,
        "tenant_id": "tenant-456",
    },
    "performance_metric": {"operation": "bot_connection_test", "duration_ms": 12.5, "status": "success"},
}
"""The document's examples, but for those events that the state store completes in a thread of its own."""

_CHUNK, _PAUSE = 700, 0.05

Rounds = dict[str, list[float]]


def table(rounds: int, number: int) -> float:
    """Measures in a process of its own and prints a row each; ours over the seed's, median of the rounds."""
    from measure import door

    with tempfile.TemporaryDirectory() as folder, door() as port:
        env = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("OTEL_", "TRADEWISE_"))
            },
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
            "OTEL_PYTHON_DISTRO": "tradewise",
            "OTEL_PYTHON_CONFIGURATOR": "tradewise",
            "ENVIRONMENT": "production",
            "XDG_STATE_HOME": folder,
            "OTEL_BLRP_SCHEDULE_DELAY": "60",
        }
        answer = Path(folder) / "answer.json"
        words = [sys.executable, __file__, str(answer), str(rounds), str(number)]
        subprocess.run(words, env=env, stdout=subprocess.DEVNULL, check=True)
        figures: Rounds = json.loads(answer.read_text())
    return _show(figures, number)


def _show(figures: Rounds, number: int) -> float:
    print(f"\n{number} events in one bound request: thread CPU, medians of {len(figures['seed'])} rounds")
    print(f"{'way':<32}{'us a call':>10}{'of the seed':>13}")
    ratios = {}
    for name, runs in figures.items():
        ratios[name] = statistics.median(own / seed for own, seed in zip(runs, figures["seed"], strict=True))
        print(f"{name:<32}{statistics.median(runs):>10.2f}{ratios[name]:>13.2f}")
    return ratios["typed calls"]


def main(answer: str, rounds: int, number: int) -> None:
    """The measured process."""
    bare = logging.Logger.callHandlers, logging.StreamHandler.emit
    from opentelemetry.instrumentation.auto_instrumentation import initialize

    initialize()
    ours = logging.Logger.callHandlers, logging.StreamHandler.emit
    typed, plain = _typed_calls(), _plain_calls(logging.getLogger("app"))
    seed = _plain_calls(_seed_logger())
    ways: tuple[tuple[str, tuple[Any, Any], Callable[[int], None]], ...] = (
        ("seed", bare, seed),
        ("typed calls", ours, typed),
        ("the plain way", ours, plain),
        ("seed again", bare, seed),
    )
    figures: Rounds = {name: [] for name, _, _ in ways}
    _bind()
    for _ in range(rounds):
        used = dict.fromkeys(figures, 0.0)
        for _ in range(number // _CHUNK):
            for name, (call, emit), way in ways:
                logging.Logger.callHandlers, logging.StreamHandler.emit = call, emit  # type: ignore[method-assign]
                started = time.thread_time()
                way(_CHUNK)
                used[name] += time.thread_time() - started
            # The exporter has its turn: two busy threads on one core would measure each other.
            time.sleep(_PAUSE)
        for name, seconds in used.items():
            figures[name].append(seconds / (number // _CHUNK * _CHUNK) * 1e6)
    Path(answer).write_text(json.dumps(figures))
    # Not through the exit of an app, which would send what is queued.
    os._exit(0)


def _bind() -> None:
    """The request: its span, its holder, its user."""
    from opentelemetry import context, trace

    from tradewise_otel import bind
    from tradewise_otel.context import Request, enter

    request = Request("req-789")
    request.span = trace.get_tracer("bench").start_span("GET /bots/{id}")
    enter(request)
    context.attach(trace.set_span_in_context(request.span))
    bind(user_id="user-123", tenant_id="tenant-456")


def _typed_calls() -> Callable[[int], None]:
    from tradewise_otel import events

    calls = [(getattr(events, name), fields) for name, fields in EXAMPLES.items()]

    def call(number: int) -> None:
        for _ in range(number // len(calls)):
            for state, fields in calls:
                state(**fields)

    return call


def _plain_calls(logger: logging.Logger) -> Callable[[int], None]:
    calls = [("told", {"event_type": name, **fields}) for name, fields in EXAMPLES.items()]

    def call(number: int) -> None:
        for _ in range(number // len(calls)):
            for text, fields in calls:
                logger.info(text, extra=fields)

    return call


def _seed_logger() -> logging.Logger:
    """A logger with the seed's handler alone, on a stream that takes lines as stdout does."""
    from seed_logging import Formatter

    handler = logging.StreamHandler(open(os.devnull, "w"))  # noqa: SIM115
    handler.setFormatter(Formatter())
    logger = logging.getLogger("seed")
    logger.addHandler(handler)
    logger.setLevel("INFO")
    logger.propagate = False
    return logger


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
