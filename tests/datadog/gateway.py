"""The gateway's Collector between whoever sends and Datadog's stand-in, as one thing to start and to ask."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tradewise_otel.tools.collector.build import build, cache_dir
from tradewise_otel.tools.collector.config import Role, load_role
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses
from tradewise_otel.tools.standin.definitions import Definitions, load_definitions
from tradewise_otel.tools.standin.received import Received
from tradewise_otel.tools.standin.server import StandIn

NODE = "node-7"
OTHER_FILES = [f"TRADEWISE_TAIL_{kind}" for kind in ("PODS", "DOCKER", "PLAIN")]
KEY = "0123456789abcdef0123456789abcdef"
# Statistics leave when their interval is over; ten seconds of waiting would teach nothing.
EXTRAS = "connectors: {datadog/statistics: {traces: {bucket_interval: 1s}}}\n"
URLS = [f"TRADEWISE_DD_{intake}_URL" for intake in ("OTLP", "TRACES", "METRICS", "LOGS")]


@dataclass
class Gateway:
    """A running gateway. `http` takes OTLP, `datadog` is what Datadog has of it by now."""

    collector: CollectorProcess
    standin: StandIn
    datadog: Received

    @property
    def http(self) -> str:
        """Base URL of its OTLP/HTTP door."""
        return self.collector.http

    def wait(self, condition: Callable[[Received], object], seconds: float = 30.0) -> None:
        """Returns once `condition` holds of what Datadog has; fails after `seconds`."""
        deadline = time.monotonic() + seconds
        while not condition(self.datadog.refresh()):
            assert time.monotonic() < deadline, (
                f"Datadog never had it; the Collector:\n{self.collector.tail()}"
            )
            time.sleep(0.1)


@contextmanager
def gateway(folder: Path, role: Role | None = None, **settings: str) -> Iterator[Gateway]:
    """A gateway in a folder of its own, before an empty stand-in."""
    role = role or gateway_role(folder)
    with StandIn(folder / "recording", api_key=KEY) as standin:
        own = dict.fromkeys(URLS, standin.url)
        data = {"TRADEWISE_DATA_DIR": str(folder / "data"), "DD_API_KEY": KEY}
        binary = build(role, os.environ)
        with CollectorProcess(binary, role, {**data, **own, **free_addresses(), **settings}) as collector:
            yield Gateway(collector, standin, Received(standin.recording, definitions()))


@contextmanager
def agent(folder: Path, before: Gateway, tails: Path, **settings: str) -> Iterator[CollectorProcess]:
    """An agent before a gateway, which tails one file of lines and takes OTLP."""
    role = load_role("agent")
    nothing = {
        f"TRADEWISE_TAIL_{kind}": str(folder / "nothing" / "*") for kind in ("PODS", "DOCKER", "PLAIN")
    }
    own = {"TRADEWISE_DATA_DIR": str(folder / "agent"), "TRADEWISE_GATEWAY_URL": before.http}
    own |= {"TRADEWISE_TAIL_FILES": str(tails), "TRADEWISE_NODE_NAME": NODE}
    with CollectorProcess(
        build(role, os.environ), role, {**nothing, **own, **free_addresses(), **settings}
    ) as running:
        yield running


def gateway_role(folder: Path, overlays: Sequence[str] = ()) -> Role:
    """The role as shipped, with statistics that come soon."""
    extras = folder / "extras.yaml"
    statistics = not {"datadog-otlp", "datadog-agent"} & set(overlays)
    extras.write_text(EXTRAS if statistics else "{}\n", encoding="utf-8")
    return load_role("gateway", overlays, extras)


def changed(role: Role, folder: Path, layer: str, change: Callable[[str], str]) -> Role:
    """The role with one layer's text changed; fails when the change changes nothing."""
    (original,) = [path for path in role.files if path.name == layer]
    text = original.read_text(encoding="utf-8")
    assert change(text) != text, layer
    target = folder / layer
    target.write_text(change(text), encoding="utf-8")
    return replace(role, files=tuple(target if path == original else path for path in role.files))


def definitions() -> Definitions:
    """Datadog's own message definitions, of the versions in the gateway's lock."""
    return load_definitions(load_role("gateway").lock, os.environ, cache_dir(os.environ))
