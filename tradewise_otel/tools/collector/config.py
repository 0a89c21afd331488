"""Which files and which settings a Collector is started with.

`collector/roles.json` is the one list of roles and their layers; the commands, the demo and the tests come
here for it. The checks happen before the binary starts, because the Collector itself names neither the
setting nor the remedy when a port is taken or a folder is read-only.
"""

from __future__ import annotations

import errno
import json
import os
import re
import socket
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradewise_otel.assets import collector_dir

ADDRESSES = {
    "TRADEWISE_OTLP_HTTP": "127.0.0.1:4318",
    "TRADEWISE_OTLP_GRPC": "127.0.0.1:4317",
    "TRADEWISE_HEALTH": "127.0.0.1:13133",
}
"""Setting to default address of each port that a Collector listens on (the layers say the same)."""


class CollectorError(Exception):
    """What keeps a Collector from being built or started, in words a user can act on."""

    exit_code = 1


@dataclass(frozen=True)
class Role:
    """A way to run the Collector: `files` are its layers in loading order, `lock` a folder, both absolute."""

    name: str
    manifest: Path
    lock: Path
    files: tuple[Path, ...]


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
    base = collector_dir()
    row = _pick("role", name)
    layers = [base / file for file in row["files"] if file != "extras.yaml"]
    layers += [base / file for overlay in overlays for file in _pick("overlay", overlay)]
    last = extras.resolve() if extras else base / "extras.yaml"
    if not last.is_file():
        raise CollectorError(f"--extras {extras}: no such file")
    return Role(name, base / row["manifest"], base / row["lock"], (*layers, last))


def config_arguments(role: Role) -> list[str]:
    """The `--config` arguments of the binary, one a layer."""
    return [f"--config=file:{path}" for path in role.files]


def collector_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """A copy of `environ` in which every setting that the layers need has a value."""
    return {**environ, "TRADEWISE_DATA_DIR": str(data_dir(environ))}


def data_dir(environ: Mapping[str, str]) -> Path:
    """`TRADEWISE_DATA_DIR`, else `$XDG_STATE_HOME/tradewise-otel`, else `~/.local/state/tradewise-otel`."""
    if chosen := environ.get("TRADEWISE_DATA_DIR"):
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


def check_settings(environ: Mapping[str, str]) -> None:
    """Refuse at once what would fail later and further away; makes the data folder, for its owner only.

    Raises:
        CollectorError: all problems at once, each naming its setting.
    """
    checks = [_data_dir_problem(data_dir(environ)), _rate_problem(environ.get("TRADEWISE_SAMPLE_RATE", "1"))]
    checks += [_address_problem(name, environ.get(name) or default) for name, default in ADDRESSES.items()]
    if problems := [problem for problem in checks if problem]:
        raise CollectorError("; ".join(problems))


def _data_dir_problem(folder: Path) -> str:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        reason = error.strerror or str(error)
        return f"TRADEWISE_DATA_DIR={folder}: {reason.lower()}; set it to a folder you may write to"


def _rate_problem(rate: str) -> str:
    # The layer pastes the text into a statement, so only plain decimals are safe there.
    if re.fullmatch(r"0(\.\d+)?|1(\.0+)?", rate):
        return ""
    return f"TRADEWISE_SAMPLE_RATE={rate}: must be a plain number from 0 to 1, such as 0.1"


def _address_problem(name: str, address: str) -> str:
    host, _, port = address.rpartition(":")
    if not re.fullmatch(r"\d{1,5}", port):
        return f"{name}={address}: must be host:port, such as {ADDRESSES[name]}"
    try:
        _try_to_listen(host.strip("[]"), int(port))
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        reason = "the port is in use" if taken else (error.strerror or str(error)).lower()
        return f"{name}={address}: {reason}; set {name} to a free host:port"
    return ""


def _try_to_listen(host: str, port: int) -> None:
    family, kind, _, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind) as probe:
        # As Go listens: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        probe.listen(1)


def _roles_json() -> dict[str, dict[str, Any]]:
    text = (collector_dir() / "roles.json").read_text(encoding="utf-8")
    table: dict[str, dict[str, Any]] = json.loads(text)
    return table


def _pick(kind: str, name: str) -> Any:
    table = _roles_json()[f"{kind}s"]
    if name not in table:
        raise CollectorError(f"unknown {kind} {name!r}; there is {', '.join(table) or 'none'}")
    return table[name]
