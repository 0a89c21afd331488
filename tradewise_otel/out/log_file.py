"""The file that lines are also written to: rotated by size, shared by all workers of a service.

Workers append whole lines, which the kernel does not mix; who finds the file too large renames it under a
lock, and the others see at their next line that the name stands for another file. A line that was torn, by a
full disk or by a kill, ends before the next one begins, so that it costs nobody else's.
"""

from __future__ import annotations

import fcntl
import os
import threading

MAX_BYTES = 100 * 1024 * 1024
KEPT = 5


class LogFile:
    """Appends lines to `path`; the old ones are `path.1` (newest) to `path.5`.

    Args:
        path: in a folder that exists; made with 0640.
        max_bytes: a file that has reached this size is put aside.
    """

    reason = "file_failed"

    def __init__(self, path: str, max_bytes: int = MAX_BYTES) -> None:
        self._path = os.path.abspath(path)
        self._max_bytes = max_bytes
        self._descriptor = -1
        self._torn = False
        self.after_fork()

    def after_fork(self) -> None:
        """The parent's lock may have been held by a thread that the child does not have."""
        self._lock = threading.RLock()

    def write(self, line: bytes) -> None:
        """Appends one line.

        Raises:
            OSError: the disk is full, or the folder is gone.
        """
        with self._lock:
            self._follow()
            view = memoryview(b"\n" + line if self._torn else line)
            while view:
                written = os.write(self._descriptor, view)
                view = view[written:]
                self._torn = bool(view)

    def _follow(self) -> None:
        """Opens the file anew if it was put aside, by us, by another worker, or by somebody's logrotate."""
        if self._descriptor < 0 or not self._is_current():
            self._open()
        if os.fstat(self._descriptor).st_size >= self._max_bytes:
            self._rotate()
            self._open()

    def _is_current(self) -> bool:
        try:
            named, held = os.stat(self._path), os.fstat(self._descriptor)
        except FileNotFoundError:
            return False
        return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)

    def _open(self) -> None:
        before = self._descriptor
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        # Later on only a new file is opened; what other workers are at right now is none of ours to judge.
        self._torn = before < 0 and self._ends_torn()
        if before >= 0:
            os.close(before)

    def _ends_torn(self) -> bool:
        """Tells whether somebody was stopped in the middle of the last line."""
        if os.fstat(self._descriptor).st_size == 0:
            return False
        try:
            with open(self._path, "rb") as file:
                file.seek(-1, os.SEEK_END)
                return file.read(1) != b"\n"
        except OSError:
            # A file that may be written but not read.
            return False

    def _rotate(self) -> None:
        lock = os.open(f"{self._path}.lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Another worker may have been here while we waited.
            if self._is_current():
                self._shift()
        finally:
            os.close(lock)

    def _shift(self) -> None:
        for number in range(KEPT - 1, 0, -1):
            if os.path.exists(f"{self._path}.{number}"):
                os.replace(f"{self._path}.{number}", f"{self._path}.{number + 1}")
        os.replace(self._path, f"{self._path}.1")
