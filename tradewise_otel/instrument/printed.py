"""What stands in the place of `sys.stdout`: every printed line becomes an event."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any

from tradewise_otel.pipeline import shield
from tradewise_otel.pipeline.ledger import Ledger

_MAX_PARTIAL_LINE = 1 << 20


class PrintedLines(io.TextIOBase):
    """A text stream in the place of `sys.stdout` that makes an event of every printed line.

    A line that is a JSON object (structlog and friends) becomes the event it describes.

    Args:
        original: the real stream; it answers for all but writing.
        say: takes each line.
        ledger: shields what runs within the app's prints.
    """

    encoding = "utf-8"
    errors = "strict"

    def __init__(self, original: Any, say: Callable[[str], None], ledger: Ledger) -> None:
        super().__init__()
        self._original = original
        self._say = say
        self._partial = ""
        self._lock = threading.RLock()
        self.isatty, self.fileno, self.writable = original.isatty, original.fileno, original.writable  # type: ignore[method-assign]
        self.write = shield.writing(ledger.shielded("print", self._take, None), str)  # type: ignore[method-assign]
        self.buffer = _PrintedBytes(self, ledger)

    def __getattr__(self, name: str) -> Any:
        # What apps ask of the real stdout besides: `reconfigure`, `name`, `line_buffering`.
        return getattr(self._original, name)

    def detach(self) -> Any:
        """The binary side, for those who wrap it anew."""
        return self.buffer

    def _take(self, text: str) -> None:
        """Whole lines leave at once, a rest waits for its end."""
        with self._lock:
            *lines, self._partial = (self._partial + text).split("\n")
            if len(self._partial) > _MAX_PARTIAL_LINE:
                lines, self._partial = [*lines, self._partial], ""
        for line in lines:
            if line.strip():
                self._say(line.rstrip("\r"))

    def finish(self) -> None:
        """Lets an unfinished line go, at exit."""
        if self._partial:
            self._take("\n")

    def after_fork(self) -> None:
        """The parent's unfinished line is the parent's."""
        self._lock, self._partial = threading.RLock(), ""


class _PrintedBytes(io.RawIOBase):
    """`sys.stdout.buffer` for those who print bytes."""

    def __init__(self, text: PrintedLines, ledger: Ledger) -> None:
        super().__init__()
        self._text = text
        take = ledger.shielded("print", self._take, None)
        self.writable = text.writable  # type: ignore[method-assign]
        self.write = shield.writing(take, bytes, bytearray, memoryview)  # type: ignore[method-assign]

    def _take(self, data: Any) -> None:
        self._text.write(bytes(data).decode("utf-8", errors="replace"))
