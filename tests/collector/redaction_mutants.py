"""Copies of the redaction processor in which one rule or one visit of a slot is missing: do its tests notice?

Usage: `python tests/collector/redaction_mutants.py [--some N] [--seed N]`; `make mutate` tries all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tradewise_otel.assets import collector_dir
from tradewise_otel.tools.collector.build import cache_dir, go_environ

MODULE = collector_dir() / "components" / "tradewise_redaction"
VECTORS = Path(__file__).parents[1] / "vectors"
RULES = Path("internal/secrets/rules.generated.json")
WALKS = ("resource.go", "traces.go", "logs.go", "metrics.go", "walk.go")
_VISIT = re.compile(
    r"^\t+(?:w\.(?:text|attributes|names|value|resource|scope|span|record|metric|mapping|items|str|bytes|secret|rename)|points)\("
)
# Tests that compare the engine with itself would not miss what both lack.
_SKIPPED = "Oracle|Offset|Hostile|Long|Broken"


@dataclass(frozen=True)
class Mutant:
    """One change: `path` in the module gets the text that `change` makes of it."""

    name: str
    path: Path
    change: Callable[[str], str]


def mutants() -> list[Mutant]:
    """Every rule, and every line that visits a slot or a kind of value."""
    return [*_without_rules(), *_without_visits()]


def _without_rules() -> Iterator[Mutant]:
    for rule in json.loads((MODULE / RULES).read_text(encoding="utf-8"))["rules"]:
        yield Mutant(f"without rule {rule['id']}", RULES, lambda text, lost=rule["id"]: _unruled(text, lost))


def _unruled(text: str, lost: str) -> str:
    content = json.loads(text)
    content["rules"] = [rule for rule in content["rules"] if rule["id"] != lost]
    return json.dumps(content)


def _without_visits() -> Iterator[Mutant]:
    for name in WALKS:
        for number, line in enumerate((MODULE / name).read_text(encoding="utf-8").splitlines()):
            if _VISIT.match(line):
                yield Mutant(
                    f"{name}:{number + 1} without {line.strip()}",
                    Path(name),
                    lambda text, lost=number: _unvisited(text, lost),
                )


def _unvisited(text: str, lost: int) -> str:
    lines = text.splitlines()
    # What it was called with stays in use, or the compiler would be the one to notice.
    lines[lost] = f"if false {{\n{lines[lost]}\n}}"
    return "\n".join(lines) + "\n"


def survivors(chosen: list[Mutant]) -> list[str]:
    """The names of those that the module's tests do not notice.

    Raises:
        RuntimeError: the tests fail without any change, or a mutant does not compile.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copytree(VECTORS, root / "tests" / "vectors")
        copy = root / "collector" / "components" / MODULE.name
        shutil.copytree(MODULE, copy)
        if said := _noticed(copy):
            raise RuntimeError(f"the tests fail as it is:\n{said}")
        return [mutant.name for mutant in chosen if not _is_noticed(mutant, copy)]


def _is_noticed(mutant: Mutant, copy: Path) -> bool:
    path = copy / mutant.path
    before = path.read_text(encoding="utf-8")
    path.write_text(mutant.change(before), encoding="utf-8")
    said = _noticed(copy)
    path.write_text(before, encoding="utf-8")
    if "build failed" in said:
        raise RuntimeError(f"{mutant.name} does not compile:\n{said}")
    return bool(said)


def _noticed(copy: Path) -> str:
    """What the tests say when they fail, else nothing."""
    environ = go_environ(os.environ, cache_dir(os.environ))
    test = ["go", "test", "-vet=off", "-failfast", "-skip", _SKIPPED, "./..."]
    done = subprocess.run(test, cwd=copy, env=environ, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def some(number: int, seed: int) -> list[Mutant]:
    """A sample, the same one for the same seed."""
    return random.Random(seed).sample(mutants(), number)


def main() -> int:
    """Tries the mutants; 1 if one survives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--some", type=int, default=0, help="so many at random instead of all")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    chosen = some(options.some, options.seed) if options.some else mutants()
    print(f"{len(chosen)} mutants, seed {options.seed}")
    alive = survivors(chosen)
    print("\n".join(f"survived: {name}" for name in alive) or "every one was noticed")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
