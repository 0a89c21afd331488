"""Which process is this: a supervisor that exports nothing, or worker N with a stable instance id (P14).

Two workers that wrote the same metric series would overwrite each other's deltas, and an id that changed
with every restart would make new series each time. So each worker takes the lowest free slot of its
service on this host, by locking a small file, and its instance id follows from host, service and slot.
"""

from __future__ import annotations

import fcntl
import os
import socket
import sys
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from opentelemetry.sdk.resources import Resource

from tradewise_otel.settings import resource_attributes

_NAMESPACE = uuid.UUID("8f1d6f3e-5b0a-5d0c-9c53-7a4f6c0b1f11")
_MAX_SLOTS = 4096
_HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
# What uvicorn's command line reads as yes.
_TRUE = ("1", "true", "t", "yes", "y", "on")


class QuickResource(Resource):
    """A resource that is hashed by identity: upstream's hash writes JSON, for every record of a batch."""

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other or super().__eq__(other)


class Identity:
    """This process's place among its siblings, settled when first asked for; again after a fork."""

    def __init__(self, base: Resource, argv: Sequence[str], environ: Mapping[str, str]) -> None:
        self._base = base
        self._environ = environ
        self.supervises = is_supervisor(argv, environ)
        self._slot_file: int | None = None
        self._resource: Resource | None = None

    def after_fork(self) -> None:
        """A forked child is a worker, with a slot of its own."""
        self.supervises = False
        self._resource = None
        if self._slot_file is not None:
            # The lock belongs to the parent's open file; closing our copy leaves it locked.
            os.close(self._slot_file)
            self._slot_file = None

    @property
    def resource(self) -> Resource:
        """The resource of all that this process sends."""
        if self._resource is None:
            self._resource = QuickResource(self._base.merge(Resource(self._process_attributes())).attributes)
        return self._resource

    def _process_attributes(self) -> dict[str, str | int]:
        attributes: dict[str, str | int] = {"process.pid": os.getpid()}
        # Upstream's resource brings a random id; only one that the user names stands.
        named = resource_attributes(self._environ).get("service.instance.id")
        attributes["service.instance.id"] = named or self._instance_id()
        return attributes

    def _instance_id(self) -> str:
        service = str(self._base.attributes.get("service.name", ""))
        slot = self._take_slot(service)
        if slot is None:
            # Without a lock two processes could claim one id; a random one only churns series.
            return str(uuid.uuid4())
        return str(uuid.uuid5(_NAMESPACE, f"{socket.gethostname()}/{service}/{slot}"))

    def _take_slot(self, service: str) -> int | None:
        folder = _runtime_dir(self._environ)
        name = uuid.uuid5(_NAMESPACE, service).hex[:12]
        for slot in range(_MAX_SLOTS):
            try:
                file = os.open(folder / f"{name}.{slot}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError:
                return None
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(file)
                continue
            self._slot_file = file
            return slot
        return None


def is_supervisor(argv: Sequence[str], environ: Mapping[str, str]) -> bool:
    """True for processes that only watch over workers: they must not take a slot or export.

    gunicorn's master (its forked workers are told by `after_fork`), uvicorn with several workers or with
    `--reload`, and multiprocessing's helpers. A script that calls `uvicorn.run(workers=4)` does not show
    it: it counts as one more worker, and takes a slot if it has something to say.
    """
    program = _program(argv)
    if any(helper in " ".join(sys.orig_argv) for helper in _HELPERS):
        return True
    if program == "gunicorn":
        return True
    if program != "uvicorn":
        return False
    return (
        _flag(argv, "--reload")
        or environ.get("UVICORN_RELOAD", "").strip().lower() in _TRUE
        or _workers(argv, environ) > 1
    )


def _program(argv: Sequence[str]) -> str:
    if "--multiprocessing-fork" in sys.orig_argv or not argv:
        return ""
    # `python -m uvicorn` is not yet resolved when the launcher's sitecustomize runs.
    if argv[0] == "-m":
        original = list(sys.orig_argv)
        return original[original.index("-m") + 1] if "-m" in original[:-1] else ""
    return Path(argv[0]).name


def _flag(argv: Sequence[str], name: str) -> bool:
    return any(word == name or word.startswith(f"{name}=") for word in argv)


def _workers(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    text = environ.get("UVICORN_WORKERS") or environ.get("WEB_CONCURRENCY") or "1"
    words = list(argv)
    for position, word in enumerate(words):
        if word == "--workers" and position + 1 < len(words):
            text = words[position + 1]
        elif word.startswith("--workers="):
            text = word.partition("=")[2]
    return int(text) if text.isdigit() else 1


def _runtime_dir(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_RUNTIME_DIR") or os.path.join(
        tempfile.gettempdir(), f"tradewise-otel-{os.getuid()}"
    )
    folder = Path(base) / "tradewise-otel"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.gettempdir())
    return folder
