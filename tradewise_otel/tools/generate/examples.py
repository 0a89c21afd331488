"""The example of each event: the code that makes it, and the line that comes of it.

Typed calls are written from the catalogue's own examples, and the line is put together by what the app runs,
from the same values. Where an app states nothing, or would state less, the code stands here. The end-to-end
tests run all of it under the launcher and compare.
"""

from __future__ import annotations

import json
from typing import Any

from tradewise_otel.catalogue.common import Context
from tradewise_otel.catalogue.events import PLAIN
from tradewise_otel.catalogue.lookup import fields_of, must_be_stated
from tradewise_otel.catalogue.vocabulary import EventType
from tradewise_otel.out.stdout import Lines
from tradewise_otel.record.build import Event, ExceptionInfo
from tradewise_otel.record.statement import Call

from .calls import call_name

_IDS = frozenset(fields_of(Context))
_WIDTH = 100
_NOON = 1_704_110_400_123_000_000
_FAILURE = ("error_type", "error_message", "error", "attempt", "cancelled", "stream_duration_ms")
"""Fields that are not on the usual event."""

_REQUEST = """\
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tradewise_otel import bind

app = FastAPI()


@app.post("/api/v1/external-bots/test-connection")
async def test_connection(debug: bool = False) -> dict[str, str]:
    bind(user_id="user-123", tenant_id="tenant-456")
    return {"state": "running"}


client = TestClient(app, headers={"User-Agent": "Mozilla/5.0...", "X-Request-ID": "req-789"})
client.post("/api/v1/external-bots/test-connection?debug=true")
"""
_ROUTE = {"route": "/api/v1/external-bots/test-connection"}

_STEPS = """\
from tradewise_otel import events

for step in ("register", "login", "bot_connection_test"):
    events.user_journey_step(user_id="user-123", session_id="session-456", step=step)
"""
_PLAIN = """\
import logging

try:
    raise ValueError("no such bot")
except ValueError:
    logging.getLogger(__name__).exception("the bot is gone", extra={"bot_id": "bot-789"})
"""
_CODE = {
    "api_request": _REQUEST,
    "api_response": _REQUEST,
    "user_journey_step": _STEPS,
    PLAIN.name: _PLAIN,
}
"""Events whose code is no single call."""

_NAMES = {"business_": "order_filled", "audit_": "bot_deleted", "security_": "token_revoked"}
_FREE: dict[str, dict[str, Any]] = {
    "business_": {"order_id": "order-1", "quantity": 3},
    "security_": {"token_id": "token-7"},
    PLAIN.name: {"bot_id": "bot-789"},
}
"""Of open families a name, and fields that nobody documents."""

_WHO = {
    "bot_connection_test_success": ("request_id", "user_id", "tenant_id"),
    "database_operation": ("tenant_id",),
    "bot_health_check": ("tenant_id",),
    "user_journey_step": ("user_id",),
    "business_user_registered": ("user_id", "tenant_id"),
    "business_bot_connected": ("user_id", "tenant_id"),
    "security_suspicious_activity": ("user_id",),
    "api_request": ("request_id", "user_id", "tenant_id"),
    "api_response": ("request_id", "user_id", "tenant_id"),
}
"""Ids that the document's example of an event has."""


def code(row: EventType) -> list[str]:
    """Programs that make the event, one for each form of it that the document shows."""
    if row.name in _CODE:
        return [_CODE[row.name]]
    usual = _stated(row)
    if row.name == "performance_metric":
        return [_call(row, usual), _call(row, {**usual, "status": "error", "error": "timed out"})]
    return [_call(row, usual)]


def line(row: EventType) -> dict[str, Any]:
    """The line of the first of them."""
    fields = {**_stated(row), **_filled(row)}
    level, message, exception = row.level, row.brief.rstrip("."), None
    if not row.stated:
        message = f"{fields['method']} {fields['path']}"
    if row.name == "api_response":
        fields |= _ROUTE
        message += " 200"
    if row.name == PLAIN.name:
        level, message = "ERROR", "the bot is gone"
        trace = "Traceback (most recent call last):\n"
        exception = ExceptionInfo("ValueError", "no such bot", [trace, "ValueError: no such bot\n"])
    elif row.stated:
        positional = (_NAMES[row.name],) if row.open_family else ()
        _, level, message, _, _ = Call(row).understood(positional, dict(fields))
    event = Event(
        timestamp_ns=_NOON,
        level=level,
        message=message,
        logger_name="app.services" if row.stated else "tradewise_otel",
        event_type=(row.name + _NAMES.get(row.name, "")) or None,
        fields=fields,
        thread_id=5678,
        event_id="c0ffee0123456789",
        exception=exception,
        source=("/app/services.py", 92, "test_bot_connection") if row.stated else None,
    )
    return {**Lines("tradewise-backend", "", "production").document(event), "process_id": 1234}


def _stated(row: EventType) -> dict[str, Any]:
    """What the call says: the catalogue's examples."""
    ids = {*_WHO.get(row.name, ()), *must_be_stated(row)}
    fields = {
        name: mark.example
        for name, mark in fields_of(row.fields).items()
        if not mark.filled and name not in _FAILURE and (name not in _IDS or name in ids)
    }
    if row.name in ("bot_connection_test_failed", "database_connection_error"):
        fields["error_type"] = "ConnectError"
    return {**fields, **_FREE.get(row.name, {})}


def _filled(row: EventType) -> dict[str, Any]:
    """What the state store adds."""
    return {name: mark.example for name, mark in fields_of(row.fields).items() if mark.filled}


def _call(row: EventType, fields: dict[str, Any]) -> str:
    words = [json.dumps(_NAMES[row.name])] if row.open_family else []
    words += [f"{name}={json.dumps(value)}" for name, value in fields.items()]
    start = f"events.{call_name(row)}("
    call = start + ", ".join(words) + ")"
    if len(call) > _WIDTH:
        call = start + "\n" + "".join(f"    {word},\n" for word in words) + ")"
    return f"from tradewise_otel import events\n\n{call}\n"
