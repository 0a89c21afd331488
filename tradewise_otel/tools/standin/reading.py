"""A recording by its folder alone, for commands: decoded with the definitions of the gateway's own lock."""

from __future__ import annotations

import os
from pathlib import Path

from tradewise_otel.tools.collector.build import cache_dir
from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.standin.definitions import load_definitions
from tradewise_otel.tools.standin.received import Received
from tradewise_otel.tools.standin.recording import INDEX, Recording


def received_of(folder: Path) -> Received:
    """What Datadog has after a recording.

    Raises:
        FileNotFoundError: the folder holds none.
        UndecodableError: a request that nobody can read.
    """
    if not (folder / INDEX).is_file():
        raise FileNotFoundError(f"{folder} is no recording: it has no {INDEX}")
    definitions = load_definitions(load_role("gateway").lock, os.environ, cache_dir(os.environ))
    return Received(Recording(folder), definitions)
