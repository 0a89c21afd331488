"""The table of libraries: which instrumentor, with which arguments, makes which events.

contrib instruments each library; what is said here is how it is asked to, and who translates its spans.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.metrics import NoOpMeterProvider

from tradewise_otel.instrument.runtime import Runtime
from tradewise_otel.pipeline.processors import Translator

SKIPPED = {"logging": "one sink behind logging takes its place"}
"""Instrumentors that are never loaded, and why."""


def instrument_arguments(name: str) -> dict[str, Any]:
    """Keyword arguments for an instrumentor, by its entry point's name."""
    arguments: dict[str, Any] = {}
    if name in ("fastapi", "sqlalchemy", "httpx"):
        # Their metrics come from our own aggregation, from the same events, and exact.
        arguments["meter_provider"] = NoOpMeterProvider()
    if name == "fastapi":
        arguments["exclude_spans"] = ["receive", "send"]
    return arguments


def instrument_sqlalchemy() -> None:
    """Instruments SQLAlchemy, also 2.1, which contrib's version check refuses though it works (P6)."""
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

    instrumentor = SQLAlchemyInstrumentor()
    try:
        if not instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.instrument(skip_dep_check=True, **instrument_arguments("sqlalchemy"))
        _keep_one_wrapper_of_async_engines()
    except ImportError:
        # No greenlet, so no async engines; contrib has wrapped the sync ones by then.
        return


def _keep_one_wrapper_of_async_engines() -> None:
    """Async engines wrap a sync one, and contrib wraps both: two spans would start and one end."""
    import sqlalchemy.ext.asyncio.engine
    from opentelemetry.instrumentation.utils import unwrap

    unwrap(sqlalchemy.ext.asyncio, "create_async_engine")
    # Whoever imported asyncio before us has bound it to the bare function of sync engines.
    sqlalchemy.ext.asyncio.engine._create_engine = sqlalchemy.engine.create_engine  # type: ignore[attr-defined]


class Libraries:
    """The libraries that are there, each with its translator."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.translators: dict[str, Translator] = {}
        self._forks: list[Callable[[], None]] = []
        self._ends: list[Callable[[], None]] = []

    def install(self) -> None:
        """Prepares every library that is installed; one that is missing or fails leaves the others alone."""
        for prepare in (self._fastapi, self._sqlalchemy, self._httpx):
            try:
                prepare()
            except ImportError:
                continue
            except Exception as error:
                self._runtime.ledger.internal_error(f"start-up: {prepare.__name__}", error)

    def _fastapi(self) -> None:
        from tradewise_otel.instrument import fastapi_app

        events = fastapi_app.FastAPIEvents(self._runtime)
        events.install()
        self.translators[fastapi_app.SCOPE_NAME] = events.translate
        self._forks.append(events.after_fork)
        self._ends.append(events.let_go)

    def _sqlalchemy(self) -> None:
        from tradewise_otel.instrument import sqlalchemy_db

        events = sqlalchemy_db.SQLAlchemyEvents(self._runtime)
        events.install()
        self.translators[sqlalchemy_db.SCOPE_NAME] = events.translate

    def _httpx(self) -> None:
        from tradewise_otel.instrument import httpx_client, httpx_spans

        httpx_spans.install(self._runtime.ledger)
        events = httpx_client.HttpxEvents(self._runtime)
        self.translators[httpx_client.SCOPE_NAME] = events.translate

    def let_go(self) -> None:
        """Called at the end of the process: nothing waits for a verdict any longer."""
        for end in self._ends:
            self._runtime.ledger.shielded("let go", end, None)()

    def after_fork(self) -> None:
        """Called in each forked child."""
        for forked in self._forks:
            forked()
