"""Every file under `deploy/datadog/` that is derived from the catalogue, and what renders it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from . import documents, retaining
from .dashboards import dashboards
from .metric_tags import metric_tags
from .monitors import monitors
from .slos import slos

FOLDER = Path("deploy/datadog")

_KINDS: dict[str, Callable[[], Iterator[tuple[str, dict[str, Any]]]]] = {
    "metric-tags": metric_tags,
    "slos": slos,
    "monitors": monitors,
    "dashboards": dashboards,
    "log-indexes": retaining.indexes,
    "log-archives": retaining.archives,
    "span-filters": retaining.span_filters,
    "storage": retaining.storage,
}


def files() -> dict[Path, Callable[[], str]]:
    """Path relative to the checkout, and what renders the file's text."""
    found: dict[Path, Callable[[], str]] = {
        FOLDER / "runbook.md": documents.runbook,
        FOLDER / "facets.md": documents.facets,
    }
    for kind, bodies in _KINDS.items():
        for stem, body in bodies():
            found[FOLDER / kind / f"{stem}.json"] = partial(_text, body)
    return found


def _text(body: dict[str, Any]) -> str:
    return json.dumps(body, indent=2) + "\n"
