"""The examples of docs/events.md, run as they stand: they make what the document and the page show."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from harness.holds import holds
from harness.lines import assert_documented
from harness.script import run_script

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "events.md").read_text(encoding="utf-8")
DOCUMENTED: list[dict[str, Any]] = [
    case["example"] for case in json.loads((TESTS / "catalogue" / "documented_examples.json").read_text())
]
PROGRAMS = dict.fromkeys(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
SHOWN: list[dict[str, Any]] = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
VOLATILE = {"timestamp", "event_id", "process_id", "thread_id", "source", "environment", "traceback"}
"""What differs from run to run, or from place to place."""
MEASURED = {"response_time_ms", "client_ip", "duration_since_last_step_ms", "session_id", "exception"}
"""What is measured or made while the example runs."""

RUNNER = """
import pathlib, runpy
for path in sorted(pathlib.Path("examples").iterdir()):
    runpy.run_path(str(path), run_name="app.services")
"""


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What all programs of the page have printed, under the launcher."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "examples").mkdir()
    for number, program in enumerate(PROGRAMS):
        (folder / "examples" / f"{number:02}.py").write_text(program)
    ended = run_script(folder, RUNNER, {"OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"})
    assert (ended.code, ended.stderr) == (0, "")
    return ended.lines


def _cases(examples: list[dict[str, Any]]) -> list[Any]:
    return [
        pytest.param(example, id=f"{number}-{example.get('event_type', 'plain')}")
        for number, example in enumerate(examples)
    ]


def _like(value: object, example: object) -> bool:
    """Whether a value is of the JSON type of an example; numbers are numbers."""
    numbers = (int, float)
    if isinstance(example, numbers) and not isinstance(example, bool):
        return isinstance(value, numbers) and not isinstance(value, bool)
    return type(value) is type(example)


def _lacks(line: dict[str, Any], example: dict[str, Any]) -> list[str]:
    return [name for name, value in example.items() if name not in line or not _like(line[name], value)]


@holds("4.M6")
@pytest.mark.parametrize("example", _cases(DOCUMENTED))
def test_the_page_makes_what_the_document_shows(example: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    """Each example of the document is a line with all its fields, each of its type."""
    kind = example.get("event_type")
    same = [line for line in lines if line.get("event_type") == kind]
    assert same, f"nothing of kind {kind}"
    assert min((_lacks(line, example) for line in same), key=len) == []


@holds("4.M6")
@pytest.mark.parametrize("shown", _cases(SHOWN))
def test_the_page_shows_what_its_code_makes(shown: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    """Each line on the page is the one that its code prints, but for what a run measures or makes."""
    kind = shown.get("event_type")
    differences = []
    for line in (line for line in lines if line.get("event_type") == kind):
        stated = {name: value for name, value in shown.items() if name not in VOLATILE | MEASURED}
        differences.append(
            {name: (value, line.get(name)) for name, value in stated.items() if line.get(name) != value}
            | dict.fromkeys(_lacks(line, shown), "lacks")
        )
    assert min(differences, key=len) == {}


def test_every_line_of_the_examples_is_documented(lines: list[dict[str, Any]]) -> None:
    """What the page's programs print has documented types throughout, and nothing is complained of."""
    assert_documented(lines)
    assert [line["message"] for line in lines if line["message"].startswith("event ")] == []
