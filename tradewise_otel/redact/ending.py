"""Nobody is inside RE2 when Python ends.

RE2 works without the GIL. Before version 3.14 Python ends a daemon thread that asks for the GIL after the
last `atexit` hook, by unwinding its stack; RE2's binding does not allow that, and the whole process aborts
with an exit code that is not the app's. So the last hook of all has every pattern change over to `re`, which
keeps the GIL, and waits for the threads that are inside.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import FrameType, ModuleType

_WAIT_SECONDS = 5.0
_PAUSE_SECONDS = 0.001
# `re` is not linear in hostile text, and what keeps the GIL keeps Python from ending.
_LONGEST = 16 << 10

_changes: list[Callable[[], None]] = []
_left = False


def on_ending(change: Callable[[], None]) -> None:
    """Has `change` called when Python ends: after it, its owner must not call RE2 any more."""
    _changes.append(change)


def too_long(text: bytes) -> bool:
    """Whether `text` can only be taken for a secret as a whole: Python ends, and there is no time for it."""
    return _left and len(text) > _LONGEST


def leave(re2: ModuleType) -> None:
    """Has all patterns change over, then waits until no thread scans for us by `re2`, 5 s at most.

    CPython switches threads where a function begins or ends and where a loop goes on. Owners look a search
    up and call it in one go, with plain arguments: whoever still has one of RE2 is inside of it.
    """
    global _left
    _left = True
    for change in _changes:
        change()
    deadline = time.monotonic() + _WAIT_SECONDS
    while _is_scanning(re2) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)


def _is_scanning(re2: ModuleType) -> bool:
    mine = threading.get_ident()
    return any(_is_inside(frame, re2) for thread, frame in sys._current_frames().items() if thread != mine)


def _is_inside(frame: FrameType | None, re2: ModuleType) -> bool:
    """Whether a thread is inside RE2 on our behalf; the app's own scans are not ours to wait for."""
    entered = False
    while frame is not None and frame.f_globals is vars(re2):
        entered, frame = True, frame.f_back
    return entered and frame is not None and frame.f_globals.get("__package__") == __package__
