"""The layers hang together: roles, overlays, pipelines and comments say the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from collector_command import OVERLAID, ROLES, TABLE, VARIANTS, Variant
from harness.holds import holds

from tradewise_otel.assets import collector_dir
from tradewise_otel.tools.collector.config import collector_environment, load_role

BASE = collector_dir()
LAYERS = sorted(path for folder in ("config", "roles", "overlays") for path in (BASE / folder).glob("*.yaml"))
SECTIONS = ("receivers", "processors", "exporters", "connectors", "extensions")
WAYS = [variant for variant in OVERLAID if variant.overlays[0].startswith("datadog-")]


@cache
def _load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


@cache
def _merged(variant: Variant) -> dict[str, Any]:
    """The layers as the Collector sees them: maps merged, lists replaced."""
    whole: dict[str, Any] = {}
    for path in load_role(variant.role, variant.overlays).files:
        _merge(whole, _load(path) or {})
    return whole


def _merge(into: dict[str, Any], layer: dict[str, Any]) -> None:
    for name, body in layer.items():
        if isinstance(body, dict) and isinstance(into.get(name), dict):
            _merge(into[name], body)
        else:
            # A copy, since anchors make one object of several, and layers are read once.
            into[name] = deepcopy(body)


def _defined(content: dict[str, Any]) -> set[tuple[str, str]]:
    return {(section, name) for section in SECTIONS for name in content.get(section) or {}}


def _used(content: dict[str, Any]) -> set[tuple[str, str]]:
    """What pipelines and `service.extensions` name; a connector is an exporter and a receiver there."""
    connectors, service = content.get("connectors", {}), content["service"]
    used = {("extensions", name) for name in service["extensions"]}
    for pipeline in service["pipelines"].values():
        for section, names in pipeline.items():
            used |= {("connectors" if name in connectors else section, name) for name in names}
    return used


def _extensions_needed(part: Any) -> Iterator[str]:
    """Names of extensions that a component leans on."""
    if isinstance(part, dict):
        yield from (part[key] for key in ("storage", "authenticator") if isinstance(part.get(key), str))
        yield from (row["id"] for row in part.get("middlewares") or [])
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _extensions_needed(inner)


@holds("2.M6")
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_what_is_used_is_defined(variant: Variant) -> None:
    """Pipelines and extensions of each role and overlay name defined components only."""
    content = _merged(variant)
    assert _used(content) <= _defined(content)


@holds("2.M6")
@pytest.mark.parametrize("role", ROLES, ids=str)
def test_every_defined_component_is_used(role: Variant) -> None:
    """What a role's layers define, the role uses; what an overlay defines, it uses itself."""
    plain = _merged(role)
    assert _defined(plain) == _used(plain)
    for variant in OVERLAID:
        if variant.role == role.role:
            content = _merged(variant)
            assert _defined(content) - _defined(plain) <= _used(content)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_extensions_that_components_lean_on_run(variant: Variant) -> None:
    """Storage, middleware and authenticator of every component in use are among the extensions started."""
    content = _merged(variant)
    needed = {
        extension
        for section, name in _used(content)
        for extension in _extensions_needed(content[section][name] or {})
    }
    assert needed <= set(content["service"]["extensions"])


def test_a_component_is_defined_in_one_file() -> None:
    """Later files replace lists and merge maps silently; only the door `otlp` is refined."""
    count = Counter(component for path in LAYERS for component in _defined(_load(path)))
    assert [component for component, times in count.items() if times > 1] == [("receivers", "otlp")]
    with_door = [path.name for path in LAYERS if ("receivers", "otlp") in _defined(_load(path))]
    assert with_door == ["base.yaml", "queue.yaml", "secure.yaml"]


def test_pipelines_stand_in_role_files_only() -> None:
    """A role's pipelines and extensions are in its own file; layers below it say nothing of them."""
    for part in ("pipelines", "extensions"):
        having = {path for path in LAYERS if part in _load(path).get("service", {})}
        own = {path for path in having if path.parent.name != "overlays"}
        assert own == {BASE / "roles" / f"{role}.yaml" for role in ROLES}


def test_roles_name_every_layer() -> None:
    """No layer is forgotten, missing, or replaced where it is not; the users' seam comes last."""
    parts = [(role, part) for overlay in TABLE["overlays"].values() for role, part in overlay.items()]
    rows = [*TABLE["roles"].values(), *(part for _, part in parts)]
    assert {BASE / file for row in rows for file in row["files"]} == {*LAYERS, BASE / "extras.yaml"}
    assert {row["files"][-1] for row in TABLE["roles"].values()} == {"extras.yaml"}
    for role, part in parts:
        assert set(part["instead_of"]) <= set(TABLE["roles"][role]["files"])
    assert set(TABLE["needs"]) <= {file for row in rows for file in row["files"]}


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_what_a_layer_needs_is_asked_for(variant: Variant) -> None:
    """Every variable without a default in the layers is a setting that the start insists on, or fills in."""
    role = load_role(variant.role, variant.overlays)
    text = "".join(path.read_text(encoding="utf-8") for path in role.files)
    without = set(re.findall(r"\$\{env:(\w+)\}", text)) - collector_environment({"HOME": "/"}).keys()
    assert without == set(role.needs)


def _entrances(content: dict[str, Any]) -> dict[str, list[str]]:
    """Signal to the processors of the pipeline that the door `otlp` leads into."""
    pipelines = content["service"]["pipelines"].items()
    return {name.partition("/")[0]: p["processors"] for name, p in pipelines if "otlp" in p["receivers"]}


@pytest.mark.parametrize("variant", WAYS, ids=str)
def test_an_overlay_keeps_the_order_of_its_role(variant: Variant) -> None:
    """On each way to Datadog the same processors run in the same order; what an overlay adds comes last."""
    role, content = _entrances(_merged(Variant(variant.role))), _merged(variant)
    own = _load(BASE / "overlays" / f"{variant.overlays[0]}.yaml").get("processors", {})
    entrances = _entrances(content)
    assert entrances.keys() == role.keys()
    for signal, processors in entrances.items():
        # Only the datadog exporter takes its own host's name for one that is missing.
        without_host = [name for name in role[signal] if name != "transform/host"]
        shared = [name for name in processors if name not in own]
        assert shared in (role[signal], without_host)
        assert processors[: len(shared)] == shared


def test_the_agent_does_a_part_of_it_in_that_order() -> None:
    """The agent guards and redacts as the gateway does, and then says where it was; it judges nothing."""
    agent, gateway = (_entrances(_merged(Variant(role))) for role in ("agent", "gateway"))
    for signal, processors in agent.items():
        assert processors[-1] == "transform/node"
        shared = [name for name in processors if name in gateway[signal]]
        assert shared == ["memory_limiter", "tradewise_redaction"]
        own = {"transform/node", "transform/lines"} if signal == "logs" else {"transform/node"}
        assert set(processors) - set(shared) == own


def test_all_roles_have_one_order() -> None:
    """The gateway does what the laptop does, in the same order, and then what is its own."""
    laptop, gateway = (_entrances(_merged(Variant(role))) for role in ("laptop", "gateway"))
    for signal, processors in laptop.items():
        # What our distro has not kept ends before it costs anything; the laptop keeps it.
        same = [processor for processor in gateway[signal] if processor != "filter/judged"]
        assert same[: len(processors)] == processors
        assert processors[:3] == ["memory_limiter", "transform/normalise", "tradewise_redaction"]


@pytest.mark.parametrize("path", LAYERS, ids=lambda path: path.name)
def test_a_layer_says_how_it_is_loaded(path: Path) -> None:
    """Each layer opens with what it is for and the command that loads it, with the role or overlay's name."""
    comments = re.match(r"(#.*\n)+", path.read_text(encoding="utf-8"))
    assert comments is not None
    assert "tradewise-otel collector run" in comments[0]
    if path.parent.name == "overlays":
        overlays = {name for name, parts in TABLE["overlays"].items() if _file(path) in _files(parts)}
        assert any(f"--overlay {name}" in comments[0] for name in overlays)


def _file(path: Path) -> str:
    return str(path.relative_to(BASE))


def _files(parts: dict[str, Any]) -> set[str]:
    return {file for part in parts.values() for file in part["files"]}


@pytest.mark.parametrize("path", LAYERS, ids=lambda path: path.name)
def test_a_processor_says_why_it_stands_there(path: Path) -> None:
    """Order is meaning here, so each processor carries a comment right above it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for name in _load(path).get("processors", {}):
        place = next(number for number, line in enumerate(lines) if line.startswith(f"  {name}:"))
        assert lines[place - 1].startswith("  # ")
