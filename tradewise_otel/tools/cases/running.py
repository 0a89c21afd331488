"""Runs one case against the real binary: the layers as shipped, but every exporter leads to us."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tradewise_otel.tools.cases.case import SIGNALS, Case
from tradewise_otel.tools.cases.receiving import UNSEEN, End, Record, from_files
from tradewise_otel.tools.cases.sending import Sender, tails
from tradewise_otel.tools.collector.config import Role, load_role
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses

FOLDER = "<folder>"
"""Stands for the folder that a case's files lie in."""

PATIENCE_SECONDS = 15.0
"""How long what is expected may take; lines and tails are waited for."""
_GRACE_SECONDS = 0.5
_TAIL_SECONDS = 2.5

# Only to be let in; nothing is sent there.
_NEEDED = {
    "DD_API_KEY": "a-case",
    "TRADEWISE_NODE_NAME": "a-node",
    "TRADEWISE_GATEWAY_URL": "http://127.0.0.1:9",
    "TRADEWISE_AGENT_URL": "http://127.0.0.1:9",
    "TRADEWISE_KAFKA_BROKERS": "127.0.0.1:9",
    "TRADEWISE_TAIL_WAIT": "500ms",
}


def run(case: Case, find: Callable[[Role], Path], folder: Path) -> dict[str, list[Record]]:
    """What comes out, by signal.

    Args:
        find: gives the binary of a role.
        folder: an empty one, for layers, data and tailed files.

    Raises:
        CollectorError: the Collector does not start with this configuration, or refuses what is sent.
    """
    extras = folder / "extras.yaml"
    extras.write_text(yaml.safe_dump(dict(case.extras)), encoding="utf-8")
    role = load_role(case.role, case.overlays, extras)
    with End() as end:
        if role.name != "laptop":
            layer = folder / "ends.yaml"
            layer.write_text(yaml.safe_dump(_ends(role, end.url)), encoding="utf-8")
            role = dataclasses.replace(role, files=(*role.files, layer))
        settings = {
            **_NEEDED,
            "TRADEWISE_DATA_DIR": str(folder / "data"),
            **tails(folder),
            **free_addresses(),
        }
        with CollectorProcess(find(role), role, {**settings, **case.settings}) as collector:
            sender = Sender(collector.http, folder)
            for step in case.send:
                sender.send(step)
            read = (lambda: from_files(collector.data)) if role.name == "laptop" else (lambda: end.records)
            found = _settled(case, read)
    # Where it ran is nobody's business, and another place each time.
    anywhere: dict[str, list[Record]] = json.loads(json.dumps(found).replace(str(folder), FOLDER))
    return anywhere


def _settled(case: Case, read: Callable[[], dict[str, list[Record]]]) -> dict[str, list[Record]]:
    """What there is once all that is expected has come, or nothing more does, and a moment has passed."""
    grace = _TAIL_SECONDS if "tail-sampling" in case.overlays else _GRACE_SECONDS
    waits = any("lines" in step for step in case.send) or case.expect is None
    deadline = time.monotonic() + (PATIENCE_SECONDS if case.expect else 4 * _TAIL_SECONDS if waits else grace)
    while time.monotonic() < deadline and not _complete(case, read()):
        time.sleep(0.05)
    time.sleep(grace)
    return read()


def _complete(case: Case, found: dict[str, list[Record]]) -> bool:
    expect = case.expect
    return expect is not None and all(len(found[signal]) >= len(expect[signal]) for signal in SIGNALS)


def _ends(role: Role, url: str) -> dict[str, Any]:
    """A layer in which each exporter's place is taken by one that sends OTLP/JSON to us, at once."""
    pipelines, connectors = _pipelines(role)
    exporters: dict[str, Any] = {}
    changed: dict[str, Any] = {}
    for name, pipeline in pipelines.items():
        # Statistics come when their interval is over, not when a case is.
        unseen = name == "metrics/statistics"
        ours = []
        for exporter in pipeline["exporters"]:
            if exporter in connectors:
                ours.append(exporter)
                continue
            place = UNSEEN if unseen else exporter
            ours.append(f"otlp_http/case_{place.replace('/', '_')}")
            exporters[ours[-1]] = _end(f"{url}/{place}")
        changed[name] = {"exporters": ours}
    return {"exporters": exporters, "service": {"pipelines": changed}}


def _end(endpoint: str) -> dict[str, Any]:
    # Without a queue: when the sender has its answer, its records have come.
    return {"endpoint": endpoint, "encoding": "json", "sending_queue": {"enabled": False}}


def _pipelines(role: Role) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """The role's pipelines as the layers add up to, and the names of its connectors."""
    pipelines: dict[str, dict[str, Any]] = {}
    connectors: set[str] = set()
    for file in role.files:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        connectors |= set(content.get("connectors") or {})
        for name, pipeline in ((content.get("service") or {}).get("pipelines") or {}).items():
            pipelines.setdefault(name, {}).update(pipeline)
    return pipelines, connectors
