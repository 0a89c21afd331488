"""What cannot work is refused before anything starts: one line a problem, with the setting and the remedy."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from collector_command import NEEDED, TOGETHER, VARIANTS, Variant, fake_collector, run_command, start_here

from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.collector.process import free_addresses

Run = Callable[..., subprocess.CompletedProcess[str]]
GATEWAY = Variant("gateway")
SECURE = Variant("gateway", ("secure",))
AGENT = Variant("gateway", ("datadog-agent",))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`run` under settings that would work, but for those that are given; None takes one away."""
    pems = {name: str(tmp_path / "pem") for name in ("TRADEWISE_TLS_CERT", "TRADEWISE_TLS_KEY")}
    (tmp_path / "pem").touch()
    good = {**NEEDED, **pems, **free_addresses(), "TRADEWISE_DATA_DIR": str(tmp_path / "data")}
    good["TRADEWISE_COLLECTOR_BIN"] = str(fake_collector(tmp_path))

    def run_(variant: Variant, **settings: str | None) -> subprocess.CompletedProcess[str]:
        chosen = {name: text for name, text in {**good, **settings}.items() if text is not None}
        return start_here("run", *variant.arguments, settings=chosen)

    return run_


def _problems(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines of an answer that is an error and nothing else."""
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr.removeprefix("tradewise-otel: ").splitlines()


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_good_settings_start_it(run: Run, variant: Variant) -> None:
    """With all that a role and its overlays need, the Collector is started and its folder named."""
    done = run(variant)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"role {variant.role}" in done.stdout


@pytest.mark.parametrize("text", [None, "", "  "], ids=["unset", "empty", "blank"])
@pytest.mark.parametrize("variant", [GATEWAY, AGENT, Variant("agent"), *TOGETHER], ids=str)
def test_all_that_is_missing_is_named_at_once(run: Run, variant: Variant, text: str | None) -> None:
    """Each needed setting that has no text is one line that says what belongs there."""
    needs = load_role(variant.role, variant.overlays).needs
    problems = _problems(run(variant, **dict.fromkeys(needs, text)))
    assert [problem.split()[0] for problem in problems] == list(needs)
    assert all(f"is not set; role {variant.role} needs it: " in problem for problem in problems)


def test_an_agent_without_a_gateway_is_refused(run: Run) -> None:
    """An agent that does not know whom to hand over to is refused, and the setting is named."""
    (problem,) = _problems(run(Variant("agent"), TRADEWISE_GATEWAY_URL=None))
    meaning = "OTLP/HTTP receiver of the gateway (role agent)."
    assert problem == f"TRADEWISE_GATEWAY_URL is not set; role agent needs it: {meaning}"
    (problem,) = _problems(run(Variant("agent"), TRADEWISE_GATEWAY_URL="gateway:4318"))
    assert problem.startswith("TRADEWISE_GATEWAY_URL=gateway:4318: must be http://host:port")


@pytest.mark.parametrize("verb", ["validate", "print-config"])
def test_reading_needs_them_too(tmp_path: Path, verb: str) -> None:
    """`validate` and `print-config` name a missing setting as `run` does, and touch no disk."""
    settings = {"TRADEWISE_COLLECTOR_BIN": str(fake_collector(tmp_path)), "HOME": str(tmp_path / "home")}
    (problem,) = _problems(run_command(verb, "--role", "gateway", settings=settings))
    meaning = "An API key of your Datadog organisation (role gateway)."
    assert problem == f"DD_API_KEY is not set; role gateway needs it: {meaning}"
    assert [path.name for path in tmp_path.iterdir()] == ["fake-collector"]


WRONG: list[tuple[str, str, str]] = [
    *(
        ("TRADEWISE_MEMORY_MIB", text, "a whole number of at least 1")
        for text in ("0", "-1", "1.5", "512MiB", "lots")
    ),
    *(
        ("TRADEWISE_QUEUE_BYTES", text, "a whole number of at least 524288")
        for text in ("0", "1G", "1e9", " 5", "200000")
    ),
    *(("TRADEWISE_PROMETHEUS_PORT", text, "a whole number of at least 1") for text in ("0", "http")),
    ("TRADEWISE_SELF_METRICS", "much", "one of none, basic, normal, detailed"),
    *(
        ("TRADEWISE_SAMPLE_RATE", text, "a plain number from 0 to 1")
        for text in ("2", "-0.1", "10%", "1e-3", ".5")
    ),
    *(
        ("TRADEWISE_DD_OTLP_URL", text, "http://host:port or https://host, and nothing after it")
        for text in (
            "otlp.example",
            "ftp://h",
            "https://",
            "https://h/v1",
            "https://h/",
            "https://h?a",
            "http://[h",
        )
    ),
    *(
        (name, "http://h:99999", "http://host:port or https://host, and nothing after it")
        for name in ("TRADEWISE_DD_TRACES_URL", "TRADEWISE_DD_METRICS_URL", "TRADEWISE_DD_LOGS_URL")
    ),
    ("TRADEWISE_AGENT_URL", "agent:4318", "http://host:port or https://host, and nothing after it"),
    *(
        ("DD_SITE", text, "without https://")
        for text in ("https://datadoghq.eu", "datadoghq", "datadoghq.com/")
    ),
]


@pytest.mark.parametrize(("name", "text", "allowed"), WRONG, ids=[f"{row[0]}={row[1]}" for row in WRONG])
def test_a_wrong_value_is_told_with_what_is_allowed(run: Run, name: str, text: str, allowed: str) -> None:
    """A number, an address or a site that cannot be right is one line: setting, value, what is allowed."""
    (problem,) = _problems(run(GATEWAY, **{name: text}))
    assert problem.startswith(f"{name}={text}: must be ")
    assert allowed in problem


@pytest.mark.parametrize("name", ["DD_API_KEY", "TRADEWISE_TOKEN"])
@pytest.mark.parametrize("text", ["s3cr3t\n", " s3cr3t", "s3 cr3t", "s3cr3té"])
def test_a_secret_that_no_header_takes(run: Run, name: str, text: str) -> None:
    """A key or token with a line end or a space is refused, or every request would fail; it is not shown."""
    (problem,) = _problems(run(SECURE, **{name: text}))
    assert problem.startswith(f"{name} has a space, a line end or a letter beyond ASCII in it; set it to")
    assert "cr3t" not in problem


@pytest.mark.parametrize("site", ["ddog-gov.com", "us2.ddog-gov.com"])
def test_a_government_site_goes_by_the_exporter(run: Run, site: str) -> None:
    """These sites have no OTLP intake: the default is refused with the overlay that works, which does."""
    for variant in (GATEWAY, Variant("gateway", ("datadog-otlp",))):
        (problem,) = _problems(run(variant, DD_SITE=site))
        assert problem == f"DD_SITE={site} has no OTLP intake: use --overlay datadog-exporter-only"
    for variant in (Variant("gateway", ("datadog-exporter-only",)), AGENT):
        assert run(variant, DD_SITE=site).returncode == 0


@pytest.mark.parametrize("name", ["TRADEWISE_TLS_CERT", "TRADEWISE_TLS_KEY", "TRADEWISE_TLS_CLIENT_CA"])
def test_a_file_that_cannot_be_read_is_named(run: Run, tmp_path: Path, name: str) -> None:
    """A TLS file that is not there, or is a folder, is one line with its path."""
    for path in (tmp_path / "none.pem", tmp_path):
        (problem,) = _problems(run(SECURE, **{name: str(path)}))
        assert problem == f"{name}={path}: no such file, or not readable; set it to a PEM file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_of_somebody_else_is_named(run: Run, tmp_path: Path) -> None:
    """A key that this user may not read is refused before the Collector finds out."""
    (tmp_path / "pem").chmod(0)
    assert "not readable" in run(SECURE).stderr


@pytest.mark.parametrize(
    "overlays",
    [("datadog-otlp", "datadog-agent"), ("datadog-agent", "secure", "datadog-exporter-only")],
)
def test_one_way_to_datadog_only(run: Run, overlays: tuple[str, ...]) -> None:
    """Two overlays that both say where data goes are refused, and both are named."""
    (problem,) = _problems(run(Variant("gateway", overlays)))
    assert all(name in problem for name in overlays if name != "secure")
    assert problem.startswith("choose one of the overlays ")


def test_the_same_overlay_twice_is_once(run: Run) -> None:
    """A repeated overlay is no second one."""
    assert run(Variant("gateway", ("datadog-otlp", "datadog-otlp"))).returncode == 0


def test_an_overlay_of_another_role_is_refused(run: Run) -> None:
    """The laptop has no overlays: the answer says to which role this one belongs."""
    assert _problems(run(Variant("laptop", ("secure",)))) == [
        "overlay secure belongs to role gateway, not laptop"
    ]


def test_an_unknown_overlay_is_told_with_those_there_are(run: Run) -> None:
    """A misspelt overlay is refused with the names that exist."""
    (problem,) = _problems(run(Variant("gateway", ("datadog",))))
    assert re.fullmatch(r"unknown overlay 'datadog'; there is secure, datadog-otlp, .*", problem)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """Whatever is wrong comes in one answer, one line each, and the program that would run has not."""
    (tmp_path / "data").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wrong = {
            "TRADEWISE_MEMORY_MIB": "much",
            "TRADEWISE_DD_OTLP_URL": "otlp",
            "TRADEWISE_SAMPLE_RATE": "10%",
            "DD_SITE": "https://datadoghq.eu",
            "TRADEWISE_OTLP_HTTP": "0.0.0.0:4318",
            "TRADEWISE_OTLP_GRPC": f"127.0.0.1:{taken.getsockname()[1]}",
            "TRADEWISE_HEALTH": "nonsense",
        }
        others = {
            "TRADEWISE_DATA_DIR": str(tmp_path / "data"),
            "TRADEWISE_COLLECTOR_BIN": str(fake_collector(tmp_path)),
        }
        problems = _problems(run_command("run", "--role", "gateway", settings={**wrong, **others}))
    named = [re.split("[ =]", problem)[0] for problem in problems]
    assert named == ["DD_API_KEY", *wrong, "TRADEWISE_DATA_DIR"]
    assert not (tmp_path / "started").exists()
