"""What the images are made of: well-made Dockerfiles, a launcher that starts what the command line would."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, said
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tradewise_otel.assets import collector_dir
from tradewise_otel.tools.collector.build import build
from tradewise_otel.tools.collector.config import (
    CollectorError,
    load_role,
    overlay_names,
    role_names,
    run_arguments,
)
from tradewise_otel.tools.collector.process import free_addresses

sys.path.insert(0, str(ROOT / "deploy" / "images"))

import bill

DOCKERFILES = sorted([*ROOT.glob("deploy/images/*/Dockerfile"), *ROOT.glob("tests/deploy/*/Dockerfile")])
SETTINGS = {
    "DD_API_KEY": "x",
    "TRADEWISE_AGENT_URL": "x",
    "TRADEWISE_GATEWAY_URL": "x",
    "TRADEWISE_KAFKA_BROKERS": "x",
    "TRADEWISE_TLS_CERT": "x",
    "TRADEWISE_TLS_KEY": "x",
    "TRADEWISE_TOKEN": "x",
}
COMBINATIONS = [
    (role, overlays)
    for role in role_names()
    for size in range(3)
    for overlays in itertools.permutations(overlay_names(), size)
]


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_dockerfile_is_well_made(dockerfile: Path) -> None:
    """hadolint finds nothing, and no image is named `latest`."""
    done = said(Path(sys.executable).with_name("hadolint"), dockerfile)
    assert done.stdout == ""
    assert ":latest" not in dockerfile.read_text()


def _arguments(launcher: Path, role: str, *overlays: str, **environ: str) -> subprocess.CompletedProcess[str]:
    words = [f"--role={role}", f"--dir={collector_dir()}", *(f"--overlay={name}" for name in overlays)]
    return said(launcher, *words, "--print", **environ)


def test_the_launcher_starts_what_the_command_line_would(launcher: Path) -> None:
    """For every role with up to two overlays: the same arguments in the same order, or refused by both."""
    agreed = 0
    for role, overlays in COMBINATIONS:
        done = _arguments(launcher, role, *overlays, **SETTINGS)
        try:
            wanted = run_arguments(load_role(role, overlays))
        except CollectorError:
            # Two ways to Datadog at once are refused by the command line only: the chart's schema has one.
            assert done.returncode or all(name.startswith("datadog-") for name in overlays), overlays
            continue
        assert done.stdout.splitlines() == wanted
        agreed += 1
    assert agreed > 20


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--role=gateway"], 1, "role gateway cannot work without DD_API_KEY: set DD_API_KEY=…"),
        (["--role=agent"], 1, "TRADEWISE_GATEWAY_URL"),
        (
            ["--role=gateway", "--overlay=secure"],
            1,
            "DD_API_KEY, TRADEWISE_TLS_CERT, TRADEWISE_TLS_KEY, TRADEWISE_TOKEN",
        ),
        (["--role=nobody"], 1, 'unknown role "nobody"; there is agent, gateway, laptop'),
        (["--role=laptop", "--overlay=secure"], 1, 'role laptop has no overlay "secure"'),
        ([], 2, "--role=laptop, --role=agent or --role=gateway must be given"),
        (["--rolle=agent"], 2, "there is --role=, --overlay="),
        (["--role=laptop", "--binary=/nowhere"], 1, "/nowhere cannot be started"),
    ],
)
def test_the_launcher_says_what_is_missing(launcher: Path, words: list[str], code: int, says: str) -> None:
    """What cannot work ends with one line that names the setting, all of them at once; blank is missing."""
    environ = dict.fromkeys(SETTINGS, "")
    done = said(launcher, *words, *([f"--dir={collector_dir()}"] if words else []), **environ)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1)
    assert says in done.stderr


def test_the_launcher_becomes_the_collector_probes_and_sends(launcher: Path, tmp_path: Path) -> None:
    """A Collector by the launcher is healthy, takes one event and counts it; a port without one is not."""
    addresses = free_addresses()
    role = load_role("laptop")
    environ = {
        **addresses,
        "TRADEWISE_DATA_DIR": str(tmp_path),
        "TRADEWISE_PROMETHEUS_PORT": "18889",
        "DD_SITE": "",
    }
    words = [f"--binary={build(role, os.environ)}", f"--dir={collector_dir()}", "--role=laptop"]
    with (tmp_path / "log").open("wb") as log:
        collector = subprocess.Popen(
            [launcher, *words, "--overlay=prometheus"], env={**os.environ, **environ}, stderr=log, stdout=log
        )
    try:
        health = f"http://{addresses['TRADEWISE_HEALTH']}/"
        for _ in range(200):
            if said(launcher, "probe", health).returncode == 0:
                break
        assert said(launcher, "probe", health).returncode == 0, (tmp_path / "log").read_text()
        metrics = "http://127.0.0.1:18889/metrics"
        done = said(launcher, "send", f"http://{addresses['TRADEWISE_OTLP_HTTP']}", metrics)
        assert (done.returncode, done.stderr) == (0, "")
        assert "and counted" in done.stdout
    finally:
        collector.terminate()
    assert collector.wait(20) == 0
    assert said(launcher, "probe", health).returncode == 1


def test_the_bill_lists_every_module_of_the_program(tmp_path: Path) -> None:
    """The bill of materials is valid CycloneDX and has all that `go version -m` names."""
    binary = build(load_role("laptop"), os.environ)
    modules = bill.go_modules(binary)
    bill.write(tmp_path, "otelcol-tradewise", modules, [])
    text = (tmp_path / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    listed = {(one["name"], one["version"]) for one in json.loads(text)["components"]}
    named = said("go", "version", "-m", binary).stdout
    wanted = {tuple(line.split()[1:3]) for line in named.splitlines() if line.split()[:1] == ["dep"]}
    assert len(wanted) > 50
    assert wanted <= listed


def test_the_bill_lists_every_wheel(tmp_path: Path) -> None:
    """The backend's bill has each package by its name and version."""
    for name in ("asyncpg-0.31.0-cp312-cp312-x.whl", "Typing_Extensions-4.15.0-py3-none-any.whl"):
        (tmp_path / name).touch()
    found = [one.purl for one in bill.wheels(tmp_path)]
    assert sorted(found) == ["pkg:pypi/asyncpg@0.31.0", "pkg:pypi/typing-extensions@4.15.0"]
