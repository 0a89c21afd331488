"""The builder: what it needs, says and leaves behind; a script plays Go in all tests but the last."""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tradewise_otel.tools.collector import build as builder
from tradewise_otel.tools.collector.config import CollectorError, Role, load_role

ROLE = load_role("laptop")
GATEWAY = load_role("gateway")

# Plays `go version`, `go install` (leaves a builder that does nothing) and `go build` (leaves a binary).
FAKE_GO = """\
#!/bin/sh
echo "$1 GOFLAGS=$GOFLAGS GOTOOLCHAIN=$GOTOOLCHAIN GOPATH=$GOPATH" >> "$CALLS"
case "$1" in
  version) echo "go version ${FAKE_VERSION:-go1.26.8} linux/amd64" ;;
  install) mkdir -p "$GOBIN"; printf '#!/bin/sh\\n' > "$GOBIN/builder"; chmod +x "$GOBIN/builder" ;;
  build)
    i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo "line $i"; done
    sleep "${FAKE_SECONDS:-0}"
    [ -z "$FAKE_FAILS" ] || exit 1
    echo binary > otelcol-tradewise ;;
esac
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A machine with the fake Go, an empty cache and no home."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(FAKE_GO)
    go.chmod(0o755)
    return {
        "PATH": f"{go.parent}:{os.defpath}",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "CALLS": str(tmp_path / "calls"),
        "GOFLAGS": "-mod=mod",
    }


def _calls(environ: dict[str, str]) -> list[str]:
    return Path(environ["CALLS"]).read_text().splitlines()


def test_a_build_is_made_once(environ: dict[str, str]) -> None:
    """The second build of the same manifest and lock finds the first one's binary."""
    first = builder.build(ROLE, environ, lambda _: None)
    assert first.read_text() == "binary\n"
    assert builder.build(ROLE, environ, lambda _: None) == first
    assert [call.split()[0] for call in _calls(environ)].count("build") == 1
    assert builder.cached_binary(ROLE, environ) == first


def test_the_callers_go_settings_do_not_leak_in(environ: dict[str, str]) -> None:
    """The lock is obeyed whatever GOFLAGS says, no other Go is downloaded, and no home is needed."""
    builder.build(ROLE, environ, lambda _: None)
    build = next(call for call in _calls(environ) if call.startswith("build"))
    assert "GOFLAGS=-mod=readonly" in build
    assert "GOTOOLCHAIN=local" in build
    assert f"GOPATH={environ['XDG_CACHE_HOME']}" in build


def test_another_go_gives_another_build(environ: dict[str, str]) -> None:
    """The cache's key covers Go's version."""
    first = builder.build(ROLE, environ, lambda _: None)
    assert builder.build(ROLE, {**environ, "FAKE_VERSION": "go1.27.0"}, lambda _: None) != first


@pytest.fixture
def own_gateway(tmp_path: Path) -> Role:
    """The gateway with a manifest, a lock and components that a test may change."""
    folder = tmp_path / "shipped"
    shutil.copytree(GATEWAY.lock, folder / "lock")
    shutil.copy(GATEWAY.manifest, folder / "manifest.yaml")
    components = [folder / "components" / path.name for path in GATEWAY.components]
    for path, copy in zip(GATEWAY.components, components, strict=True):
        shutil.copytree(path, copy)
    return replace(
        GATEWAY, manifest=folder / "manifest.yaml", lock=folder / "lock", components=tuple(components)
    )


def _is_built(path: Path) -> bool:
    return path.is_file() and not path.name.endswith("_test.go") and "testdata" not in path.parts


def test_components_lie_where_manifest_and_lock_look(environ: dict[str, str], own_gateway: Role) -> None:
    """The builder works on copies: ours beside the manifest and one above the lock, whole."""
    folder = builder.build(own_gateway, environ, lambda _: None).parent
    for component in own_gateway.components:
        copy = folder / "components" / component.name
        names = {path.relative_to(component) for path in component.rglob("*") if _is_built(path)}
        assert {path.relative_to(copy) for path in copy.rglob("*") if path.is_file()} == names
        assert all((copy / name).read_bytes() == (component / name).read_bytes() for name in names)
    assert (folder / "manifest.yaml").read_bytes() == own_gateway.manifest.read_bytes()
    assert (folder / "dist" / "go.mod").read_bytes() == (own_gateway.lock / "go.mod").read_bytes()


def test_a_components_tests_are_no_part_of_it(environ: dict[str, str], own_gateway: Role) -> None:
    """Whoever changes a Go test, or what it reads, does not wait for another Collector."""
    first = builder.build(own_gateway, environ, lambda _: None)
    component = own_gateway.components[0]
    (component / "testdata").mkdir()
    for name in ("new_test.go", "testdata/new.txt"):
        (component / name).write_text("new")
    assert builder.cached_binary(own_gateway, environ) == first


CHANGED = ["manifest.yaml", "lock/go.mod", "lock/go.sum", "components/durability/extension.go"]


@pytest.mark.parametrize("changed", [*CHANGED, "components/datadogconnector/new/file.go"])
def test_a_change_gives_another_build(environ: dict[str, str], own_gateway: Role, changed: str) -> None:
    """The cache's key covers manifest, lock and every file of our components; the same again is the first."""
    first = builder.build(own_gateway, environ, lambda _: None)
    path = own_gateway.manifest.parent / changed
    before = path.read_bytes() if path.exists() else b""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(before + b"// changed\n")
    assert builder.cached_binary(own_gateway, environ) is None
    assert builder.build(own_gateway, environ, lambda _: None) != first
    path.write_bytes(before) if before else path.unlink()
    assert builder.cached_binary(own_gateway, environ) == first


@pytest.mark.parametrize("role", [ROLE, GATEWAY], ids=["laptop", "gateway"])
def test_the_cost_is_told_by_role(environ: dict[str, str], role: Role) -> None:
    """The first line names the role and how long its build takes, which differs by far."""
    said: list[str] = []
    builder.build(role, environ, said.append)
    minutes = {"laptop": 4, "gateway": 10}[role.name]
    assert f"the {role.name} Collector" in said[0]
    assert f"about {minutes} CPU minutes" in said[0]


def test_two_builds_at_once_are_one(environ: dict[str, str]) -> None:
    """The second waits for the first, says so, and takes its result."""
    said: list[str] = []
    slow = {**environ, "FAKE_SECONDS": "1.5"}
    threads = [threading.Thread(target=builder.build, args=(ROLE, slow, said.append)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [call.split()[0] for call in _calls(environ)].count("build") == 1
    assert any("another build is running" in line for line in said)


def test_progress_is_told(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The first line says what is downloaded, how much, how long and where to; then time and stage tick."""
    monkeypatch.setattr(builder, "TICK_SECONDS", 0.1)
    said: list[str] = []
    builder.build(ROLE, {**environ, "FAKE_SECONDS": "1"}, said.append)
    assert all(word in said[0] for word in ("MB", "minutes", environ["XDG_CACHE_HOME"]))
    ticks = [line for line in said if "compiling" in line]
    assert len(ticks) >= 5
    assert "now line 40" in ticks[-1]


def test_a_failed_build_shows_the_end_of_its_log(environ: dict[str, str]) -> None:
    """The error has the log's path and its last 20 lines, and nothing half-built stays in the cache."""
    with pytest.raises(CollectorError, match="compiling failed") as caught:
        builder.build(ROLE, {**environ, "FAKE_FAILS": "1"}, lambda _: None)
    message = str(caught.value).splitlines()
    assert message[1:] == [f"line {number}" for number in range(21, 41)]
    assert ".log" in message[0]
    assert builder.cached_binary(ROLE, environ) is None


def test_without_go_nothing_is_tried(environ: dict[str, str]) -> None:
    """No Go on the PATH: one error that names the version and where to get it, with exit code 3."""
    with pytest.raises(
        builder.GoMissingError, match=r"not on the PATH.*Go 1\.26 or newer.*go\.dev/dl"
    ) as caught:
        builder.build(ROLE, {**environ, "PATH": "/nowhere"}, lambda _: None)
    assert caught.value.exit_code == 3
    assert not Path(environ["XDG_CACHE_HOME"]).exists()


def test_too_old_a_go_is_refused(environ: dict[str, str]) -> None:
    """An older Go is named with its version; it is not made to download a newer one."""
    with pytest.raises(builder.GoMissingError, match=r"too old.*go1\.25\.4"):
        builder.build(ROLE, {**environ, "FAKE_VERSION": "go1.25.4"}, lambda _: None)
    assert all("GOTOOLCHAIN=local" in call for call in _calls(environ))


def test_without_any_home_the_setting_is_named(environ: dict[str, str]) -> None:
    """With neither HOME nor XDG_CACHE_HOME the error says which to set."""
    del environ["XDG_CACHE_HOME"]
    with pytest.raises(CollectorError, match="set XDG_CACHE_HOME"):
        builder.build(ROLE, environ, lambda _: None)


def test_the_real_build_is_the_locked_one(binary: Path, gateway_binary: Path) -> None:
    """The real binaries stand in the cache folders of their keys, with the locks they were built from."""
    assert shutil.which("go")
    for role, built in ((ROLE, binary), (GATEWAY, gateway_binary)):
        assert (built.parent / "dist" / "go.sum").read_bytes() == (role.lock / "go.sum").read_bytes()
