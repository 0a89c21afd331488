"""Signals, workers, reloads, forks: nothing is lost, nothing sent twice, each worker has its own id."""

from __future__ import annotations

import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping

import httpx
import pytest
from harness.app import App
from harness.holds import holds
from harness.load import Load
from harness.sink import Sink

SOURCE = """
import asyncio, logging, os
from fastapi import FastAPI

app = FastAPI()

@app.get("/task/{name}")
async def work(name: str) -> dict[str, str]:
    logging.getLogger("app").info("at work on %s", name)
    await asyncio.sleep(0.002)
    return {"pid": str(os.getpid())}
"""

SERVER = 2
# As without us: of the signal itself, and what uvicorn makes of Ctrl-C.
CODES = {signal.SIGTERM: -signal.SIGTERM, signal.SIGINT: 0}
# What uvicorn's and gunicorn's workers say when they serve.
UP = ("startup complete", "ASGI server listening")
UVICORN = (sys.executable, "-m", "uvicorn", "{target}", "--port", "{port}")
GUNICORN = ("gunicorn", "{target}", "--bind", "127.0.0.1:{port}", "--workers", "2", "--worker-class")
SUPERVISED: Mapping[str, tuple[str, ...]] = {
    "uvicorn --workers 4": ("uvicorn", "{target}", "--port", "{port}", "--workers", "4"),
    "gunicorn": (*GUNICORN, "uvicorn.workers.UvicornWorker"),
    "gunicorn --preload": (*GUNICORN, "uvicorn.workers.UvicornWorker", "--preload"),
    "gunicorn's own worker": (*GUNICORN, "asgi"),
}


def server_spans(sink: Sink) -> list[str]:
    """The request of each server span that arrived."""
    return [span["attributes"]["url.path"] for span in sink.spans if span["kind"] == SERVER]


def ids_of(sink: Sink) -> dict[str, set[int]]:
    """Process ids by `service.instance.id`, over both signals."""
    found: dict[str, set[int]] = {}
    for record in [*sink.logs, *sink.spans]:
        resource = record["resource"]
        found.setdefault(resource["service.instance.id"], set()).add(resource["process.pid"])
    return found


def assert_all_arrived(app: App, sink: Sink, load: Load, but_of: int | None = None) -> None:
    """Every line is at the sink once, every answered or started request has its one span."""
    lines = [line for line in app.lines if line["process_id"] != but_of]
    arrived = Counter(record["event_id"] for record in sink.logs)
    assert set(arrived) == {line["event_id"] for line in lines}
    assert max(arrived.values()) == 1
    spans = Counter(server_spans(sink))
    assert max(spans.values()) == 1
    assert set(load.answered) <= set(spans)
    started = {line["path"] for line in lines if line.get("event_type") == "api_request"}
    assert set(spans) == started
    assert sink.total("api.requests.count", endpoint="/task/{name}") == len(spans)


@holds("1.M6")
@pytest.mark.parametrize("number", [signal.SIGTERM] * 10 + [signal.SIGINT])
def test_a_signal_at_a_random_instant_under_load_loses_nothing(
    app_of: Callable[..., App], sink: Sink, number: signal.Signals
) -> None:
    """After a signal under load each line on stdout is at the sink, and each started request has its span."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    with app_of(SOURCE) as app, Load(app.url) as load:
        load.wait_for(5)
        time.sleep(random.Random(seed).uniform(0, 0.9))
        app.signal(number)
        code = app.process.wait(20)
    assert code == CODES[number]
    assert_all_arrived(app, sink, load)


def serving(app: App) -> set[int]:
    """Process ids of the workers that have come up."""
    return {line["process_id"] for line in app.lines if any(words in line["message"] for words in UP)}


def wait_for_workers(app: App, workers: int) -> None:
    """Returns once so many workers have come up."""
    deadline = time.monotonic() + 40
    while len(serving(app)) < workers:
        assert time.monotonic() < deadline, "the workers did not come up"
        time.sleep(0.1)


@holds("1.M6")
@pytest.mark.parametrize("server", SUPERVISED)
def test_each_worker_has_an_id_of_its_own_that_outlives_a_restart(
    app_of: Callable[..., App], server: str
) -> None:
    """Each worker has one id, the supervisor sends nothing, metrics add up, a restart brings the same ids."""
    workers = 2 if "gunicorn" in server else 4
    runs = []
    for _ in range(2):
        with Sink() as sink:
            app = app_of(SOURCE, {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}, server=SUPERVISED[server])
            (app.folder / "stdout.txt").unlink(missing_ok=True)
            with app:
                wait_for_workers(app, workers)
                with Load(app.url) as load:
                    load.wait_for(60)
                # One that first speaks when another has ended may have that one's id.
                sink.wait(lambda s: sum(map(len, ids_of(s).values())) >= workers)
                supervisor = app.process.pid
            assert_all_arrived(app, sink, load, but_of=supervisor)
            runs.append(ids_of(sink))
    for ids in runs:
        assert len(ids) == workers
        pids = [pid for of_one in ids.values() for pid in of_one]
        assert len(pids) == workers, "no id is shared, nor changed"
        assert supervisor not in pids
    assert set(runs[0]) == set(runs[1])


@holds("1.M6")
def test_a_reload_loses_nothing(app_of: Callable[..., App], sink: Sink) -> None:
    """With --reload the old child sends what it has, the new one goes on under the same id."""
    with app_of(SOURCE, server=(*UVICORN, "--reload")) as app:
        with Load(app.url) as load:
            wait_for_workers(app, 1)
            load.wait_for(20)
            (app.folder / "app.py").write_text(SOURCE + "\n# changed\n")
            wait_for_workers(app, 2)
            load.wait_for(len(load.answered) + 20)
        supervisor = app.process.pid
    assert_all_arrived(app, sink, load, but_of=supervisor)
    ((_, pids),) = ids_of(sink).items()
    assert len(pids) == 2
    assert supervisor not in pids


FORKING = (
    SOURCE
    + """
import multiprocessing, time

def child(how):
    logging.getLogger("child").warning("child by %s", how)

@app.get("/child/{how}")
def start_child(how: str) -> dict[str, int]:
    logging.getLogger("app").info("before %s", how)
    if how == "os.fork":
        pid = os.fork()
        if not pid:
            child(how)
            # No hook runs at `os._exit`: what a child has to say must leave by itself.
            time.sleep(2)
            os._exit(0)
        os.waitpid(pid, 0)
        return {"pid": pid}
    process = multiprocessing.get_context(how).Process(target=child, args=(how,))
    process.start()
    process.join()
    return {"pid": process.pid}
"""
)


@holds("1.M6")
def test_children_of_the_app_send_their_own_records_and_no_others(
    app_of: Callable[..., App], sink: Sink
) -> None:
    """Children by fork, spawn, forkserver, os.fork deliver what they said, once, under ids of their own."""
    with app_of(FORKING, server=UVICORN) as app:
        with Load(app.url, clients=1) as load:
            # The parent has its slot: before that a child might have it for as long as it lives.
            sink.wait(lambda s: s.logs)
            pids = {
                how: httpx.get(f"{app.url}/child/{how}", timeout=30).json()["pid"]
                for how in ("fork", "spawn", "forkserver", "os.fork")
            }
            load.wait_for(len(load.answered) + 20)
        parent = app.process.pid
    said = {record["body"]: record["resource"] for record in sink.logs if record["scope"] == "child"}
    assert {how: said[f"child by {how}"]["process.pid"] for how in pids} == pids
    (mine,) = [record["resource"] for record in sink.logs if record["body"] == "before fork"]
    assert mine["service.instance.id"] not in {resource["service.instance.id"] for resource in said.values()}
    arrived = Counter(record["event_id"] for record in sink.logs)
    assert max(arrived.values()) == 1
    assert set(arrived) == {line["event_id"] for line in app.lines}
    assert max(Counter(span["span_id"] for span in sink.spans).values()) == 1
    assert set(load.answered) <= set(server_spans(sink))
    assert ids_of(sink)[mine["service.instance.id"]] == {parent}
