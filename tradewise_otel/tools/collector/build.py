"""Builds the Collector: the only builder, used by the command line, the demo and the tests.

OpenTelemetry's builder (OCB) writes the program's sources from the role's manifest, and Go compiles them with
the committed lock, so that every machine gets the same modules, by checksum. Everything happens in a cache
folder named by a hash of all that goes in; a finished folder appears there in one move and is never changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tradewise_otel.tools.collector.config import CollectorError, Role, xdg_dir

BUILDER = "go.opentelemetry.io/collector/cmd/builder@v0.155.0"
BINARY = "otelcol-tradewise"
GO_AT_LEAST = (1, 26)
TICK_SECONDS = 10.0
_COSTS = {"manifest.local.yaml": ("120 MB", "1.2 GB", 4), "manifest.yaml": ("300 MB", "3 GB", 10)}
"""Download, disk and CPU minutes of a first build, by manifest, for the person who waits."""

_TESTS = shutil.ignore_patterns("*_test.go", "testdata")
"""No part of the program: a change of them is no reason to build it again."""

Say = Callable[[str], None]


class GoMissingError(CollectorError):
    """Go is absent or too old; nothing was downloaded."""

    exit_code = 3


@dataclass
class _Site:
    """One build under way: where it happens, with what environment, and who hears of it."""

    folder: Path
    log: Path
    environ: dict[str, str]
    say: Say
    started: float


def cached_binary(role: Role, environ: Mapping[str, str]) -> Path | None:
    """The binary of an earlier build of exactly this manifest, lock and components, or `None`.

    Raises:
        GoMissingError: the key covers Go's version, so the cache cannot be asked without it.
    """
    binary = cache_dir(environ) / _key(role, _go_version(environ)) / BINARY
    return binary if binary.is_file() else None


def build(role: Role, environ: Mapping[str, str], say: Say = print) -> Path:
    """Build the role's Collector unless the cache has it, and return the binary's path.

    Args:
        role: what to build (`manifest`, `lock` and `components` count).
        environ: the environment to take `PATH`, `HOME`, `XDG_CACHE_HOME`, `GOPATH`, … from.
        say: is given one line at the start and at least one every ten seconds.

    Raises:
        GoMissingError: no Go on the `PATH`, or one older than `GO_AT_LEAST`.
        CollectorError: a step failed; the message has the log's path and its last lines.
    """
    key = _key(role, _go_version(environ))
    cache = cache_dir(environ)
    if ready := cached_binary(role, environ):
        say(f"already built: {ready}")
        return ready
    cache.mkdir(parents=True, exist_ok=True)
    with _only_one(cache / "build.lock", say):
        # Whoever held the lock may have built the very same thing.
        if ready := cached_binary(role, environ):
            return ready
        partial, log = cache / f"{key}.partial", cache / f"{key}.log"
        site = _Site(partial, log, go_environ(environ, cache), say, time.monotonic())
        _announce(role, site)
        _compile(role, site)
        os.replace(site.folder, cache / key)
    say(f"built in {time.monotonic() - site.started:.0f} s: {cache / key / BINARY}")
    return cache / key / BINARY


def _announce(role: Role, site: _Site) -> None:
    download, disk, minutes = _COSTS[role.manifest.name]
    site.say(
        f"building the {role.name} Collector: the first time it downloads about {download} of Go modules "
        f"({disk} on disk with what is compiled) into {site.folder.parent} and takes about {minutes} CPU "
        f"minutes; `make clean`, or removing that folder, frees it"
    )


def _compile(role: Role, site: _Site) -> None:
    shutil.rmtree(site.folder, ignore_errors=True)
    site.log.write_bytes(b"")
    dist = site.folder / "dist"
    dist.mkdir(parents=True)
    for name in ("go.mod", "go.sum"):
        shutil.copy(role.lock / name, dist)
    shutil.copy(role.manifest, site.folder / "manifest.yaml")
    # Where both the manifest's `path:` and the lock's `replace` look for them.
    for component in role.components:
        shutil.copytree(component, site.folder / "components" / component.name, ignore=_TESTS)
    builder = _builder(site)
    # With the lock in place the builder may only write sources: its own `go mod tidy` asks for modules that
    # no proxy has, since they are imported by other modules' tests.
    arguments = ["--config=manifest.yaml", "--skip-get-modules", "--skip-compilation"]
    _run("writing sources", [str(builder), *arguments], site)
    compiler = ["go", "build", "-C", "dist", "-v", "-trimpath", "-ldflags=-s -w", "-o", f"../{BINARY}", "."]
    _run("compiling", compiler, site)


def _builder(site: _Site) -> Path:
    folder = site.folder.parent / BUILDER.rpartition("@")[2]
    if not (folder / "builder").is_file():
        _run("installing the builder", ["go", "install", BUILDER], site, {"GOBIN": str(folder)})
    return folder / "builder"


def _run(stage: str, argv: list[str], site: _Site, extra: Mapping[str, str] | None = None) -> None:
    with site.log.open("ab") as log:
        before = log.tell()
        process = subprocess.Popen(
            argv, cwd=site.folder, env={**site.environ, **(extra or {})}, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            while _still_running(process):
                site.say(_progress(stage, site, before))
        finally:
            # Only an interrupted build is still alive here.
            process.kill()
            process.wait()
    if process.returncode != 0:
        tail = "\n".join(site.log.read_text(errors="replace").splitlines()[-20:])
        raise CollectorError(f"{stage} failed, exit {process.returncode}; log {site.log}, its end:\n{tail}")


def _still_running(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(timeout=TICK_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def _progress(stage: str, site: _Site, before: int) -> str:
    lines = site.log.read_bytes()[before:].decode(errors="replace").splitlines()
    elapsed = time.monotonic() - site.started
    return f"[{elapsed:4.0f} s] {stage}: {len(lines)} steps, now {lines[-1] if lines else 'starting'}"


@contextmanager
def _only_one(lock: Path, say: Say) -> Iterator[None]:
    """Hold the builder's lock; one build at a time also because two would need twice the memory."""
    with lock.open("w") as file:
        waited = 0
        while not _try_lock(file.fileno()):
            if waited % TICK_SECONDS == 0:
                say(f"[{waited:4} s] another build is running and holds {lock}; waiting for it")
            time.sleep(1)
            waited += 1
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def cache_dir(environ: Mapping[str, str]) -> Path:
    """The folder of finished builds, of Go's own caches, and of what is derived from them."""
    return xdg_dir(environ, "XDG_CACHE_HOME", ".cache") / "tradewise-otel" / "collector"


def _key(role: Role, go_version: str) -> str:
    digest = hashlib.sha256(f"{BUILDER}\n{go_version}\n".encode())
    own = [path for component in role.components for path in _sources(component)]
    for path in (role.manifest, role.lock / "go.mod", role.lock / "go.sum", *own):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _sources(component: Path) -> Iterator[Path]:
    """The files of a component that its program is made of."""
    for folder, folders, names in os.walk(component):
        ignored = _TESTS(folder, [*folders, *names])
        folders[:] = sorted(set(folders) - ignored)
        yield from (Path(folder, name) for name in sorted(set(names) - ignored))


def _go_version(environ: Mapping[str, str]) -> str:
    """What `go version` says, which names the platform too."""
    needs = (
        f"building the Collector needs Go {GO_AT_LEAST[0]}.{GO_AT_LEAST[1]} or newer, from https://go.dev/dl"
    )
    if not (go := shutil.which("go", path=environ.get("PATH", ""))):
        raise GoMissingError(f"`go` is not on the PATH: {needs}")
    local = {**environ, "GOTOOLCHAIN": "local"}
    said = subprocess.run([go, "version"], env=local, capture_output=True, text=True)
    found = re.search(r"go(\d+)\.(\d+)", said.stdout)
    if not found or (int(found[1]), int(found[2])) < GO_AT_LEAST:
        seen = (said.stdout or said.stderr).strip()
        raise GoMissingError(f"{go} is too old ({seen}): {needs}")
    return said.stdout.strip()


def go_environ(environ: Mapping[str, str], cache: Path) -> dict[str, str]:
    """The caller's environment without what would change the result."""
    ours = {
        "GOTOOLCHAIN": "local",
        # Folders that can be removed without Go's help.
        "GOFLAGS": "-mod=readonly -buildvcs=false -modcacherw",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }
    # Go's caches stay beside the result unless somebody has placed them: whoever removes the one wants
    # the gigabyte of the others back too.
    own = {"GOPATH": str(cache / "gopath"), "GOCACHE": str(cache / "gocache")}
    return {**own, **environ, **ours}
