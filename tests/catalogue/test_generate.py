"""Generated files: the committed ones are fresh, and a stale one is found and repaired."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from tradewise_otel.tools.cli import generate
from tradewise_otel.tools.generate import docs, registry

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose generated files are fresh."""
    (tmp_path / "pyproject.toml").touch()
    registry.write(tmp_path)
    return tmp_path


def run(*arguments: str) -> int:
    """The command as a user types it, without the program's name."""
    parser = argparse.ArgumentParser()
    generate.add_parser(parser.add_subparsers())
    args = parser.parse_args(["generate", *arguments])
    return int(args.func(args))


def test_the_committed_files_are_fresh() -> None:
    """Whoever changes the catalogue must run `tradewise-otel generate` and commit the result."""
    assert registry.check(ROOT) == [], "fix: tradewise-otel generate"


@pytest.mark.parametrize("path", registry.artefacts(), ids=str)
def test_an_edited_file_is_found_and_repaired(checkout: Path, path: Path) -> None:
    """A generated file that somebody edited must be reported, and `write` must restore only that one."""
    with (checkout / path).open("a", encoding="utf-8") as file:
        file.write("edited by hand\n")
    assert registry.check(checkout) == [path]
    assert registry.write(checkout) == [path]
    assert registry.check(checkout) == []


def test_a_missing_file_is_found(checkout: Path) -> None:
    """A generated file that was not committed must count as stale."""
    (checkout / "docs/events.md").unlink()
    assert registry.check(checkout) == [Path("docs/events.md")]


def test_check_names_the_file_and_the_fix(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` must exit 1 with the stale file and the command that repairs it, and write nothing."""
    (checkout / "docs/metrics.md").write_text("old", encoding="utf-8")
    assert run("--check", "--root", str(checkout)) == 1
    assert capsys.readouterr().out.splitlines() == ["stale: docs/metrics.md", "fix: tradewise-otel generate"]
    assert (checkout / "docs/metrics.md").read_text(encoding="utf-8") == "old"
    assert run("--root", str(checkout)) == 0
    assert run("--check", "--root", str(checkout)) == 0


def test_outside_a_checkout_nothing_is_written(tmp_path: Path) -> None:
    """In a folder that is no checkout the command must refuse, with the exit code of wrong usage."""
    assert run("--root", str(tmp_path)) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("render", [docs.events, docs.metrics, docs.settings])
def test_pages_say_that_they_are_generated(render: object) -> None:
    """The first line of a page must name the command, so that nobody edits it by hand."""
    first_line = render().splitlines()[0]  # type: ignore[operator]
    assert "generated" in first_line
    assert "tradewise-otel generate" in first_line
