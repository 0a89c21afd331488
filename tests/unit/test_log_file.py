"""The file that lines are also written to: whole lines, bounded, whatever happens to it."""

from __future__ import annotations

import multiprocessing
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tradewise_otel.out.log_file import KEPT, LogFile

WORKERS, LINES = 4, 5_000
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A name in a folder that exists."""
    return tmp_path / "app.jsonl"


def _old(path: Path) -> list[Path]:
    """The files put aside, newest first; not the lock."""
    return sorted(path.parent.glob(f"{path.name}.[0-9]*"))


def _texts(path: Path) -> list[str]:
    """All lines that are kept, of all files; who starts while another writes may leave an empty one."""
    return [line for file in [*_old(path), path] for line in file.read_text().splitlines() if line]


def _work(path: Path, worker: int, max_bytes: int) -> None:
    file = LogFile(str(path), max_bytes)
    for number in range(LINES):
        file.write(f"{worker}:{number}:{'x' * (number % 300)}\n".encode())


def _run_workers(path: Path, max_bytes: int) -> None:
    workers = [FORK.Process(target=_work, args=(path, worker, max_bytes)) for worker in range(WORKERS)]
    for process in workers:
        process.start()
    for process in workers:
        process.join(60)
    assert [process.exitcode for process in workers] == [0] * WORKERS


def test_no_line_is_lost_or_torn(path: Path) -> None:
    """Four processes write 20,000 lines over several rotations: each is there once, whole, in its order."""
    _run_workers(path, max_bytes=900_000)
    lines = _texts(path)
    assert 2 <= len(_old(path)) <= KEPT
    assert len(lines) == WORKERS * LINES
    expected = {f"{w}:{n}:{'x' * (n % 300)}" for w in range(WORKERS) for n in range(LINES)}
    assert set(lines) == expected


def test_at_most_five_old_files(path: Path) -> None:
    """However much four processes write, five old files stay, each about as large as allowed."""
    _run_workers(path, max_bytes=100_000)
    assert [file.name for file in _old(path)] == [f"app.jsonl.{number}" for number in range(1, KEPT + 1)]
    assert all(100_000 <= file.stat().st_size < 110_000 for file in _old(path))


def test_a_removed_file_is_made_again(path: Path) -> None:
    """Whoever removes or renames the file gets a new one with the next line, readable by the group only."""
    file = LogFile(str(path))
    steps: list[Callable[[], object]] = [path.unlink, lambda: path.rename(f"{path}.old"), path.unlink]
    for number, away in enumerate(steps):
        file.write(f"{number}\n".encode())
        assert path.read_text() == f"{number}\n"
        assert path.stat().st_mode & 0o137 == 0
        away()


def test_a_removed_folder_is_an_error_each_time(tmp_path: Path) -> None:
    """Without its folder a line is an OSError, which is counted; with it again lines are written again."""
    folder = tmp_path / "logs"
    folder.mkdir()
    file = LogFile(str(folder / "app.jsonl"))
    file.write(b"1\n")
    (folder / "app.jsonl").unlink()
    folder.rmdir()
    for _ in range(2):
        with pytest.raises(OSError, match=r"app\.jsonl"):
            file.write(b"2\n")
    folder.mkdir()
    file.write(b"3\n")
    assert (folder / "app.jsonl").read_text() == "3\n"


def test_descriptors_do_not_leak(path: Path) -> None:
    """A hundred rotations leave as many open files as one."""
    file = LogFile(str(path), max_bytes=1)
    file.write(b"x\n")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(100):
        file.write(b"x\n")
    assert len(os.listdir("/proc/self/fd")) == before


def _child(file: LogFile, number: int) -> None:
    file.after_fork()
    for _ in range(100):
        file.write(f"{number}\n".encode())


def test_a_fork_in_the_middle_of_a_line(path: Path) -> None:
    """A child of a process whose thread is writing right now writes too, and rotates with its siblings."""
    file = LogFile(str(path), max_bytes=300)
    file.write(b"parent\n")
    with file._lock:
        children = [FORK.Process(target=_child, args=(file, number)) for number in range(2)]
        for child in children:
            child.start()
        for child in children:
            child.join(20)
    assert [child.exitcode for child in children] == [0, 0]
    file.write(b"parent again\n")
    assert _texts(path)[-1] == "parent again"


@pytest.mark.parametrize("end", ["", '{"event_id":"hal'])
def test_a_torn_line_ends_before_the_next(path: Path, end: str) -> None:
    """After a process that was killed amid a line, the next one begins on a line of its own."""
    path.write_text(f"whole\n{end}")
    LogFile(str(path)).write(b"next\n")
    assert path.read_text().splitlines() == ["whole", *([end] if end else []), "next"]


@contextmanager
def _full_disk() -> Iterator[None]:
    """Files of this process end at 1,000 bytes, as on a disk that is full (Python ignores the signal)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_tears_one_line_only(path: Path) -> None:
    """The line that did not fit is an OSError and may be in part; what comes with room again is whole."""
    file = LogFile(str(path))
    file.write(b"a" * 600 + b"\n")
    # No longer than that: pytest may be writing to a file too.
    with _full_disk(), pytest.raises(OSError, match="too large"):
        file.write(b"b" * 600 + b"\n")
    os.truncate(path, 700)
    file.write(b"c\n")
    assert path.read_text().splitlines() == ["a" * 600, "b" * 99, "c"]
