"""Who is asking: one mutable holder a request, and `bind()`.

A holder is one object for all that runs on behalf of a request, so what a sync dependency writes in the
threadpool is seen by the endpoint, by child tasks, by background tasks and at the end of the span; a
context variable set in a threadpool never comes back (decision P4). The holder dies a minute after its
request: a poll loop that a request started would otherwise carry its first user for days.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any

from tradewise_otel.texts import printable

OUTLIVES_SECONDS = 60.0
"""How long after its root span a holder still lends its user and its verdict to stragglers."""

WAITING_RECORDS = 512
WAITING_BYTES = 512 * 1024
"""What may wait for the verdict of one request; one more, and the request is called slow (P8)."""

Release = Callable[[str, float], None]
"""Sends a record or a span that has waited, given the verdict's reason and weight."""

Scope = dict[str, Any]
_STATE_NAMES = frozenset({"user_id", "tenant_id", "session_id"})


class Request:
    """What is known of one request while it runs. Written from any thread, read at any time.

    Attributes:
        request_id: the correlation id, kept from the caller or made here; None outside requests.
        user_id, tenant_id, session_id: identity as bound; `session_id` in clear, it leaves as a pseudonym.
        scope: the innermost ASGI scope, for `request.state` and the route.
        reason, weight: the verdict, once there is one; reason is None before.
        keep: strongest reason so far to keep the whole request (`severity` or `event`), else None.
        sampled: the ratio's answer, which is the W3C sampled flag; None where no root span was asked.
        ratio_weight: how many requests this one stands for, if the ratio keeps it.
        span: the root span, or that of the mounted app that answers; None outside requests.
        pending: what waits for `settle`.
        connections: attempts to connect to a bot, by outcome: recorded by hand less stated as events.
        parts: what its records share in writing, kept by whoever writes them for as long as it lives.
    """

    __slots__ = (
        "_identity",
        "_learned",
        "_waiting",
        "_waiting_bytes",
        "connections",
        "ended_at",
        "keep",
        "parts",
        "pending",
        "ratio_weight",
        "reason",
        "request_id",
        "sampled",
        "scope",
        "session_id",
        "session_pseudonym",
        "span",
        "tenant_id",
        "user_id",
        "weight",
    )

    def __init__(self, request_id: str | None = None, scope: Scope | None = None) -> None:
        self.request_id = request_id
        self.scope = scope
        self.user_id: str | None = None
        self.tenant_id: str | None = None
        self.session_id: str | None = None
        self.session_pseudonym: str | None = None
        self.reason: str | None = None
        self.keep: str | None = None
        self.sampled: bool | None = None
        self.span: Any = None
        self.weight = self.ratio_weight = 1.0
        self.ended_at: float | None = None
        self.connections = (0, 0)
        self._learned = 0
        self._identity: tuple[int, dict[str, str]] = (-1, {})
        self.pending: list[Callable[[], None]] = []
        self.parts: dict[tuple[object, int], Any] = {}
        self._waiting: deque[Release] = deque()
        self._waiting_bytes = 0

    def learn(self, **identity: object) -> None:
        """Takes the identity that is given; None and empty values teach nothing."""
        for name, value in identity.items():
            if value is not None and (text := printable(value)):
                setattr(self, name, text)
        self._learned += 1

    def name_session(self, pseudonym: str | None) -> None:
        """Says how the session is called in what leaves."""
        self.session_pseudonym = pseudonym
        self._learned += 1

    def learn_from_state(self) -> None:
        """Takes what the app put on `request.state` and nobody has bound yet."""
        state = self.scope.get("state") if self.scope is not None else None
        if not state or (isinstance(state, dict) and _STATE_NAMES.isdisjoint(state)):
            return
        for name in _STATE_NAMES:
            if getattr(self, name) is None and (value := _state_value(state, name)) is not None:
                self.learn(**{name: value})

    def connects(self, success: bool, *, by_hand: bool) -> bool:
        """Notes an attempt to connect to a bot; whether it is news, or what the other side has said already.

        An app may state an attempt as an event and record it by hand too, as the document does, in any order.
        """
        balance = [*self.connections]
        balance[success] += 1 if by_hand else -1
        self.connections = (balance[0], balance[1])
        return balance[success] > 0 if by_hand else balance[success] < 0

    def identity(self) -> dict[str, str]:
        """What records and spans say of who is asking, as far as known; the session as its pseudonym.

        The same dict until more is known: whoever wants to change it takes a copy.
        """
        as_of, known = self._identity
        if as_of != self._learned:
            # Counted first: what another thread learns meanwhile is in the next answer.
            as_of = self._learned
            known = self._who()
            self._identity = (as_of, known)
        return known

    def _who(self) -> dict[str, str]:
        known: dict[str, str] = {}
        if self.request_id is not None:
            known["request_id"] = self.request_id
        if self.user_id is not None:
            known["user_id"] = self.user_id
        if self.tenant_id is not None:
            known["tenant_id"] = self.tenant_id
        if self.session_pseudonym is not None:
            known["session_id"] = self.session_pseudonym
        return known

    def wait(self, send: Callable[[], None]) -> None:
        """Keeps one record back until `settle`: `api_request`, which wants to know its user (P16)."""
        self.pending.append(send)

    def settle(self) -> None:
        """Lets the waiting record go. Several threads may call it; each record goes once."""
        while self.pending:
            try:
                send = self.pending.pop(0)
            except IndexError:
                return
            send()

    @property
    def is_open(self) -> bool:
        """True while records wait: there is a root span, and no verdict over it yet."""
        return self.reason is None and self.span is not None

    def until_verdict(self, release: Release, size: int) -> None:
        """Keeps a record or span of `size` bytes back until the verdict; past the bounds there is one."""
        self._waiting.append(release)
        self._waiting_bytes += size
        if self.reason is not None:
            # Another thread has decided in this moment.
            self._release()
        elif len(self._waiting) > WAITING_RECORDS or self._waiting_bytes > WAITING_BYTES:
            self.decide("slow", 1.0)

    def decide(self, reason: str, weight: float) -> None:
        """States the verdict and lets go what has waited for it. The first one stays."""
        if self.reason is None:
            self.weight = weight
            self.reason = reason
        self._release()

    def _release(self) -> None:
        # Several threads may be here; each record goes once.
        while self._waiting:
            try:
                release = self._waiting.popleft()
            except IndexError:
                return
            release(self.reason or "none", self.weight)

    def end(self) -> None:
        """The root span has ended: what comes from now on is a straggler."""
        if self.reason is None:
            # Whoever should have judged has failed; nothing may wait for ever.
            self.decide(*self.by_ratio())
        self.ended_at = time.monotonic()

    def by_ratio(self) -> tuple[str, float]:
        """What the ratio alone says: reason and weight."""
        return ("ratio", self.ratio_weight) if self.sampled else ("none", 1.0)

    @property
    def expired(self) -> bool:
        """True once stragglers may no longer speak in this request's name."""
        return self.ended_at is not None and time.monotonic() - self.ended_at > OUTLIVES_SECONDS


def _state_value(state: Any, name: str) -> object:
    # The ASGI scope holds a plain dict; some frameworks put an object there.
    return state.get(name) if isinstance(state, dict) else getattr(state, name, None)


_CURRENT: ContextVar[Request | None] = ContextVar("tradewise_request", default=None)


def current() -> Request | None:
    """The holder of whatever runs here, expired or not; None outside requests."""
    return _CURRENT.get()


def enter(request: Request) -> Token[Request | None]:
    """Makes `request` the current one; give the token to `leave`."""
    return _CURRENT.set(request)


def leave(token: Token[Request | None]) -> None:
    """Ends what `enter` began."""
    _CURRENT.reset(token)


def bind(*, user_id: object = None, tenant_id: object = None, session_id: object = None) -> None:
    """States who is asking; every later line, span and event of this request says so (contract 5).

    Works in async code, in threadpool dependencies and in tasks of the request. Outside a request, for
    example in a scheduled job, it holds for the code that runs in the same context.

    Args:
        user_id, tenant_id: as they shall stand in the records. Absent or None leaves what was known.
        session_id: in clear; it leaves the process only as a keyed pseudonym.
    """
    request = _CURRENT.get()
    if request is None or request.expired:
        request = Request(request.request_id if request is not None else None)
        _CURRENT.set(request)
    if session_id is not None:
        request.name_session(None)
    request.learn(user_id=user_id, tenant_id=tenant_id, session_id=session_id)
    request.settle()
