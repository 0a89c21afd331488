"""Lays out the contexts of the images, so that `docker build` needs no network.

    python deploy/images/prepare.py [--out build/images] [--python 3.12]
    docker build -t tradewise-otel-collector:0.1.0       build/images/collector
    docker build -t tradewise-otel-collector-local:0.1.0 build/images/collector-local
    docker build -t tradewise-otel-backend:0.1.0         build/images/backend

`make images` does all of it. The programs come from the Collector's build cache, the wheels from your package
index, for the Python of the backend's base (`--python`). Needs Go, and the extras of `dev`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

import bill  # noqa: E402

from tradewise_otel.tools.collector.build import build, cache_dir  # noqa: E402
from tradewise_otel.tools.collector.config import load_role  # noqa: E402

CONTEXTS = {"collector": "gateway", "collector-local": "laptop"}
"""Each context of a Collector, and a role whose program it holds."""

LAYERS = ("config", "overlays", "roles", "roles.json", "extras.yaml")
BACKEND = "tradewise-otel[demo,redis]"


def main() -> int:
    """Lay out all contexts; what a step prints goes to the terminal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "images", metavar="DIR")
    parser.add_argument("--python", default="3.12", metavar="X.Y.Z", help="of the backend's base (3.12)")
    options = parser.parse_args()
    shutil.rmtree(options.out, ignore_errors=True)
    for name, role in CONTEXTS.items():
        collector(options.out / name, role)
        print(f"{options.out / name}", flush=True)
    backend(options.out / "backend", options.python)
    print(f"{options.out / 'backend'}")
    return 0


def collector(context: Path, role: str) -> None:
    """The context of a Collector: its program, the launcher, the layers."""
    _start(context, HERE / "collector" / "Dockerfile")
    shutil.copy2(build(load_role(role), os.environ), context / "otelcol-tradewise")
    _launcher(context / "launcher")
    for layer in LAYERS:
        source, target = ROOT / "collector" / layer, context / "collector" / layer
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    shutil.copy(ssl.get_default_verify_paths().cafile or _certificates(), context / "ca-certificates.crt")
    modules = bill.go_modules(context / "otelcol-tradewise")
    bill.write(context, "otelcol-tradewise", modules, bill.go_notices(modules, _module_folders()))


def backend(context: Path, python: str) -> None:
    """The context of the demo's backend: wheels for a Python, with everything that they need."""
    _start(context, HERE / "backend" / "Dockerfile")
    wheels = context / "wheels"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    # What an earlier build has left would be in the wheel, deleted or not.
    shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", wheels, ROOT], check=True)
    (wheel,) = wheels.glob("tradewise_otel-*.whl")
    _download(wheels, f"{wheel}{BACKEND.removeprefix('tradewise-otel')}", python)
    packages = bill.wheels(wheels)
    bill.write(context, "tradewise-otel-backend", packages, bill.wheel_notices(wheels))


def _download(wheels: Path, wanted: str, python: str) -> None:
    """Wheels of everything that a requirement needs on another Python than this one.

    pip would ask the markers of requirements about the Python that it runs on; uv asks them about the other.
    """
    command = [sys.executable, "-m", "uv", "--quiet", "pip", "compile", "--no-header", "--no-annotate"]
    command += ["--python-version", python, "--python-platform", "x86_64-manylinux_2_28", "-"]
    found = subprocess.run(command, input=wanted, capture_output=True, text=True, check=False)
    if found.returncode:
        raise SystemExit(f"no wheels for Python {python}: {found.stderr}")
    pinned = [line for line in found.stdout.splitlines() if not line.startswith(("#", "tradewise-otel"))]
    target = ["--python-version", ".".join(python.split(".")[:2]), "--only-binary", ":all:", "--no-deps"]
    for platform in ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"):
        target += ["--platform", platform]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download"]
    subprocess.run([*pip, *target, "--dest", str(wheels), *pinned], check=True)


def _start(context: Path, dockerfile: Path) -> None:
    (context / "data").mkdir(parents=True)
    # A folder of Git and of COPY alike: an empty one would be left out by some builders.
    (context / "data" / ".keep").touch()
    shutil.copy(dockerfile, context / "Dockerfile")


def _launcher(target: Path) -> None:
    environ = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
    command = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", str(target), "."]
    subprocess.run(command, cwd=HERE / "launcher", env=environ, check=True)


def _module_folders() -> list[Path]:
    default = subprocess.run(["go", "env", "GOMODCACHE"], capture_output=True, text=True, check=True).stdout
    return [cache_dir(os.environ) / "gopath" / "pkg" / "mod", Path(default.strip())]


def _certificates() -> Path:
    for path in (
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
    ):
        if Path(path).is_file():
            return Path(path)
    raise SystemExit("no CA certificates on this machine: install ca-certificates")


if __name__ == "__main__":
    sys.exit(main())
