"""Our listeners in contrib's SQLAlchemy instrumentation: the same spans as with contrib's own."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy
from opentelemetry.instrumentation.sqlalchemy import engine as contrib
from opentelemetry.metrics import NoOpMeter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tradewise_otel.instrument import db_listeners
from tradewise_otel.pipeline.ledger import Ledger


def spans_of(statements: list[str], monkeypatch: pytest.MonkeyPatch, ours: bool) -> list[Any]:
    """Name and attributes of the statements' spans."""
    with monkeypatch.context() as patch:
        for name in (*db_listeners.POOL, "_set_db_client_span_attributes"):
            # So that the patch knows what to put back.
            patch.setattr(contrib.EngineTracer, name, getattr(contrib.EngineTracer, name))
        if ours:
            db_listeners.install(Ledger())
        spans, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(spans))
        engine = sqlalchemy.create_engine("sqlite:///:memory:")
        usage = NoOpMeter("t").create_up_down_counter("usage")
        contrib.EngineTracer(provider.get_tracer("t"), engine, usage)
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(sqlalchemy.text(statement))
    return [(span.name, dict(span.attributes or {})) for span in spans.get_finished_spans()]


def test_statements_are_described_as_contrib_describes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name and attributes of a statement's span are what contrib makes of it."""
    statements = ["select 1", "/* x */ select 2", "create table t (a int)", "insert into t values (1)"]
    ours, theirs = (spans_of(statements, monkeypatch, ours) for ours in (True, False))
    assert len(ours) == len(statements)
    assert ours == theirs


def test_contrib_registers_its_pool_listeners_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """contrib looks its listeners up on the class when an engine is made, and counts connections in them."""
    heard: list[str] = []
    for name in db_listeners.POOL:
        monkeypatch.setattr(contrib.EngineTracer, name, lambda *_, name=name: heard.append(name))
    engine = sqlalchemy.create_engine("sqlite:///:memory:")
    contrib.EngineTracer(TracerProvider().get_tracer("t"), engine, None)
    with engine.connect():
        pass
    engine.dispose()
    assert heard == ["_pool_connect", "_pool_checkout", "_pool_checkin", "_pool_close"]
