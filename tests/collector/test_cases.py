"""`collector test`: our own cases hold, and a case that is wrong says what, where and what to do."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from collector_command import run_command

from tradewise_otel.assets import collector_dir

CASES = sorted((collector_dir() / "cases").glob("*.yaml"))
CASE = """\
name: A line of a stranger
send:
  - logs:
      resource: {service.name: stranger}
      records: [{body: hello, severity: ERROR}]
expect:
  logs:
  - exporter: file/logs
    resource: {service.name: stranger}
    time: <now>
    severity: 17
    severity_text: ERROR
    body: <any>
    attributes: {retention_class: api_logs, sampling.reason: severity, sampling.weight: 1.0}
"""

Test = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def test(tmp_path: Path, binary: Path, gateway_binary: Path) -> Test:
    """Runs `collector test` on a case of this text; further words are its options."""

    def run(text: str, *options: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "case.yaml").write_text(text, encoding="utf-8")
        return run_command("test", str(tmp_path / "case.yaml"), *options)

    return run


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_our_own_cases_hold(case: Path, binary: Path, gateway_binary: Path) -> None:
    """What we ship does to whole records what its cases say."""
    done = run_command("test", str(case))
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_cases_of_other_services() -> None:
    """Spans of a Java and of a Go service, in old and new names, and a processor by extras are among them."""
    assert {"java-server-old-names", "java-client", "go-server", "go-database-old-names", "extras"} <= {
        case.stem for case in CASES
    }


def test_a_case_as_expected(test: Test) -> None:
    """Exit code 0, and a line that names the case; `<any>` is like anything."""
    done = test(CASE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "A line of a stranger" in done.stdout
    assert "1 of 1 cases as expected" in done.stdout


def test_a_difference_is_shown(test: Test) -> None:
    """Exit code 1, with what was expected and what came, and nothing of what is alike."""
    done = test(CASE.replace("retention_class: api_logs", "retention_class: audit_logs"))
    assert done.returncode == 1
    assert "-  retention_class: audit_logs" in done.stdout
    assert "+  retention_class: api_logs" in done.stdout
    assert "body" not in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("sampling.weight: 1.0}", "sampling.weight: 1.0, more: 1}", "-  more: 1"),
        (", sampling.weight: 1.0}", "}", "+  sampling.weight: 1.0"),
        ("severity: 17", "severity: 17.0", "-severity: 17.0"),
        ("records: [{", "records: [{body: one more}, {", "not expected:"),
        ("  - exporter", "  - {exporter: file/logs, body: never sent}\n  - exporter", "did not come:"),
    ],
)
def test_records_are_compared_whole(test: Test, old: str, new: str, said: str) -> None:
    """An attribute too many or too few, another type, a record too many or too few: each fails the case."""
    done = test(CASE.replace(old, new))
    assert done.returncode == 1
    assert said in done.stdout


def test_what_came_out_can_be_written(test: Test, tmp_path: Path) -> None:
    """`--write` fills in `expect`, leaves the rest of the file as it is, and the case holds from then on."""
    text = CASE.partition("expect:")[0] + "# a remark\n"
    assert test(text).returncode == 1
    assert test(text, "--write").returncode == 0
    written = (tmp_path / "case.yaml").read_text(encoding="utf-8")
    assert written.startswith(text)
    assert test(written).returncode == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("send:", "sends:", "unknown key sends; there is expect, extras, name"),
        ("name: A line of a stranger\n", "", "name is missing"),
        ("name: A", "role: lap\nname: A", "unknown role 'lap'; there is laptop, gateway, agent"),
        ("name: A", "overlays: [x]\nname: A", "unknown overlay 'x'; there is "),
        ("name: A", "settings: x\nname: A", "settings is 'x', must be a map"),
        ("records: [", "recods: [", "unknown key send[0].logs.recods"),
        ("- logs:", "- log:", "send[0] must have one of traces, logs, metrics, otlp, lines"),
        ("{body: hello,", "{text: hello,", "a log record has no 'text'"),
        ("severity: ERROR}", "trace_id: 12}", "trace_id: 12 must be 32 hex digits in quotes"),
        ("send:", "send: [", "no YAML"),
    ],
)
def test_a_case_that_is_written_wrongly(test: Test, old: str, new: str, said: str) -> None:
    """Exit code 2, and a line that says where and what is allowed."""
    done = test(CASE.replace(old, new, 1))
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_configuration_that_does_not_start(test: Test) -> None:
    """Exit code 1, with the Collector's own words for what is wrong with the extras."""
    done = test("extras: {processors: {transform/mine: {log_statements: [set(nothing)]}}}\n" + CASE)
    assert done.returncode == 1
    assert "FAILED" in done.stdout
    assert "transform/mine" in done.stdout


def test_no_such_case() -> None:
    """A place that does not exist is named."""
    done = run_command("test", "/nowhere/case.yaml")
    assert done.returncode == 2
    assert "/nowhere/case.yaml: no such file or folder" in done.stderr
