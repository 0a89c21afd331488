"""Which files are generated, from what, and whether the committed ones are fresh.

An artefact is a path relative to the checkout and a function that returns its whole text. Generated files
are committed, so that readers need no tool and a change of the contract shows in the diff.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tradewise_otel.tools.datadog.compiling import resources

from . import calls, classify, docs, edge, secrets

_REDACTION = Path("collector/components/tradewise_redaction")


def artefacts() -> dict[Path, Callable[[], str]]:
    """Every generated file: path relative to the checkout root, and what renders its text."""
    return {
        Path("docs/events.md"): docs.events,
        Path("tradewise_otel/events/calls.py"): calls.calls,
        Path("docs/metrics.md"): docs.metrics,
        Path("docs/settings.md"): docs.settings,
        Path("collector/config/classify.generated.yaml"): classify.classify,
        Path("collector/config/edge.generated.yaml"): edge.edge,
        _REDACTION / "internal/secrets/rules.generated.json": secrets.secrets,
        **resources.files(),
    }


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


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
