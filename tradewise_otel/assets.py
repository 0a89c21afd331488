"""Where the shipped files are: the only finder of `collector/`, `deploy/datadog/` and of the checkout.

In a checkout the folders stand beside the package, and edits there count at once; in an installed wheel it is
package data (`setup.py` puts it there). Nothing else may guess at paths.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def repository_root() -> Path | None:
    """The checkout that this package runs from, or `None` when it is installed from a wheel."""
    root = _PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and (root / "collector").is_dir() else None


def collector_dir() -> Path:
    """The folder with the Collector's manifest, lock, layers and roles.

    Raises:
        FileNotFoundError: the installation is damaged: neither a checkout nor package data is there.
    """
    return _shipped("collector")


def datadog_dir() -> Path:
    """The folder with what a Datadog organisation is to have: monitors, dashboards, indexes.

    Raises:
        FileNotFoundError: see `collector_dir`.
    """
    return _shipped("deploy/datadog")


def _shipped(name: str) -> Path:
    root = repository_root()
    folder = (root or _PACKAGE / "_assets") / name
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is missing: reinstall tradewise-otel, or run from a checkout")
    return folder
