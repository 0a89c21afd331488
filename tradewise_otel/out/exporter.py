"""Upstream's OTLP exporters behind one switchboard: chosen by the standard variables, outages said once.

The connection, its retries, headers, compression and TLS stay upstream's. A dead, slow or absent Collector
costs the app nothing but a line when it is noticed and one when it is over (decision P13).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from tradewise_otel.settings import Problem

SIGNALS = ("traces", "logs", "metrics")

_CLASSES = {
    "traces": ("trace_exporter", "OTLPSpanExporter"),
    "logs": ("_log_exporter", "OTLPLogExporter"),
    "metrics": ("metric_exporter", "OTLPMetricExporter"),
}
_PACKAGES = {
    "http/protobuf": "opentelemetry.exporter.otlp.proto.http",
    "grpc": "opentelemetry.exporter.otlp.proto.grpc",
}


class Exporter(Protocol):
    """What we use of upstream's three exporters."""

    def export(self, batch: Any) -> Any:
        """Sends a batch; the result's `name` is `SUCCESS` or `FAILURE`."""

    def shutdown(self) -> None:
        """Ends retries at once."""


class Exporters:
    """One exporter a signal, made when first needed and anew in a forked child.

    Args:
        environ: the standard `OTEL_*` variables.
        say: tells people of an outage (True) and of its end (False).
    """

    def __init__(self, environ: Mapping[str, str], say: Callable[[bool], None]) -> None:
        self._environ = environ
        self._say = say
        # Asked for every record, so read once.
        self._off = {signal for signal in SIGNALS if choice(signal, environ) == "none"}
        self.after_fork()

    def after_fork(self) -> None:
        """Connections of the parent are the parent's."""
        self._exporters: dict[str, Exporter] = {}
        self._failing: set[str] = set()
        self._closed = False

    def enabled(self, signal: str) -> bool:
        """False where `OTEL_<SIGNAL>_EXPORTER` is `none`."""
        return signal not in self._off

    def send(self, signal: str, batch: Sequence[Any] | Any) -> bool:
        """Sends a batch of upstream's objects; False when it is lost."""
        if self._closed or not self.enabled(signal):
            return False
        return self._noted(signal, self._exporter(signal).export(batch).name == "SUCCESS")

    def send_bytes(self, signal: str, request: bytes) -> bool:
        """Sends an encoded request as upstream's HTTP exporter would send its own; False when it is lost."""
        if self._closed or not self.enabled(signal):
            return False
        client: Any = getattr(self._exporter(signal), "_client")  # noqa: B009
        return self._noted(signal, client.export(request).success)

    def takes_bytes(self, signal: str) -> bool:
        """Whether `send_bytes` is to be had: upstream's gRPC exporters take objects only."""
        return protocol_of(signal, self._environ) == "http/protobuf"

    def _exporter(self, signal: str) -> Exporter:
        exporter = self._exporters.get(signal)
        if exporter is None:
            exporter = self._exporters[signal] = build(signal, self._environ)
        return exporter

    @property
    def outage(self) -> bool:
        """True while all that is sent fails."""
        return bool(self._failing) and self._failing >= set(self._exporters)

    def abort(self) -> None:
        """Makes exports that are under way give up, and later ones fail at once."""
        if self._closed:
            # Upstream's exporters warn of a second shutdown, and the app's handlers would hear it.
            return
        self._closed = True
        for exporter in list(self._exporters.values()):
            exporter.shutdown()

    def _noted(self, signal: str, delivered: bool) -> bool:
        # By signal: a Collector that takes spans and refuses logs must not begin an outage a second.
        before = bool(self._failing)
        if delivered:
            self._failing.discard(signal)
        else:
            self._failing.add(signal)
        if before != bool(self._failing) and not self._closed:
            self._say(bool(self._failing))
        return delivered


def build(signal: str, environ: Mapping[str, str]) -> Exporter:
    """Upstream's exporter of a signal for the protocol that the variables name."""
    package = _PACKAGES[protocol_of(signal, environ)]
    module, name = _CLASSES[signal]
    exporter: Exporter = getattr(importlib.import_module(f"{package}.{module}"), name)()
    return exporter


def protocol_of(signal: str, environ: Mapping[str, str]) -> str:
    """`http/protobuf` or `grpc`; anything else has been reported and means the default."""
    named = environ.get(_protocol_variable(signal)) or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if named == "grpc" and importlib.util.find_spec("grpc") is None:
        return "http/protobuf"
    return named if named in _PACKAGES else "http/protobuf"


def check(environ: Mapping[str, str]) -> list[Problem]:
    """What is wrong with the standard exporter variables, as far as this distribution goes."""
    problems = []
    for signal in SIGNALS:
        value = choice(signal, environ)
        if value not in ("otlp", "none", ""):
            problems.append(Problem(f"OTEL_{signal.upper()}_EXPORTER", value, "otlp or none", "otlp"))
    for name in ("OTEL_EXPORTER_OTLP_PROTOCOL", *map(_protocol_variable, SIGNALS)):
        value = environ.get(name, "")
        if value and value not in _PACKAGES:
            problems.append(Problem(name, value, " or ".join(_PACKAGES), "http/protobuf"))
        elif value == "grpc" and importlib.util.find_spec("grpc") is None:
            fix = "usable without the extra: pip install 'tradewise-otel[grpc]'"
            problems.append(Problem(name, value, fix, "http/protobuf"))
    return problems


def choice(signal: str, environ: Mapping[str, str]) -> str:
    """What `OTEL_<SIGNAL>_EXPORTER` says; `none` sends nothing of the signal."""
    return environ.get(f"OTEL_{signal.upper()}_EXPORTER", "otlp").strip().lower()


def _protocol_variable(signal: str) -> str:
    return f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL"
