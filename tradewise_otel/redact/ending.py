"""No thread is in our hands when Python ends.

Before version 3.14 Python ends a daemon thread that asks for the GIL after the last `atexit` hook, by
unwinding its stack. RE2 works without the GIL, and its binding cannot be unwound: the whole process aborts,
with an exit code that is not the app's. Nor can a greenlet, and a line of ours may be written inside one.
So the last hook of all has every pattern change over to `re`, which keeps the GIL, shuts the doors to all
threads but its own, and waits for those that are inside.
"""

from __future__ import annotations

import atexit
import sys
import threading
import time
from collections.abc import Callable
from types import CodeType, FrameType
from typing import TypeVar

_WAIT_SECONDS = 5.0
_PAUSE_SECONDS = 0.001
# `re` is not linear in hostile text, and what keeps the GIL keeps Python from ending.
_LONGEST = 16 << 10

Door = TypeVar("Door", bound=Callable[..., object])

_changes: list[Callable[[], None]] = []
_doors: set[CodeType] = set()
_last_thread: int | None = None


def on_ending(change: Callable[[], None]) -> None:
    """Has `change` called when Python ends: after it, its owner must not call RE2 any more."""
    _changes.append(change)


def door(function: Door) -> Door:
    """Marks a function that asks `is_shut` first of all: the end waits for the threads inside."""
    _doors.add(function.__code__)
    return function


def is_shut() -> bool:
    """Whether Python ends, and this thread with it, at whatever point it has come to."""
    return _last_thread is not None and _last_thread != threading.get_ident()


def too_long(text: bytes) -> bool:
    """Whether `text` can only be taken for a secret as a whole: Python ends, and there is no time for it."""
    return _last_thread is not None and len(text) > _LONGEST


def leave() -> None:
    """Called by the thread that ends Python: changes over, then waits for the others, 5 s at most.

    CPython switches threads where a function begins or ends and where a loop goes on. Owners look a search
    up and call it in one go, with plain arguments: whoever still has one of RE2 is inside of it.
    """
    global _last_thread
    _last_thread = threading.get_ident()
    for change in _changes:
        change()
    deadline = time.monotonic() + _WAIT_SECONDS
    while any(map(_is_inside, _others())) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)


def _others() -> list[FrameType]:
    return [frame for thread, frame in sys._current_frames().items() if thread != _last_thread]


def _is_inside(frame: FrameType | None) -> bool:
    """Whether a thread is behind a door, or redacts; the app's own scans are not ours to wait for."""
    while frame is not None and frame.f_globals.get("__name__") == "re2":
        frame = frame.f_back
    if frame is not None and frame.f_globals.get("__package__") == __package__:
        # RE2's own functions leave no frame: whoever redacts may be inside of one.
        return True
    while frame is not None and frame.f_code not in _doors:
        frame = frame.f_back
    return frame is not None


# Registered before the hooks of the pipeline, therefore called after them.
atexit.register(leave)
