"""`tradewise-otel demo`: backend, stub bot, traffic and Collector, from nothing to a table.

The backend and its events come first; the Collector, which may take minutes to build, joins a
backend that is already running, as it would after an outage.
"""

import contextlib
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.collector.process import CollectorProcess
from tradewise_otel.tools.demo import commands, summary
from tradewise_otel.tools.demo.building import BuildResult
from tradewise_otel.tools.demo.files import Files
from tradewise_otel.tools.demo.playing import Traffic
from tradewise_otel.tools.demo.printer import Printer
from tradewise_otel.tools.demo.processes import Child, DemoError, Interrupts
from tradewise_otel.tools.ports import free_ports

# Records travel in batches; a few seconds is usual, more is a machine that is busy.
ARRIVAL_SECONDS = 30.0
SLOW_TRAFFIC_PAUSE_SECONDS = 1.0
GLANCE_SECONDS = 0.2


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    once: bool = False
    rounds: int = 1
    seed: int = 1
    keep: Path | None = None
    datadog: bool = False


class Destination(Protocol):
    """Where the Collector sends, and how to see what has arrived there (`Files`, `Datadog`)."""

    role: str
    patience: str

    def settings(self) -> dict[str, str]: ...
    def look(self, wanted: set[str], shown: Counter[str]) -> bool: ...
    def report(self, wanted: set[str]) -> str: ...
    def missing(self, shown: Counter[str]) -> list[str]: ...
    def where(self) -> list[str]: ...


def run_demo(options: Options) -> int:
    """Play the demo and return the exit code; every process is gone then, whatever happened."""
    interrupts = Interrupts()
    folder = _work_folder(options.keep)
    with (
        interrupts.installed(),
        # Closed in reverse: senders first, so that their last records still find the Collector.
        contextlib.ExitStack() as receivers,
        contextlib.ExitStack() as senders,
    ):
        try:
            return Demo(options, folder, interrupts, senders, receivers).play()
        finally:
            interrupts.hold_for_good()


def _work_folder(keep: Path | None) -> Path:
    # It stays after the end, because that is when people try the commands under the table.
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="tradewise-demo-"))
    keep.mkdir(parents=True, exist_ok=True)
    if any(keep.iterdir()):
        raise DemoError(f"--keep {keep}: not empty; name a new folder", 2)
    return keep.absolute()


class Demo:
    """One demo: its processes, in the order in which the reader meets them."""

    def __init__(
        self,
        options: Options,
        folder: Path,
        interrupts: Interrupts,
        senders: contextlib.ExitStack,
        receivers: contextlib.ExitStack,
    ) -> None:
        self._options, self._folder, self._interrupts = options, folder, interrupts
        self._senders, self._receivers = senders, receivers
        self._printer = Printer(folder / "backend.jsonl", sys.stdout)
        self._data = folder / "collector"
        self._destination = self._open_destination()
        self._backend_port, self._bot_port, *collector = free_ports(5)
        self._otlp_port, self._grpc_port, self._health_port = collector

    def play(self) -> int:
        """Events, Collector, events again, table, figures; then slow traffic until Ctrl-C unless `--once`."""
        self._say(f"demo: everything happens in {self._folder}, on 127.0.0.1")
        self._start_bot()
        self._start_backend()
        build = self._start_build()
        self._traffic(self._options.seed, "first round of traffic, while the Collector is made")
        self._start_collector(self._wait_for(build))
        # What was recorded while nothing listened may have been shed; from here on all must arrive.
        self._printer.event_ids()
        self._traffic(self._options.seed + 1, "second round of traffic, through the Collector")
        missing = self._show_table()
        if not self._options.once:
            self._go_on()
        if missing:
            raise DemoError(f"missing: {', '.join(missing)}")
        return 0

    def _open_destination(self) -> Destination:
        if not self._options.datadog:
            return Files(self._data)
        # Not at the top: the laptop's demo needs none of what they need.
        from tradewise_otel.tools.demo.datadog import KEY, Datadog
        from tradewise_otel.tools.standin.server import StandIn

        with self._interrupts.held():
            standin = self._receivers.enter_context(StandIn(self._folder / "datadog", api_key=KEY))
        return Datadog(standin)

    def _say(self, text: str = "") -> None:
        self._printer.say(text)

    def _start(
        self, name: str, command: list[str], environ: Mapping[str, str], on_line: Callable[[str], None]
    ) -> Child:
        with self._interrupts.held():
            child = Child(name, command, environ, self._folder / f"{name}.log", on_line)
            self._senders.callback(child.stop)
        return child

    def _start_bot(self) -> None:
        bot = self._start("bot", commands.bot_command(self._bot_port), os.environ, self._say)
        bot.wait_for_port(self._bot_port)

    def _start_backend(self) -> None:
        command = commands.backend_command(self._backend_port)
        shown = ["opentelemetry-instrument", *command[command.index("uvicorn") :]]
        self._say(f"demo: starting {' '.join(shown)}")
        self._backend = self._start("backend", command, self._backend_environ, self._printer.take)
        self._backend.wait_for_port(self._backend_port)

    def _start_build(self) -> BuildResult:
        result = BuildResult(self._say)
        self._build = self._start(
            "build", commands.build_command(self._destination.role), os.environ, result.take
        )
        return result

    def _wait_for(self, build: BuildResult) -> Path:
        if not build.done:
            self._say("demo: waiting for the Collector; the backend goes on, quietly, into backend.jsonl")
            self._printer.quiet_events = True
        while not build.done:
            time.sleep(GLANCE_SECONDS)
            self._backend.check_alive()
            self._build.check_alive()
        self._printer.quiet_events = False
        return build.binary()

    def _start_collector(self, binary: Path) -> None:
        settings = {
            "TRADEWISE_DATA_DIR": str(self._data),
            "TRADEWISE_OTLP_HTTP": f"127.0.0.1:{self._otlp_port}",
            "TRADEWISE_OTLP_GRPC": f"127.0.0.1:{self._grpc_port}",
            "TRADEWISE_HEALTH": f"127.0.0.1:{self._health_port}",
            **self._destination.settings(),
        }
        role = load_role(self._destination.role)
        collector = CollectorProcess(binary, role, settings, self._folder / "collector.log")
        with self._interrupts.held():
            self._receivers.callback(collector.stop)
            collector.start()
        self._say(f"demo: the Collector is up on {collector.http}")

    def _traffic(self, seed: int, title: str, rounds: int = 0, pause: float = 0) -> None:
        self._say(f"demo: {title}")
        playing = Traffic(self._backend_url, self._bot_url, seed, rounds or self._options.rounds, pause)
        while not playing.ended:
            time.sleep(GLANCE_SECONDS)
            self._backend.check_alive()
        playing.check()

    @property
    def _backend_environ(self) -> dict[str, str]:
        return commands.backend_environ(os.environ, f"http://127.0.0.1:{self._otlp_port}", self._folder)

    @property
    def _backend_url(self) -> str:
        return f"http://127.0.0.1:{self._backend_port}"

    @property
    def _bot_url(self) -> str:
        return f"http://127.0.0.1:{self._bot_port}"

    def _show_table(self) -> list[str]:
        wanted = self._printer.event_ids()
        self._wait_until_arrived(wanted)
        self._say(self._destination.report(wanted))
        self._show_figures()
        self._say(self._where())
        figures = [name for name in summary.FIGURES if not self._printer.counts[name]]
        return self._destination.missing(self._printer.counts) + figures

    def _wait_until_arrived(self, wanted: set[str]) -> None:
        self._printer.quiet_events = True
        self._say(f"demo: waiting until all of it has arrived ({self._destination.patience})")
        deadline = time.monotonic() + ARRIVAL_SECONDS
        while not self._destination.look(wanted, self._printer.counts) and time.monotonic() < deadline:
            self._backend.check_alive()
            time.sleep(1)

    def _show_figures(self) -> None:
        self._say("today so far, as `tradewise-otel kpis` reads it in the state store:")
        kpis = self._start("kpis", commands.figures_command(), self._backend_environ, self._printer.show)
        while kpis.exit_code is None:
            time.sleep(GLANCE_SECONDS)
        kpis.stop()
        self._say()

    def _where(self) -> str:
        lines = ["every line of the backend:", f"  {self._printer.path}", *self._destination.where()]
        lines += ["to try:", *(f"  {line}" for line in summary.jq_lines(self._printer.path))]
        return "\n".join(lines)

    def _go_on(self) -> None:
        """Slow traffic until Ctrl-C, which is the usual end here and no failure."""
        with contextlib.suppress(KeyboardInterrupt):
            self._say("\ndemo: slow traffic goes on; Ctrl-C stops everything")
            self._printer.quiet_events = False
            for number in count(2):
                seed = self._options.seed + number
                self._traffic(seed, f"traffic with seed {seed}", rounds=1, pause=SLOW_TRAFFIC_PAUSE_SECONDS)
        self._printer.quiet_events = True
        self._say("demo: stopping")
