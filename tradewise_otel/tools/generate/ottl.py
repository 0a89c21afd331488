"""Statements of the transform processor as text: what the generated layers are written with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def group(why: str, condition: str, statements: Iterable[str]) -> Iterator[str]:
    """The YAML lines of one group of statements; all of them run only where `condition` holds."""
    if why:
        yield f"      # {why}"
    first = "      - "
    if condition:
        yield f"{first}conditions:"
        yield f"          - {yaml_scalar(condition)}"
        first = "        "
    yield f"{first}statements:"
    yield from (f"          - {yaml_scalar(statement)}" for statement in statements)


def fill(context: str, name: str, value: str, when: str = "") -> str:
    """Set an attribute that is absent; OTTL's `set` does nothing when the value is nil."""
    target = f'{context}.attributes["{name}"]'
    return f"set({target}, {value}) where {target} == nil" + (f" and {when}" if when else "")


def yaml_scalar(statement: str) -> str:
    """A plain YAML scalar; `$` is doubled, since the Collector would take one for a variable."""
    return statement.replace("$", "$$")
