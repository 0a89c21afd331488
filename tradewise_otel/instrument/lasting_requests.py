"""Requests that last: after a second whoever asks should be known, after five there is a verdict (P8, P16).

One timer an event loop looks through all open requests. One a request would keep its objects alive for a
second after its end, and the garbage collector would look through all of them, again and again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from weakref import WeakSet

from tradewise_otel.instrument.http_exchange import Exchange
from tradewise_otel.pipeline.ledger import Ledger

_LOOKS_EVERY_SECONDS = 0.25
_API_REQUEST_WAITS_SECONDS = 1.0 - _LOOKS_EVERY_SECONDS
_RECORDS_WAIT_SECONDS = 5.0 - _LOOKS_EVERY_SECONDS


class Watch:
    """Looks after the open requests of a process.

    Args:
        exchanges: the open ones, oldest first.
        judge: decides over a request before its end.
    """

    def __init__(
        self, exchanges: Mapping[int, Exchange], judge: Callable[[Exchange], None], ledger: Ledger
    ) -> None:
        self._exchanges, self._judge = exchanges, judge
        self._again = ledger.guarded("lasting requests", self._look_again, self._let_go)
        self.after_fork()

    def after_fork(self) -> None:
        """The parent's loops and their timers are not this process's."""
        self._looking: WeakSet[asyncio.AbstractEventLoop] = WeakSet()

    def ensure(self, loop: asyncio.AbstractEventLoop) -> None:
        """Has `loop` look for as long as there are open requests; a loop that ends takes its timer along."""
        if loop not in self._looking:
            self._looking.add(loop)
            loop.call_later(_LOOKS_EVERY_SECONDS, self._again, loop)

    def _look_again(self, loop: asyncio.AbstractEventLoop) -> None:
        self._look()
        if self._exchanges:
            loop.call_later(_LOOKS_EVERY_SECONDS, self._again, loop)
        else:
            self._let_go(loop)

    def _let_go(self, loop: asyncio.AbstractEventLoop) -> None:
        """The next request has it look again."""
        self._looking.discard(loop)

    def _look(self) -> None:
        now = time.perf_counter()
        # A copy in one step: requests of other loops come and go meanwhile.
        for exchange in list(self._exchanges.values()):
            age = now - exchange.started
            if age < _API_REQUEST_WAITS_SECONDS:
                return
            exchange.request.settle()
            if age >= _RECORDS_WAIT_SECONDS and exchange.request.is_open:
                self._judge(exchange)
