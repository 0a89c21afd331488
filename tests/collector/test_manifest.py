"""Manifests, locks and our own modules say what the layers use, and nothing else is compiled in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from collector_command import OVERLAID, ROLES, TABLE, Variant
from harness.holds import holds

from tradewise_otel.assets import collector_dir
from tradewise_otel.tools.collector.config import load_role

BASE = collector_dir()
RELEASE = {"v0.155.0", "v1.61.0"}
MODULES = {
    "receivers": {"file_log": "filelogreceiver", "kafka": "kafkareceiver", "otlp": "otlpreceiver"},
    "processors": {
        "cumulativetodelta": "cumulativetodeltaprocessor",
        "filter": "filterprocessor",
        "memory_limiter": "memorylimiterprocessor",
        "tail_sampling": "tailsamplingprocessor",
        "tradewise_redaction": "tradewise_redaction",
        "transform": "transformprocessor",
    },
    "exporters": {
        "datadog": "datadogexporter",
        "file": "fileexporter",
        "kafka": "kafkaexporter",
        "otlp_http": "otlphttpexporter",
    },
    "connectors": {
        "datadog": "datadogconnector",
        "forward": "forwardconnector",
        "span_metrics": "spanmetricsconnector",
    },
    "extensions": {
        "bearertokenauth": "bearertokenauthextension",
        "file_storage": "filestorage",
        "health_check": "healthcheckextension",
        "durability": "durability",
        "self_telemetry": "selftelemetry",
    },
}
"""Component type, as configurations write it, to the module that brings it."""
OWN: dict[str, set[str]] = {
    "manifest.local.yaml": {"durability", "tradewise_redaction"},
    "manifest.yaml": {"datadogconnector", "durability", "tradewise_redaction"},
}
"""Manifest to its modules that lie in collector/components."""


def _load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content or {}


def _rows(role: Variant) -> list[tuple[str, dict[str, str]]]:
    """Section and row of each component in a role's manifest."""
    manifest = _load(load_role(role.role).manifest)
    return [(section, row) for section in MODULES for row in manifest.get(section, [])]


def _module(row: dict[str, str]) -> str:
    return row.get("import", row["gomod"].split()[0]).rpartition("/")[2]


def _files(manifest: str) -> list[Path]:
    """The layers of all roles that share a manifest, and of all overlays that belong to them."""
    roles = {name: row for name, row in TABLE["roles"].items() if row["manifest"] == manifest}
    overlays = [
        TABLE["overlays"][variant.overlays[0]][variant.role] for variant in OVERLAID if variant.role in roles
    ]
    return [BASE / name for row in [*roles.values(), *overlays] for name in row["files"]]


@holds("2.M6")
@pytest.mark.parametrize("role", ROLES, ids=str)
def test_manifest_and_layers_name_the_same_components(role: Variant) -> None:
    """A manifest holds every component of the layers and overlays of all its roles, and nothing else."""
    used = {
        (section, MODULES[section][name.partition("/")[0]])
        for path in _files(load_role(role.role).manifest.name)
        for section in MODULES
        for name in _load(path).get(section, {})
    }
    assert {(section, _module(row)) for section, row in _rows(role)} == used


@pytest.mark.parametrize("role", ROLES, ids=str)
def test_own_modules_come_from_beside_the_manifest(role: Variant) -> None:
    """What is ours, and only that, has a `path:`, to a folder whose go.mod has the manifest's module name."""
    own = {row["path"].rpartition("/")[2]: row for _, row in _rows(role) if "path" in row}
    assert own.keys() == OWN[load_role(role.role).manifest.name]
    folders = load_role(role.role).components
    assert {folder.name for folder in folders} == own.keys()
    for folder in folders:
        assert own[folder.name]["path"] == f"./components/{folder.name}"
        named = (folder / "go.mod").read_text(encoding="utf-8").split()[1]
        assert own[folder.name]["gomod"] == f"{named} v0.0.0"


def test_every_component_of_ours_is_in_a_manifest() -> None:
    """No folder of collector/components is left over."""
    named = {folder for role in ROLES for folder in load_role(role.role).components}
    assert named == set((BASE / "components").iterdir())


@pytest.mark.parametrize("role", ROLES, ids=str)
def test_all_modules_are_of_one_release(role: Variant) -> None:
    """Manifest and lock agree on one release of core and contrib; ours are replaced by their folders."""
    locked = (load_role(role.role).lock / "go.mod").read_text(encoding="utf-8")
    providers = [("providers", row) for row in _load(load_role(role.role).manifest)["providers"]]
    for _, row in [*_rows(role), *providers]:
        module, version = row["gomod"].split()
        if "path" in row:
            assert f"replace {module} {version} => ../components/{module.rpartition('/')[2]}\n" in locked
        else:
            assert version in RELEASE
            assert f"\t{module} {version}\n" in locked


@pytest.mark.parametrize("role", ROLES, ids=str)
def test_own_modules_are_of_that_release_too(role: Variant) -> None:
    """Our own modules ask for the Collector's release that the manifest has, or the lock would lift it."""
    for folder in load_role(role.role).components:
        asked = (folder / "go.mod").read_text(encoding="utf-8")
        assert set(re.findall(r"(?:telemetry\.io/|opentelemetry-)collector\S* (v\S+)", asked)) <= RELEASE
