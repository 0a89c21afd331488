"""Traffic beside the demo, which meanwhile watches its processes."""

import threading

from tradewise_otel.tools.demo import traffic
from tradewise_otel.tools.demo.processes import DemoError


class Traffic:
    """Traffic in a thread of its own, so that Ctrl-C does not have to find its way through an event loop.

    Whoever waits for it sleeps and looks: an exception that a signal raises inside `join` or `Event.wait`
    leaves their locks released that others still hold.
    """

    def __init__(self, backend_url: str, bot_url: str, seed: int, rounds: int, pause: float) -> None:
        self._arguments = (backend_url, bot_url, seed, rounds, pause)
        self._error: Exception | None = None
        self.ended = False
        threading.Thread(target=self._run, name="traffic", daemon=True).start()

    def _run(self) -> None:
        try:
            traffic.run(*self._arguments)
        except Exception as error:
            self._error = error
        finally:
            self.ended = True

    def check(self) -> None:
        """Raise DemoError if it went wrong."""
        if self._error:
            raise DemoError(f"the traffic stopped: {self._error!r}") from self._error
