"""Which files and which settings a Collector is started with.

`collector/roles.json` is the one list of roles, their layers, and the settings that a layer cannot do
without; the commands, the demo and the tests come here for it.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradewise_otel.assets import collector_dir
from tradewise_otel.tools.collector.settings import ROWS

ADDRESSES = {
    "TRADEWISE_OTLP_HTTP": "127.0.0.1:4318",
    "TRADEWISE_OTLP_GRPC": "127.0.0.1:4317",
    "TRADEWISE_HEALTH": "127.0.0.1:13133",
    "TRADEWISE_READY": "127.0.0.1:13134",
    "TRADEWISE_SELF": "127.0.0.1:13135",
}
"""Setting to default address of each port that a Collector listens on (the layers say the same)."""


class CollectorError(Exception):
    """What keeps a Collector from being built or started, in words a user can act on."""

    exit_code = 1


@dataclass(frozen=True)
class Role:
    """A way to run the Collector.

    `files` are its layers in loading order, `lock` a folder, `components` the folders of our own modules that
    the manifest names, all absolute; `needs` are the settings without which its layers do not work, and
    `arguments` what the binary is started with beside them.
    """

    name: str
    manifest: Path
    lock: Path
    files: tuple[Path, ...]
    components: tuple[Path, ...]
    needs: tuple[str, ...]
    arguments: tuple[str, ...]


def role_names() -> list[str]:
    """The roles that exist, as `roles.json` has them."""
    return list(_roles_json()["roles"])


def overlay_names() -> list[str]:
    """The overlays that exist."""
    return list(_roles_json()["overlays"])


def load_role(name: str, overlays: Sequence[str] = (), extras: Path | None = None) -> Role:
    """One role with its overlays; `extras` takes the place of the shipped, empty `extras.yaml`.

    Raises:
        CollectorError: unknown role or overlay, or `extras` is not a file.
    """
    base, table, row = collector_dir(), _roles_json(), _pick("role", name)
    chosen = {overlay: _pick("overlay", overlay) for overlay in overlays}
    _check_pairing(name, chosen)
    # One that replaces layers comes where they were, in whatever order they are given: lists of a later file
    # win, and the pipelines' file would take away what `secure` has added to service.extensions.
    parts = [part[name] for part in chosen.values()]
    variations = sorted(parts, key=lambda variation: not variation["instead_of"])
    left_out = {"extras.yaml"}.union(*(variation["instead_of"] for variation in variations))
    layers = [file for file in row["files"] if file not in left_out]
    layers += [file for variation in variations for file in variation["files"]]
    last = extras.resolve() if extras else base / "extras.yaml"
    if not last.is_file():
        raise CollectorError(f"--extras {extras}: no such file")
    manifest = base / row["manifest"]
    return Role(
        name=name,
        manifest=manifest,
        lock=base / row["lock"],
        files=(*(base / file for file in layers), last),
        components=_components(manifest),
        needs=tuple(setting for file in layers for setting in table["needs"].get(file, ())),
        arguments=tuple(word for part in (row, *variations) for word in part.get("arguments", ())),
    )


def run_arguments(role: Role) -> list[str]:
    """What the binary is started with to run the role."""
    return [*role.arguments, *config_arguments(role)]


def config_arguments(role: Role) -> list[str]:
    """The `--config` arguments of the binary, one a layer."""
    return [f"--config=file:{path}" for path in role.files]


def collector_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """A copy of `environ` in which every setting that has a default outside the layers has a value.

    Blank ones are left out. A Datadog exporter would ask a cloud's metadata service for a host name, of which
    we make no use, so it is told not to.
    """
    said, folder = without_blanks(environ), str(data_dir(environ))
    defaults = {"AWS_EC2_METADATA_DISABLED": "true", "TRADEWISE_NODE_NAME": socket.gethostname()}
    return {**defaults, **said, "TRADEWISE_DATA_DIR": folder}


def without_blanks(environ: Mapping[str, str]) -> dict[str, str]:
    """A copy of `environ` without settings that are blank, as `DD_SITE=${DD_SITE:-}` in a Compose file is.

    The Collector itself would take the empty text instead of the default.
    """
    blank = {row.env for row in ROWS if not environ.get(row.env, "").strip()}
    return {name: text for name, text in environ.items() if name not in blank}


def data_dir(environ: Mapping[str, str]) -> Path:
    """`TRADEWISE_DATA_DIR`, else `$XDG_STATE_HOME/tradewise-otel`, else `~/.local/state/tradewise-otel`."""
    if chosen := environ.get("TRADEWISE_DATA_DIR", "").strip():
        return Path(chosen).absolute()
    return xdg_dir(environ, "XDG_STATE_HOME", ".local/state") / "tradewise-otel"


def xdg_dir(environ: Mapping[str, str], variable: str, under_home: str) -> Path:
    """An XDG base folder; `under_home` is its place when `variable` is unset, or relative, which XDG ignores.

    Raises:
        CollectorError: neither `variable` nor `HOME` says where it is.
    """
    chosen, home = environ.get(variable, ""), environ.get("HOME", "")
    if os.path.isabs(chosen):
        return Path(chosen)
    if not home:
        raise CollectorError(f"neither {variable} nor HOME is set: set {variable} to a writable folder")
    return Path(home, under_home)


def _check_pairing(role: str, chosen: Mapping[str, Any]) -> None:
    for overlay, parts in chosen.items():
        if role not in parts:
            raise CollectorError(f"overlay {overlay} belongs to role {' and '.join(parts)}, not {role}")
        if clash := chosen.keys() & set(parts[role].get("not_with", ())):
            raise CollectorError(f"overlay {overlay} has nothing to do beside {min(clash)}: choose one")
    if len(ways := [overlay for overlay in chosen if overlay.startswith("datadog-")]) > 1:
        raise CollectorError(
            f"choose one of the overlays {' and '.join(ways)}: each says where all data goes"
        )


def _components(manifest: Path) -> tuple[Path, ...]:
    """The folders of the modules that the manifest takes from us, as its `path:` rows say."""
    rows = re.findall(r"^ +path: (\./components/\w+)$", manifest.read_text(encoding="utf-8"), re.MULTILINE)
    # A module may bring more than one component.
    return tuple(manifest.parent / row for row in dict.fromkeys(rows))


def _roles_json() -> dict[str, dict[str, Any]]:
    text = (collector_dir() / "roles.json").read_text(encoding="utf-8")
    table: dict[str, dict[str, Any]] = json.loads(text)
    return table


def _pick(kind: str, name: str) -> Any:
    table = _roles_json()[f"{kind}s"]
    if name not in table:
        raise CollectorError(f"unknown {kind} {name!r}; there is {', '.join(table) or 'none'}")
    return table[name]
