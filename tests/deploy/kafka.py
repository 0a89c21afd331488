"""A real Kafka, one node: fetched by Maven into the cache, run by Java 17."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tradewise_otel.tools.ports import free_ports

VERSION = "4.3.1"
_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tests</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
    </dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""


class KafkaError(Exception):
    """Why there can be no Kafka here."""


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """A broker with four partitions a topic, until the end of the block: its address.

    Raises:
        KafkaError: no Java or no Maven, or it does not start.
    """
    client, control = free_ports(2)
    settings = folder / "server.properties"
    settings.write_text(
        "process.roles=broker,controller\nnode.id=1\n"
        f"listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{control}\n"
        "controller.listener.names=CONTROLLER\n"
        f"controller.quorum.voters=1@127.0.0.1:{control}\n"
        f"log.dirs={folder / 'logs'}\nnum.partitions=4\n"
        "offsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n"
        "transaction.state.log.min.isr=1\nmin.insync.replicas=1\n"
    )
    java = ["java", "-Xmx512m", "-cp", f"{_library()}/*"]
    _run(*java, "kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAA", "-c", settings)
    with (folder / "kafka.log").open("wb") as log:
        process = subprocess.Popen([*map(str, java), "kafka.Kafka", str(settings)], stdout=log, stderr=log)
    try:
        _wait(client, folder / "kafka.log")
        yield f"127.0.0.1:{client}"
    finally:
        process.kill()
        process.wait()


def _library() -> Path:
    cache = (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tradewise-otel" / "deploy-tools"
    )
    target = cache / f"kafka-{VERSION}"
    if not target.is_dir():
        if not all(map(shutil.which, ("java", "mvn"))):
            raise KafkaError("java and mvn: not found; Kafka is fetched by Maven and needs Java 17")
        work = cache / "kafka.work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        (work / "pom.xml").write_text(_POM)
        _run(
            "mvn",
            "-q",
            "-B",
            "-f",
            work / "pom.xml",
            "dependency:copy-dependencies",
            f"-DoutputDirectory={work / 'lib'}",
        )
        (work / "lib").rename(target)
        shutil.rmtree(work)
    return target


def _run(*words: object) -> None:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise KafkaError(f"{words[0]}: {(done.stdout + done.stderr)[-800:]}")


def _wait(port: int, log: Path) -> None:
    deadline = time.monotonic() + 90
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise KafkaError(log.read_text()[-2000:]) from None
            time.sleep(0.3)
