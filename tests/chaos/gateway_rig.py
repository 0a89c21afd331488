"""One gateway Collector on one data folder, and its intake, which can be broken and mended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal

from chaos_records import arrived
from patient_sender import PatientSender
from typing_extensions import Self

from tradewise_otel.tools.collector.build import build
from tradewise_otel.tools.collector.config import ADDRESSES, load_role, xdg_dir
from tradewise_otel.tools.collector.process import CollectorProcess
from tradewise_otel.tools.ports import free_port
from tradewise_otel.tools.standin.definitions import load_definitions
from tradewise_otel.tools.standin.received import Received
from tradewise_otel.tools.standin.server import StandIn

Way = Literal["refused", "hang", "cut", 403, 429, 500, 503]
"""How an intake is away: nobody listens, it never answers, it closes the connection, or a status."""
WAYS: tuple[Way, ...] = ("refused", "hang", "cut", 403, 429, 500, 503)

KEY = "k" * 32
_INTAKES = ("DD_OTLP", "DD_TRACES", "DD_METRICS", "DD_LOGS", "AGENT")


class Rig:
    """A context manager: stand-in and Collector run while the block runs; the Collector is killed at its end.

    Args:
        folder: an empty one, for recording and data.
        overlays: of the role gateway.
        settings: of the Collector, on top of what the rig needs.

    Attributes:
        collector: may be stopped, killed and started at will; folder and ports stay.
        standin: the intake.
        received: what it has; `refresh` it.
    """

    def __init__(self, folder: Path, overlays: Sequence[str] = (), **settings: str) -> None:
        role = load_role("gateway", overlays)
        self.standin = StandIn(folder / "recording")
        self.data = folder / "data"
        own = {f"TRADEWISE_{name}_URL": self.standin.url for name in _INTAKES}
        # Below the ephemeral range: a sender must not get the port of a Collector that was just killed.
        own |= {name: f"127.0.0.1:{free_port()}" for name in ADDRESSES}
        own |= {"TRADEWISE_DATA_DIR": str(self.data), "DD_API_KEY": KEY}
        self.collector = CollectorProcess(
            build(role, os.environ, lambda _: None), role, {**own, **settings}, folder / "collector.log"
        )
        cache = xdg_dir(os.environ, "XDG_CACHE_HOME", ".cache") / "tradewise-otel" / "collector"
        self.received = Received(self.standin.recording, load_definitions(role.lock, os.environ, cache))

    def break_intake(self, way: Way) -> None:
        """The intake goes away, or is away in another way from now on."""
        if way == "refused":
            self.standin.down()
            return
        self.standin.script("/", way)
        self.standin.up()

    def mend_intake(self) -> None:
        """The intake is back. What hangs goes on hanging until its sender gives up."""
        self.standin.heal()
        self.standin.up()

    def missing(self, sender: PatientSender) -> set[str]:
        """The ids that were acknowledged and have not reached Datadog."""
        return sender.acknowledged().keys() - arrived(self.received.refresh(), sender.signal).keys()

    def wait_for_all(self, senders: Sequence[PatientSender], seconds: float) -> bool:
        """Wait until all that was acknowledged has arrived; whether it has within `seconds`."""
        return wait_until(lambda: not any(self.missing(sender) for sender in senders), seconds)

    def __enter__(self) -> Self:
        self.standin.up()
        self.collector.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.collector.kill()
        self.standin.__exit__(kind, error, trace)
        if error:
            print(self.collector.tail())


def wait_until(true: Callable[[], bool], seconds: float) -> bool:
    """Ask again and again; whether it became true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
