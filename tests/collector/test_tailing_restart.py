"""Every line arrives, and once: over rotations, restarts of the agent, and its death."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from tailing_node import FORMS, NUMBERS, Node, append, line, lines, plain

from tradewise_otel.out.log_file import LogFile
from tradewise_otel.tools.collector.process import CollectorProcess


def _by_rename(path: Path) -> None:
    """As logrotate does with `create`, and the runtimes."""
    path.rename(f"{path}.{next(NUMBERS)}")


def _by_copy(path: Path) -> None:
    """As logrotate does with `copytruncate`."""
    shutil.copy(path, f"{path}.{next(NUMBERS)}")
    os.truncate(path, 0)


ROTATIONS: dict[str, Callable[[Path], None]] = {"rename": _by_rename, "copy": _by_copy, "delete": Path.unlink}


def _arrive(node: Node, bodies: list[str]) -> None:
    """All of these arrive, each once, and nothing of them twice a little later."""
    node.wait(lambda arrived: set(bodies) <= set(arrived))
    count = Counter(record["body"] for record in node.gateway.logs)
    assert {body: count[body] for body in bodies if count[body] != 1} == {}


def _kill(agent: CollectorProcess) -> None:
    assert agent._process is not None
    agent._process.send_signal(signal.SIGKILL)
    agent._process.wait()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rotation", ROTATIONS)
def test_rotation(tailed: Node, form: str, rotation: str) -> None:
    """A file that is renamed, emptied or removed under the agent loses nothing, and its successor is read."""
    path, all_bodies = tailed.file(form), []
    for _ in range(2):
        numbers = [next(NUMBERS) for _ in range(50)]
        append(path, b"".join(FORMS[form](line(number)) for number in numbers))
        bodies = [f"order {number}" for number in numbers]
        # What is read behind the copy, and before the file is emptied, no reader could have.
        _arrive(tailed, bodies)
        ROTATIONS[rotation](path)
        all_bodies += bodies
    _arrive(tailed, all_bodies)


def test_rotation_with_unread_lines(tailed: Node) -> None:
    """Lines that are written right before a rename, and to the old file after it, are read from there."""
    path, all_bodies = tailed.file("file"), []
    first, text = lines(1)
    append(path, text)
    tailed.wait(lambda bodies: first[0] in bodies)
    with path.open("a", buffering=1) as file:
        for step in range(3):
            bodies, text = lines(200)
            file.write(text)
            all_bodies += bodies
            if step == 0:
                path.rename(f"{path}.1")
    _arrive(tailed, all_bodies)


def test_the_apps_own_rotation(tailed: Node) -> None:
    """Thousands of lines over rotations by size, as TRADEWISE_LOG_FILE makes them, arrive in full."""
    path, all_bodies = tailed.file("file"), []
    file = LogFile(str(path), max_bytes=200_000)
    for _ in range(12):
        bodies, text = lines(250)
        for one in text.splitlines(keepends=True):
            file.write(one.encode())
        all_bodies += bodies
        time.sleep(0.1)
    assert path.with_name(f"{path.name}.4").exists()
    _arrive(tailed, all_bodies)


def test_a_restart_in_the_middle(node: Node) -> None:
    """SIGTERM amid a file: the next agent goes on right there, also with what came in between."""
    path, (first, text) = node.file("file"), lines(3000)
    append(path, text)
    with node.agent() as agent:
        node.wait(lambda bodies: len(bodies) > 200)
        assert agent.stop() == 0
    second, text = lines(500)
    append(path, text)
    with node.agent():
        _arrive(node, first + second)


def test_a_kill_in_the_middle(node: Node) -> None:
    """SIGKILL amid a file: every line arrives; what comes twice has the same id, which tells."""
    path, (bodies, text) = node.file("file"), lines(6000)
    append(path, text)
    with node.agent() as agent:
        node.wait(lambda arrived: len(arrived) > 200)
        _kill(agent)
    with node.agent():
        node.wait(lambda arrived: set(bodies) <= set(arrived))
    assert {record["event_id"] for record in node.gateway.logs} == {f"{int(b[6:]):032x}" for b in bodies}


def test_a_kill_right_after_reading(node: Node) -> None:
    """SIGKILL a moment after lines were read, before they are in the queue: they are read again."""
    path, all_bodies = node.file("file"), []
    for _ in range(3):
        with node.agent() as agent:
            bodies, text = lines(30)
            append(path, text)
            all_bodies += bodies
            offset = b'"Offset":%d' % path.stat().st_size
            while not any(offset in file.read_bytes() for file in (agent.data / "offsets").iterdir()):
                time.sleep(0.001)
            # Until that is committed; what was read waits up to 100 ms for company.
            time.sleep(0.03)
            _kill(agent)
    with node.agent():
        node.wait(lambda arrived: set(all_bodies) <= set(arrived), seconds=2)


def test_a_rotation_while_no_agent_runs(node: Node) -> None:
    """With a pattern that takes old files too, the rest of a renamed file is read, and nothing twice."""
    node.settings["TRADEWISE_TAIL_FILES"] += "*"
    path, (bodies, text) = node.file("file"), lines(20)
    append(path, text)
    with node.agent():
        _arrive(node, bodies)
    for _ in range(2):
        more, text = lines(20)
        append(path, text)
        path.rename(f"{path}.{len(bodies)}")
        bodies += more
    more, text = lines(20)
    append(path, text)
    with node.agent():
        _arrive(node, bodies + more)


def test_an_old_agents_files_are_not_read_again(node: Node) -> None:
    """A restart reads nothing a second time, of any form."""
    written = {}
    for form in FORMS:
        number = next(NUMBERS)
        written[f"order {number}"] = node.file(form)
        append(written[f"order {number}"], FORMS[form](line(number)))
    with node.agent():
        _arrive(node, list(written))
    last = next(NUMBERS)
    append(node.file("file"), plain(line(last)))
    with node.agent():
        _arrive(node, [*written, f"order {last}"])
