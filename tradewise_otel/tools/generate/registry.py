"""Which files are generated, from what, and whether the committed ones are fresh.

An artefact is a path relative to the checkout and a function that returns its whole text. Generated files
are committed, so that readers need no tool and a change of the contract shows in the diff.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tradewise_otel.assets import collector_dir
from tradewise_otel.tools.datadog.compiling import resources

from . import calls, classify, docs, edge, secrets

_CHART = Path("deploy/helm/tradewise-otel/files/collector")
_LAYERS = ("config", "overlays", "roles")
_REDACTION = Path("collector/components/tradewise_redaction")


def artefacts() -> dict[Path, Callable[[], str]]:
    """Every generated file: path relative to the checkout root, and what renders its text."""
    rendered: dict[Path, Callable[[], str]] = {
        Path("docs/events.md"): docs.events,
        Path("tradewise_otel/events/calls.py"): calls.calls,
        Path("docs/metrics.md"): docs.metrics,
        Path("docs/settings.md"): docs.settings,
        Path("collector/config/classify.generated.yaml"): classify.classify,
        Path("collector/config/edge.generated.yaml"): edge.edge,
        _REDACTION / "internal/secrets/rules.generated.json": secrets.secrets,
        **resources.files(),
    }
    return rendered | _chart_files(rendered)


def write(root: Path) -> list[Path]:
    """Write the stale files under `root`; returns their paths, relative to it."""
    changed = check(root)
    for path in changed:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(artefacts()[path](), encoding="utf-8")
    return changed


def check(root: Path) -> list[Path]:
    """The files under `root` that are missing or differ from what would be generated now."""
    return [path for path, render in artefacts().items() if _text(root / path) != render()]


def _chart_files(rendered: Mapping[Path, Callable[[], str]]) -> dict[Path, Callable[[], str]]:
    """Copies of the Collector's layers, for Helm reads nothing outside its chart."""
    root = collector_dir()
    layers = sorted(path for folder in _LAYERS for path in (root / folder).glob("*.yaml"))
    copies: dict[Path, Callable[[], str]] = {}
    for path in (*layers, root / "roles.json", root / "extras.yaml"):
        inside = path.relative_to(root)
        # What is generated itself may be stale on disk.
        copies[_CHART / inside] = rendered.get("collector" / inside) or partial(path.read_text, "utf-8")
    return copies


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
