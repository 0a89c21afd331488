"""The typed calls of `tradewise_otel.events`, written from the catalogue: one function an event.

Type checkers and people read the signatures; what a call does is in `tradewise_otel/events/door.py`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

from typing_extensions import NotRequired, get_type_hints

from tradewise_otel.catalogue.common import Context
from tradewise_otel.catalogue.events import EVENTS
from tradewise_otel.catalogue.lookup import fields_of, must_be_stated
from tradewise_otel.catalogue.vocabulary import EventType, Field

_WIDTH = 110
_HEAD = '''"""The typed calls: generated from the catalogue by `tradewise-otel generate`; do not edit.

Every argument is given by name, None says nothing. The ids are needed only where `bind()` has not told them.
`message` is the text of the line, else there is one by default. `extra` takes further fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tradewise_otel.events.door import states

_Extra = Mapping[str, object] | None
'''
_IDS = frozenset(fields_of(Context))


def calls() -> str:
    """`tradewise_otel/events/calls.py`."""
    return "\n\n".join([_HEAD, *("\n".join(_call(row)) + "\n" for row in EVENTS if row.stated)])


def call_name(row: EventType) -> str:
    """The name of the function that states an event: its own, or the family's."""
    return row.name.rstrip("_")


def _call(row: EventType) -> Iterator[str]:
    yield f'@states("{row.name}")'
    yield f"def {call_name(row)}("
    if row.open_family:
        yield from ("    name: str,", "    /,")
    yield "    *,"
    yield from (f"    {parameter}," for parameter in _parameters(row))
    yield ") -> None:"
    yield from _documentation(row)


def _parameters(row: EventType) -> Iterator[str]:
    hints = get_type_hints(row.fields, include_extras=True)
    required = must_be_stated(row)
    for name in sorted(fields_of(row.fields), key=lambda name: (name not in required, name in _IDS)):
        kind = _type(hints[name])
        yield f"{name}: {kind}" if name in required else f"{name}: {kind} | None = None"
    yield "message: str | None = None"
    yield "**fields: object" if row.open_family else "extra: _Extra = None"


def _type(hint: Any) -> str:
    """A type as a caller states it."""
    origin = get_origin(hint)
    if origin in (Annotated, NotRequired):
        return _type(get_args(hint)[0])
    if origin is Literal:
        return f"Literal[{', '.join(f'{chr(34)}{value}{chr(34)}' for value in get_args(hint))}]"
    return "Mapping[str, object]" if origin is dict else str(hint.__name__)


def _documentation(row: EventType) -> Iterator[str]:
    rules = f" ({row.level_rules})" if row.level_rules else ""
    yield f'    """{row.brief}'
    yield ""
    origin = "Not in the document" if row.source == "contract" else f"Documented under {row.source}"
    yield from _wrapped(f"{origin}; level {row.level}{rules}.", 4)
    yield ""
    yield "    Args:"
    if row.open_family:
        yield f"        name: What happened: the event type without `{row.name}`, such as `order_filled`."
    for name, mark in fields_of(row.fields).items():
        if name not in _IDS or name in must_be_stated(row):
            yield from _wrapped(f"{name}: {_meaning(mark)}", 8)
    if row.open_family:
        yield "        fields: Whatever else there is to say."
    yield '    """'


def _meaning(mark: Field) -> str:
    if mark.sensitivity == "pseudonym":
        return "In clear; it leaves the process only as a keyed pseudonym."
    unit = f" In {mark.unit}." if mark.unit not in ("", "1") else ""
    return mark.brief + unit + (" The state store knows it." if mark.filled else "")


def _wrapped(text: str, indent: int) -> list[str]:
    margin = " " * indent
    hanging = margin + " " * 4 if indent > 4 else margin
    return textwrap.wrap(text, _WIDTH, initial_indent=margin, subsequent_indent=hanging)
