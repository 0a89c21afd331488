"""The layers hang together: manifest, components, pipelines and roles say the same."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tradewise_otel.assets import collector_dir

BASE = collector_dir()
LAYERS = sorted([*BASE.glob("config/*.yaml"), *BASE.glob("roles/*.yaml")])
SECTIONS = ("receivers", "processors", "exporters", "connectors", "extensions")
ROLES: dict[str, dict[str, Any]] = json.loads((BASE / "roles.json").read_text(encoding="utf-8"))["roles"]
MODULES = {
    "receivers": {"otlp": "otlpreceiver"},
    "processors": {
        "memory_limiter": "memorylimiterprocessor",
        "redaction": "redactionprocessor",
        "transform": "transformprocessor",
    },
    "exporters": {"file": "fileexporter"},
    "connectors": {},
    "extensions": {"health_check": "healthcheckextension"},
}
"""Component type, as configurations write it, to the module that brings it."""


def _load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def _components(paths: list[Path]) -> list[tuple[str, str]]:
    """Section and name of every component that is defined in the files."""
    return [
        (section, name) for path in paths for section in SECTIONS for name in _load(path).get(section, {})
    ]


@pytest.mark.parametrize("role", ROLES)
def test_manifest_and_layers_name_the_same_components(role: str) -> None:
    """Every component of a role's layers is in its manifest, and nothing else is."""
    layers = [BASE / file for file in ROLES[role]["files"]]
    used = {(section, MODULES[section][name.partition("/")[0]]) for section, name in _components(layers)}
    manifest = _load(BASE / ROLES[role]["manifest"])
    built = {
        (section, row["gomod"].split()[0].rpartition("/")[2])
        for section in SECTIONS
        for row in manifest.get(section, [])
    }
    assert built == used


@pytest.mark.parametrize("role", ROLES)
def test_every_defined_component_is_used(role: str) -> None:
    """A role's pipelines and extensions use all that its layers define, and only that."""
    layers = [BASE / file for file in ROLES[role]["files"]]
    services = [_load(path).get("service", {}) for path in layers]
    used = {("extensions", name) for service in services for name in service.get("extensions", [])}
    for service in services:
        for pipeline in service.get("pipelines", {}).values():
            used |= {(section, name) for section, names in pipeline.items() for name in names}
    assert set(_components(layers)) == used


def test_a_component_is_defined_in_one_file() -> None:
    """Later files replace lists and merge maps silently, so no component stands in two."""
    assert [name for name, count in Counter(_components(LAYERS)).items() if count > 1] == []


def test_pipelines_stand_in_role_files_only() -> None:
    """A role's pipelines are in its own file and nowhere else."""
    with_pipelines = [path for path in LAYERS if "pipelines" in _load(path).get("service", {})]
    assert with_pipelines == sorted(BASE / "roles" / f"{role}.yaml" for role in ROLES)


def test_roles_name_every_layer() -> None:
    """No layer is forgotten, none is missing, and the users' seam comes last."""
    named = {BASE / file for role in ROLES.values() for file in role["files"]}
    assert named == {*LAYERS, BASE / "extras.yaml"}
    assert {role["files"][-1] for role in ROLES.values()} == {"extras.yaml"}


@pytest.mark.parametrize("path", LAYERS, ids=lambda path: path.name)
def test_a_layer_says_how_it_is_loaded(path: Path) -> None:
    """Each layer opens with what it is for and the command that loads it."""
    comments = re.match(r"(#.*\n)+", path.read_text(encoding="utf-8"))
    assert comments is not None
    assert "tradewise-otel collector run" in comments[0]


@pytest.mark.parametrize("path", LAYERS, ids=lambda path: path.name)
def test_a_processor_says_why_it_stands_there(path: Path) -> None:
    """Order is meaning here, so each processor carries a comment right above it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for name in _load(path).get("processors", {}):
        assert lines[lines.index(f"  {name}:") - 1].startswith("  # ")


@pytest.mark.parametrize("role", ROLES)
def test_all_modules_are_of_one_release(role: str) -> None:
    """Manifest and lock agree on one release of core and contrib."""
    manifest = (BASE / ROLES[role]["manifest"]).read_text(encoding="utf-8")
    assert set(re.findall(r"gomod: \S+ (v\S+)", manifest)) == {"v0.155.0", "v1.61.0"}
    locked = (BASE / ROLES[role]["lock"] / "go.mod").read_text(encoding="utf-8")
    for module in re.findall(r"gomod: (\S+ v\S+)", manifest):
        assert f"\t{module}\n" in locked


def test_redaction_fails_closed() -> None:
    """What could not be scanned is refused: no transform of the redact layer passes over its errors."""
    processors = _load(BASE / "config" / "redact.yaml")["processors"]
    modes = {name: body.get("error_mode") for name, body in processors.items() if name != "redaction"}
    assert modes == {"transform/lend": "propagate", "transform/return": "propagate"}
