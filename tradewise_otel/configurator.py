"""Start-up: settings in, a running pipeline out. Called once a process by the launcher.

Builds the tracer, logger and meter providers with upstream's public constructors (decision P2). Nothing
here may stop the app: a step that fails is counted and said, and the rest goes on.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry import _logs, metrics, propagate, trace
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk._configuration import _BaseConfigurator
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource

from tradewise_otel import __version__, otel_variables, running
from tradewise_otel.catalogue.sensitive import STRING_LIMIT
from tradewise_otel.instrument.hosts import HostList
from tradewise_otel.instrument.libraries import Libraries
from tradewise_otel.instrument.otel_api import ApiLogs, AppMetrics
from tradewise_otel.instrument.process import ProcessEvents
from tradewise_otel.instrument.propagation import OutgoingHeaders
from tradewise_otel.instrument.runtime import Runtime
from tradewise_otel.instrument.stateful import StatefulEvents
from tradewise_otel.instrument.stdlib_logging import LoggingEvents
from tradewise_otel.out import dispatch, exporter
from tradewise_otel.out.log_file import LogFile
from tradewise_otel.out.scrub import SpanScrubber
from tradewise_otel.out.sink import Sink
from tradewise_otel.out.stdout import Lines, Writer
from tradewise_otel.pipeline import sampling
from tradewise_otel.pipeline.aggregate import Aggregate
from tradewise_otel.pipeline.feed import Feed
from tradewise_otel.pipeline.identity import Identity
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.pipeline.processors import EventSpanProcessor
from tradewise_otel.pipeline.spans import Tracers
from tradewise_otel.pipeline.workers import on_fork
from tradewise_otel.record.build import automatic
from tradewise_otel.record.verdict import Verdicts
from tradewise_otel.redact import key_store
from tradewise_otel.redact.pseudonym import pseudonym
from tradewise_otel.redact.walk import Redactor
from tradewise_otel.settings import PRODUCTION, Problem, Settings, is_disabled, load, state_dir
from tradewise_otel.state.opening import agree_on_secret, url_of
from tradewise_otel.state.store import Unavailable

_STDOUT = 1


class TradeWiseConfigurator(_BaseConfigurator):
    """The configurator entry point."""

    def _configure(self, **kwargs: Any) -> None:
        if is_disabled(os.environ):
            return
        settings, problems = load(os.environ)
        Pipeline(settings, os.environ).start(
            [*problems, *otel_variables.REPAIRED, *exporter.check(os.environ)]
        )


class Pipeline:
    """All parts of one process, wired. The parts know each other only through what is handed in here."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._ledger = Ledger()
        self._aggregate = Aggregate(self._ledger)
        self._feed = Feed(self._aggregate)
        self._writers: list[Writer | LogFile] = [Writer(_STDOUT)]
        if settings.log_file:
            self._writers.append(LogFile(settings.log_file))
        self._state_url = url_of(settings, environ)
        key, self._key_scope = self._session_key()
        self._redactor = Redactor(email=settings.email, pseudonymise=lambda text: pseudonym(text, key))
        self._base = base_resource(settings, self._redactor)
        self._identity = Identity(self._base, sys.argv, environ)
        self._exporters = exporter.Exporters(environ, self._say_outage)
        self._app_metrics = AppMetrics(None)
        self._dispatch = self._make_dispatch()
        self._sink = self._make_sink(key)
        verdicts = Verdicts(lambda: self._ledger.add("sampled_out", "requests", reason="limit"))
        self._runtime = Runtime(settings, self._sink, self._feed, self._ledger, verdicts)
        self._libraries = Libraries(self._runtime)
        self._stateful = StatefulEvents(
            self._runtime,
            self._state_url,
            lambda text: pseudonym(text, key),
            lambda text: self._redactor.text(text, STRING_LIMIT)[0],
            self._say,
        )
        self._process = ProcessEvents(self._runtime, self._shutdown)

    def _session_key(self) -> tuple[bytes, str]:
        """The key of the pseudonyms, and where they are the same."""
        setting = self._settings.pseudonym_key
        key, lasts = key_store.load(setting, state_dir(self._environ))
        scope = "on this host" if lasts else "within this process"
        if setting or self._state_url.startswith("sqlite:"):
            return key, scope
        try:
            agreed = agree_on_secret(self._state_url, self._settings.service_name, key.hex())
            return bytes.fromhex(agreed), "within this state store"
        except (Unavailable, ValueError):
            # Said by the state itself, as soon as it is needed.
            return key, scope

    def _make_sink(self, key: bytes) -> Sink:
        lines = Lines(
            self._settings.service_name,
            str(self._base.attributes.get("service.version", "")),
            self._settings.environment,
            console=self._settings.log_format == "console",
        )
        return Sink(
            lines,
            self._writers,
            self._redactor,
            self._ledger,
            self._settings.sample_rate,
            lambda session: pseudonym(session, key),
            None if self._settings.logs_road == "stdout" else self._dispatch.put_log,
            self._feed,
        )

    def _make_dispatch(self) -> dispatch.Dispatch:
        return dispatch.Dispatch(
            self._exporters,
            self._identity,
            SpanScrubber(self._redactor, self._ledger),
            self._aggregate,
            self._ledger,
            __version__,
            self._app_metrics.read,
            dispatch.limits(self._environ),
            self._settings.encoder == "own",
        )

    def start(self, problems: list[Problem]) -> None:
        """Goes to work: logging first, so that whatever comes after can speak."""
        logging_events = LoggingEvents(self._runtime)
        steps: tuple[Callable[[], None], ...] = (
            logging_events.install,
            self._stateful.install,
            self._process.install,
            self._libraries.install,
            self._set_providers,
            self._set_propagation,
            self._lend,
        )
        for step in steps:
            self._ledger.shielded(f"start-up: {step.__qualname__}", step, None)()
        on_fork(self)
        self._report(problems)

    def _lend(self) -> None:
        """Lets the calls of the app find the pipeline."""
        running.started(self._runtime)

    def _set_providers(self) -> None:
        sampler, exports_unsampled = sampling.build(self._settings.sample_rate, self._environ)
        tracers = Tracers(sampler=sampler, resource=self._base, shutdown_on_exit=False)
        tracers.add_span_processor(
            EventSpanProcessor(
                self._libraries.translators,
                self._dispatch.put_span,
                self._ledger,
                exports_unsampled,
                self._sink.know,
            )
        )
        loggers = LoggerProvider(resource=self._base, shutdown_on_exit=False)
        loggers.add_log_record_processor(ApiLogs(self._runtime))
        trace.set_tracer_provider(tracers)
        _logs.set_logger_provider(loggers)
        metrics.set_meter_provider(
            MeterProvider(metric_readers=[self._app_metrics], resource=self._base, shutdown_on_exit=False)
        )

    def _set_propagation(self) -> None:
        allowed = HostList((*self._settings.request_id_hosts, *self._settings.bot_hosts), private=True)
        # First of all none: if what follows fails, headers must go nowhere rather than everywhere.
        inner = propagate.get_global_textmap()
        propagate.set_global_textmap(CompositePropagator([]))
        # Upstream reads the variable on import, which may be before our default for it is set.
        names = self._environ.get("OTEL_PROPAGATORS", "")
        propagate.set_global_textmap(OutgoingHeaders(inner, allowed, self._ledger, names))

    def _report(self, problems: list[Problem]) -> None:
        if problems:
            texts = [str(problem) for problem in problems]
            # As fields too: a message is cut where it gets long.
            self._say("WARNING", "settings: " + "; ".join(texts), {"problems": texts})
        if self._settings.environment == PRODUCTION and not self._settings.pseudonym_key:
            self._say(
                "WARNING",
                f"TRADEWISE_PSEUDONYM_KEY is not set: session pseudonyms join only {self._key_scope}",
            )

    def _say_outage(self, begins: bool) -> None:
        if begins:
            self._say(
                "WARNING",
                "the Collector cannot be reached or refuses what it is sent; "
                "records that it does not take are dropped and counted",
            )
        else:
            self._say("INFO", "the Collector takes records again")

    def _say(self, level: Any, message: str, fields: dict[str, Any] | None = None) -> None:
        event = automatic(None, level, message, fields or {}, None, None)
        self._ledger.shielded("say", self._sink.emit, None)(event)

    def _shutdown(self) -> None:
        seconds = self._settings.shutdown_seconds
        deadline = time.monotonic() + seconds
        # Before the verdicts over what is still open, for some of its events are only finished here.
        self._ledger.shielded("stop state", self._stateful.stop, None)(seconds / 3)
        self._libraries.let_go()
        lost = self._dispatch.shutdown(max(deadline - time.monotonic(), seconds / 2))
        if lost:
            figures = ", ".join(f"{count} of {signal}" for signal, count in sorted(lost.items()))
            self._say("WARNING", f"exit: the Collector has not received {figures}")

    def before_fork(self) -> None:
        """Called in the parent of each forked child, before."""
        self._ledger.shielded("before fork", self._stateful.before_fork, None)()

    def forked(self) -> None:
        """Called in the parent of each forked child, after."""
        self._ledger.shielded("forked", self._stateful.forked, None)()

    def after_fork(self) -> None:
        """Called in each forked child."""
        for writer in self._writers:
            writer.after_fork()
        self._dispatch.after_fork()
        self._stateful.after_fork()
        self._libraries.after_fork()
        self._process.after_fork()


def base_resource(settings: Settings, redactor: Redactor) -> Resource:
    """The resource without what differs between the processes of a service, redacted like any record."""
    said = Resource.create(
        {
            "service.name": settings.service_name,
            "deployment.environment.name": settings.environment,
            "telemetry.distro.name": "tradewise-otel",
            "telemetry.distro.version": __version__,
        }
    )
    return Resource(redactor.mapping(said.attributes).value, said.schema_url)  # type: ignore[arg-type]
