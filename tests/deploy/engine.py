"""A real container engine for one test run: Debian's dockerd, unpacked into the cache.

It leaves the machine's network rules alone, so containers reach each other and this machine, nothing beyond.
No image can be pulled: a base is made by debootstrap, once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import tools
from typing_extensions import Self

PACKAGES = ("docker.io", "containerd", "runc")
BASE = "localhost/base:bookworm"
BASE_PACKAGES = "ca-certificates,python3,python3-venv,postgresql"
BASE_PYTHON = "3.11.2"
FLAGS = ("--iptables=false", "--ip-forward=false", "--ip-masq=false", "--bridge=none")


class EngineError(Exception):
    """Why there can be no engine here."""


class Engine:
    """One dockerd. A context manager.

    Attributes:
        environ: what `docker` needs to find it, and its compose plugin.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs = _programs()
        path = f"{self._programs / 'usr/bin'}:{self._programs / 'usr/sbin'}:{os.environ['PATH']}"
        self.environ = {
            **os.environ,
            "PATH": path,
            "DOCKER_HOST": f"unix://{folder / 'socket'}",
            "DOCKER_CONFIG": str(folder / "config"),
        }

    def docker(self, *words: object, check: bool = True, **environ: str) -> subprocess.CompletedProcess[str]:
        """What `docker …` says."""
        done = subprocess.run(
            [self._programs / "usr/bin/docker", *map(str, words)],
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, f"docker {words}: {done.stdout}{done.stderr}"
        return done

    def compose(self, folder: Path, *words: object, check: bool = True, **environ: str) -> str:
        """What `docker compose …` says, in a folder."""
        plugin = tools.find("docker-compose")
        done = subprocess.run(
            [str(plugin), "--project-directory", str(folder), *map(str, words)],
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, f"compose {words}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def build(self, name: str, context: Path, **arguments: str) -> None:
        """An image of a context."""
        words = [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]
        self.docker("build", "--quiet", *words, "--tag", name, context)

    def __enter__(self) -> Self:
        folder = self._folder
        words = ["--data-root", folder / "data", "--exec-root", folder / "exec", "-p", folder / "pid"]
        words += ["-H", self.environ["DOCKER_HOST"], *FLAGS]
        log = (folder / "dockerd.log").open("wb")
        dockerd = self._programs / "usr/sbin/dockerd"
        self._daemon = subprocess.Popen(
            [str(x) for x in (dockerd, *words)], stdout=log, stderr=log, env=self.environ
        )
        deadline = time.monotonic() + 60
        while self.docker("info", check=False).returncode:
            assert time.monotonic() < deadline, (folder / "dockerd.log").read_text()[-2000:]
            time.sleep(0.5)
        with base().open("rb") as archive:
            words = [str(self._programs / "usr/bin/docker"), "import", "-", BASE]
            subprocess.run(words, stdin=archive, env=self.environ, check=True, capture_output=True)
        return self

    def __exit__(self, *_error: object) -> None:
        for container in self.docker("ps", "-aq").stdout.split():
            self.docker("rm", "-f", container)
        self._daemon.terminate()
        self._daemon.wait(60)


def base() -> Path:
    """A minimal Debian with Python and PostgreSQL, as an archive.

    Raises:
        EngineError: it cannot be made here.
    """
    archive = _cache() / f"base-{BASE_PACKAGES.replace(',', '-')}.tar"
    if not archive.is_file():
        root = _cache() / "base.work"
        shutil.rmtree(root, ignore_errors=True)
        _run("debootstrap", "--variant=minbase", f"--include={BASE_PACKAGES}", "bookworm", root)
        _run("tar", "-C", root, "-cf", archive.with_suffix(".part"), ".")
        archive.with_suffix(".part").rename(archive)
        shutil.rmtree(root)
    return archive


def _programs() -> Path:
    """dockerd, containerd and what they need, unpacked and not installed."""
    if os.geteuid() != 0:
        raise EngineError("dockerd needs root")
    if not all(map(shutil.which, ("iptables", "debootstrap"))):
        raise EngineError("apt-get install iptables debootstrap")
    target = _cache() / "engine"
    if not (target / "usr/sbin/dockerd").is_file():
        work = _cache() / "engine.work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        _run("apt-get", "download", *PACKAGES, cwd=work)
        for package in work.glob("*.deb"):
            _run("dpkg", "-x", package, work / "root")
        shutil.rmtree(target, ignore_errors=True)
        (work / "root").rename(target)
    return target


def _cache() -> Path:
    cache = (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tradewise-otel" / "deploy-tools"
    )
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def _run(*words: object, cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(
            [str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise EngineError(f"{words[0]}: not found; the engine of these tests is Debian's") from error
    if done.returncode:
        raise EngineError(f"{' '.join(map(str, words))}: {done.stderr[-500:]}")
