"""While the gateway is away lines wait, in the queue and then in their files; plain text; secrets on disk."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from harness.holds import holds
from tailing_node import NUMBERS, Node, append, cri, line, lines, plain

from tradewise_otel.catalogue.sensitive import MASK

OUTAGE_SECONDS = float(os.environ.get("TRADEWISE_OUTAGE_SECONDS", "2"))
QUEUE = 600_000
SECRETS = [
    ("login password=hunter2-hunter2 failed", "hunter2"),
    ("sent Authorization: Bearer abcdef0123456789abcdef", "abcdef0123456789"),
    ("postgresql://app:s3cr3tword@db/x", "s3cr3tword"),
]
"""Text, and what in it is nobody's business."""


@holds("3.M3")
def test_an_outage(node: Node) -> None:
    """Lines written while there is no gateway are all there when it is back, none of them twice."""
    node.gateway.status = 503
    bodies: list[str] = []
    with node.agent():
        ends = time.monotonic() + OUTAGE_SECONDS
        while not bodies or time.monotonic() < ends:
            more, text = lines(50)
            bodies += more
            append(node.file("file"), text)
            time.sleep(1)
        assert node.gateway.logs == []
        node.gateway.status = 200
        node.wait(lambda arrived: set(bodies) <= set(arrived), seconds=120)
    assert len(node.gateway.logs) == len(bodies)


def test_an_outage_over_a_kill(node: Node) -> None:
    """What waits on the disk when the agent is stopped is sent by the next one."""
    node.gateway.status = 503
    bodies, text = lines(500)
    path = node.file("file")
    append(path, text)
    with node.agent():
        time.sleep(1)
    path.unlink()
    node.gateway.status = 200
    with node.agent():
        node.wait(lambda arrived: set(bodies) <= set(arrived))


def test_a_full_queue(node: Node) -> None:
    """A full queue stops the reading, not the agent, and loses nothing: files are read on afterwards."""
    node.gateway.status = 503
    node.settings["TRADEWISE_QUEUE_BYTES"] = str(QUEUE)
    bodies, text = lines(3000)
    assert len(text) > 1.5 * QUEUE
    with node.agent() as agent:
        append(node.file("file"), text)
        time.sleep(2)
        assert sum(path.stat().st_size for path in (agent.data / "queue").iterdir()) < 2_000_000
        node.gateway.status = 200
        node.wait(lambda arrived: set(bodies) <= set(arrived), seconds=40)
    assert len(node.gateway.logs) == len(bodies)


def test_files_that_are_not_there(node: Node) -> None:
    """Patterns that match nothing, and folders that do not exist, stop nothing; what comes later is read."""
    for kind in ("PODS", "DOCKER", "PLAIN"):
        node.settings[f"TRADEWISE_TAIL_{kind}"] = str(node.folder / "none" / kind / "*")
    node.settings["TRADEWISE_TAIL_FILES"] = str(node.folder / "later" / "*.jsonl")
    with node.agent():
        (node.folder / "later").mkdir()
        number = next(NUMBERS)
        append(node.folder / "later" / "app.jsonl", plain(line(number)))
        assert node.record(f"order {number}")


TRACE = "Traceback (most recent call last):\n  File 'a', line 1\n    b()\n\nKeyError: 'c'"


@pytest.mark.parametrize("form", ["plain", "cri"])
def test_the_date_rule(node: Node, form: str) -> None:
    """A stack belongs to the line before it; each line with a date is a record; so in a pod's file."""
    parts = [
        f"2026-11-25 10:11:12 ERROR no\n{TRACE}",
        "2026-11-25 10:11:13 INFO 2026-11-25",
        "2026-11-26 end",
    ]
    node.settings["TRADEWISE_TAIL_PODS"] = str(node.folder / "none")
    node.settings["TRADEWISE_TAIL_PLAIN"] = str(
        node.folder / ("pods/*/*/*.log" if form == "cri" else "plain/*")
    )
    wrap = cri if form == "cri" else plain
    append(node.file(form), b"".join(wrap(text) for part in parts for text in part.split("\n")))
    with node.agent():
        node.wait(lambda bodies: bodies == parts)
    (namespace,) = {record["resource"].get("k8s.namespace.name") for record in node.gateway.logs}
    assert namespace == ("shop" if form == "cri" else None)


def test_the_date_rule_is_for_plain_text_only(tailed: Node) -> None:
    """In files of lines of ours a traceback is not joined to the line before, which would be no JSON then."""
    path, number = tailed.file("file"), next(NUMBERS)
    append(path, plain(line(number)) + plain("2026-11-25 a date") + plain("  not joined"))
    tailed.wait(lambda bodies: tailed.texts_of(path) == ["2026-11-25 a date", "  not joined"])
    assert tailed.record(f"order {number}")


def _on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_secrets_in_plain_text(node: Node) -> None:
    """Secrets in text of others are masked in all files of the agent already, and in what is sent."""
    node.gateway.status = 503
    for text, _ in SECRETS:
        append(node.file("plain"), plain(f"2026-11-25 {text}"))
        append(node.file("file"), plain(text) + plain('{"timestamp":"x","event_id":"half ' + text + '"}'))
    secrets = [secret.encode() for _, secret in SECRETS]
    with node.agent() as agent:
        deadline = time.monotonic() + 15
        while _on_disk(agent.data / "queue").count(b"log.file.path") < 9:
            assert time.monotonic() < deadline, "never queued"
            time.sleep(0.1)
        assert not [secret for secret in secrets if secret in _on_disk(agent.data)]
        node.gateway.status = 200
        node.wait(lambda bodies: len(bodies) == 9)
    assert not [secret for secret in secrets for body in node.gateway.raw if secret in body]
    assert all(MASK in record["body"] for record in node.gateway.logs)
