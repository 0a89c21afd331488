"""What the state is told of events, and what becomes of its answers (contract 2).

Steps and checks leave their request for the state's thread, which finishes them with what it knows; all
else is noted in passing. Nothing here waits.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY

from tradewise_otel.instrument.runtime import Runtime
from tradewise_otel.record.build import OWN_LOGGER, Event, automatic
from tradewise_otel.state.abuse import Rule
from tradewise_otel.state.bots import CHANGED
from tradewise_otel.state.desk import Means, Receiver
from tradewise_otel.state.inbox import BotChecked, BotUsed, Called, LoginFailed, Note, StepTaken
from tradewise_otel.state.kpis import DAILY_USERS
from tradewise_otel.state.opening import LastingStore, Say, import_client, open_store, place_of
from tradewise_otel.state.store import Store
from tradewise_otel.state.thread import State
from tradewise_otel.texts import printable

SUSPICIOUS = "security_suspicious_activity"
_HEALTHY = "healthy"

Caller = tuple[dict[str, str], str | None, int, int, int, int]
"""Of whom an alarm would tell: identity, address, trace id, span id, trace flags, time."""


class StatefulEvents:
    """Between the sink and the state of one process.

    Args:
        url: where the state is.
        name: subject to keyed hash.
        clean: redacts a text that the state keeps.
        say: told when the store is out of reach, and when it is back.
    """

    def __init__(
        self,
        runtime: Runtime,
        url: str,
        name: Callable[[str], str],
        clean: Callable[[str], str],
        say: Say,
    ) -> None:
        self._sink, self._ledger = runtime.sink, runtime.ledger
        self._url, self._service = url, runtime.settings.service_name
        calls, logins = runtime.settings.rapid_calls, runtime.settings.brute_force
        shielded = runtime.ledger.shielded
        self._say = shielded("say", say, None)
        self._state = State(
            Means(
                Rule("rapid_api_calls", calls.times, calls.seconds),
                # The documented alert fires above its number.
                Rule("brute_force", logins.times + 1, logins.seconds),
                name,
                clean,
            ),
            self._store,
            Receiver(
                shielded("finish event", self.finish, None),
                shielded("alarm", self.alarm, None),
                shielded("figure", self.figure, None),
                functools.partial(runtime.ledger.internal_error, "state"),
            ),
        )

    def install(self) -> None:
        """Has the sink show what the state wants to see."""
        import_client(self._url)
        self._sink.divert(
            {
                "user_journey_step": self.step,
                "bot_health_check": self.check,
                "security_login_failed": self.login,
                "business_bot_connected": self.bot,
                "bot_connection_test_success": self.bot,
                "bot_connection_test_failed": self.bot,
                "api_response": self.call,
            }
        )

    def stop(self, seconds: float) -> None:
        """Finishes what waits; what has no answer in time goes without."""
        self._state.stop(seconds)

    def before_fork(self) -> None:
        """Called in the parent, before."""
        self._state.before_fork()

    def forked(self) -> None:
        """Called in the parent, after."""
        self._state.forked()

    def after_fork(self) -> None:
        """Called in each forked child."""
        self._state.after_fork()

    def _store(self) -> LastingStore:
        return LastingStore(self._open, place_of(self._url), self._say)

    def _open(self, owner: str) -> Store:
        # For all that the state's thread does: its own calls are no part of the app.
        otel_context.attach(otel_context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        return open_store(self._url, self._service, owner)

    def step(self, event: Event) -> bool:
        """A step waits for its place in the session; without a session it has none."""
        session, step = _known(event, "session_id"), _known(event, "step")
        if session is None or step is None:
            return False
        return self._waits(StepTaken(session, step, event.timestamp_ns, event))

    def check(self, event: Event) -> bool:
        """A check waits for what is known of its bot; all but healthy ones are kept."""
        bot, status = _known(event, "bot_id"), printable(event.fields.get("status"))
        event.keep = status != _HEALTHY
        if bot is None:
            return False
        return self._waits(BotChecked(bot, status, _known(event, "user_id"), event.timestamp_ns, event))

    def login(self, event: Event) -> bool:
        """A failed login counts for its account and its address."""
        address = _known(event, "ip_address") or _address(event)
        note = LoginFailed(_known(event, "email"), address, event.timestamp_ns, _caller(event, address))
        return self._passes(note)

    def bot(self, event: Event) -> bool:
        """A bot was in use."""
        bot = _known(event, "bot_id")
        return bot is not None and self._passes(BotUsed(bot, _known(event, "user_id"), event.timestamp_ns))

    def call(self, event: Event) -> bool:
        """An API call counts for its user, or for its address where there is none."""
        if event.logger_name != OWN_LOGGER:
            return False
        address = _address(event)
        user = event.identity.get("user_id")
        return self._passes(Called(user, address, event.timestamp_ns, _caller(event, address)))

    def _waits(self, note: Note) -> bool:
        if self._state.put(note):
            return True
        self._ledger.add("invalid", "logs", reason="no_state")
        return False

    def _passes(self, note: Note) -> bool:
        if not self._state.put(note):
            self._ledger.add("dropped", "state", reason="queue_full")
        return False

    def finish(self, event: Event, fields: dict[str, Any]) -> None:
        """The state has answered, or has no answer: the event goes. What the app has said itself stands."""
        if not fields:
            self._ledger.add("invalid", "logs", reason="no_state")
        event.keep = bool(fields.pop(CHANGED, False)) or event.keep
        event.fields = {**fields, **event.fields}
        self._sink.finish(event)

    def alarm(self, caller: Caller, fields: dict[str, Any]) -> None:
        """Somebody has called too often; the alarm has time and trace of the call that was too many."""
        identity, address, trace_id, span_id, flags, timestamp_ns = caller
        if address is not None:
            fields = {"ip_address": address, **fields}
        words = f"{fields['call_count']} in {fields['time_window_seconds']} seconds"
        event = automatic(
            SUSPICIOUS, "WARNING", f"{fields['activity_type']}: {words}", fields, None, None, timestamp_ns
        )
        event.identity = identity
        event.trace_id, event.span_id, event.trace_flags = trace_id, span_id, flags
        self._sink.emit(event)

    def figure(self, kind: str, fields: dict[str, Any]) -> None:
        """A day is over, and this is the one worker that tells it."""
        text = f"Users of {fields['date']}" if kind == DAILY_USERS else "Bots of yesterday"
        self._sink.emit(automatic(kind, "INFO", text, fields, None, None))


def _known(event: Event, name: str) -> str | None:
    """What the event or its request says; the words of the app may be of any type."""
    value = event.fields.get(name)
    if value is None or value == "":
        return event.identity.get(name)
    return printable(value)


def _address(event: Event) -> str | None:
    scope = event.request.scope if event.request is not None else None
    client = scope.get("client") if scope is not None else None
    return str(client[0]) if client else None


def _caller(event: Event, address: str | None) -> Caller:
    return event.identity, address, event.trace_id, event.span_id, event.trace_flags, event.timestamp_ns
