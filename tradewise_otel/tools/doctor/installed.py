"""What is installed beside us in this environment: versions, the launcher, other distros."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

# Comes with opentelemetry-instrumentation.
from packaging.requirements import Requirement
from packaging.version import Version

from tradewise_otel.redact import engine
from tradewise_otel.tools.doctor.finding import Finding

_DISTRIBUTION, _RE2 = "tradewise-otel", "google-re2"
_LAUNCHER = "opentelemetry-instrument"
_CHOICES = {
    "opentelemetry_distro": "OTEL_PYTHON_DISTRO",
    "opentelemetry_configurator": "OTEL_PYTHON_CONFIGURATOR",
}
_LIBRARIES = {
    "fastapi>=0.115": "api_request and api_response",
    "sqlalchemy>=2.0,<2.2": "database_operation",
    "httpx>=0.27": "external_api_call",
}
"""What is instrumented, in the versions of the README's support table, and the events that it gives."""


def packages() -> Iterator[Finding]:
    """Whether all that we need is there, in the versions that were tested together."""
    needed = map(Requirement, metadata.requires(_DISTRIBUTION) or ())
    # Without RE2 all works, if slowly: `libraries` has a word about that.
    missed = [wrong for one in needed if one.name != _RE2 and (wrong := _missed(one))]
    for name, found, wanted in missed:
        yield Finding("fault", "packages", f"{name} {found}", f"pip install '{wanted}'")
    if not missed:
        pair = [metadata.version(f"opentelemetry-{part}") for part in ("sdk", "instrumentation")]
        yield Finding("ok", "packages", "OpenTelemetry SDK {} with contrib {}, the tested pair".format(*pair))


def _missed(wanted: Requirement) -> tuple[str, str, str] | None:
    """Name, what is there instead, and what should be; None where that is met, or not asked for here."""
    if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
        return None
    text = f"{wanted.name}{wanted.specifier}"
    version = _version(wanted.name)
    if version is None:
        return wanted.name, "is not installed", text
    fits = wanted.specifier.contains(version, prereleases=True)
    return None if fits else (wanted.name, f"{version} is installed", text)


def _version(name: str) -> Version | None:
    try:
        return Version(metadata.version(name))
    except metadata.PackageNotFoundError:
        return None


def launcher() -> Finding:
    """Whether the launcher that a shell finds is the one of this environment."""
    first, own = shutil.which(_LAUNCHER), _own_launcher()
    if first is None and own is None:
        return Finding(
            "fault", "launcher", f"there is no {_LAUNCHER}", "pip install opentelemetry-instrumentation"
        )
    if own is None or (first is not None and own.samefile(first)):
        return Finding("ok", "launcher", str(first))
    text = f"{_LAUNCHER} on PATH is {first or 'not to be found'}"
    return Finding("note", "launcher", text, f"this environment's is {own}")


def _own_launcher() -> Path | None:
    """Where it was installed to; None where that is not known, as after `pip install --target`."""
    for file in metadata.files("opentelemetry-instrumentation") or ():
        path = Path(os.path.normpath(str(file.locate())))
        if path.name == _LAUNCHER and path.exists():
            return path
    return None


def distro(environ: Mapping[str, str]) -> Finding:
    """Whether the launcher will take this distribution: it takes the first there is, unless told which."""
    for group, variable in _CHOICES.items():
        names = {found.name for found in metadata.entry_points(group=group)}
        chosen = environ.get(variable, "").strip()
        if chosen and chosen != "tradewise":
            return Finding("fault", "distro", f"{variable}={chosen}", f"{variable}=tradewise")
        if "tradewise" not in names:
            return Finding(
                "fault", "distro", f"the package {_DISTRIBUTION} is not installed here", "pip install it"
            )
        if not chosen and len(names) > 1:
            others = ", ".join(sorted(names - {"tradewise"}))
            remedy = " ".join(f"{name}=tradewise" for name in _CHOICES.values())
            return Finding("fault", "distro", f"the launcher may take another one first: {others}", remedy)
    return Finding("ok", "distro", "tradewise")


def libraries() -> Iterator[Finding]:
    """What will be instrumented, and what slows it down."""
    for text, events in _LIBRARIES.items():
        yield _library(Requirement(text), events)
    if _version("httpx") and importlib.util.find_spec("sniffio") is None:
        text = "httpcore looks for sniffio at every call, along all of sys.path"
        yield Finding("note", "httpx", text, "pip install sniffio")
    if engine.ENGINE != "re2":
        text = "redaction goes by Python's `re`, an order of magnitude slower than RE2"
        yield Finding("note", "redaction", text, f"pip install {_RE2}")


def _library(wanted: Requirement, events: str) -> Finding:
    version = _version(wanted.name)
    if version is None:
        return Finding("note", wanted.name, f"is not installed: no {events}")
    if wanted.specifier.contains(version, prereleases=True):
        return Finding("ok", wanted.name, f"{version}: {events}")
    return Finding("note", wanted.name, f"{version} was not tested", f"pip install '{wanted}'")
