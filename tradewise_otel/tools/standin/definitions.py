"""Datadog's own message definitions, from the Go modules that the Collector's lock pins.

The sources are `datadog/trace/*.proto` of `datadog-agent/pkg/proto` (Apache-2.0) and `agent_payload.proto` of
`agent-payload` (BSD-3-Clause). Go has them in its module cache once the Collector is built; else it downloads
them, checked against the lock. The messages are made at run time in a pool of their own: no
generated code that would tie us to one protobuf runtime, and no clash with other users of the same names.
"""

from __future__ import annotations

import importlib.resources
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from tradewise_otel.tools.collector.build import go_environ
from tradewise_otel.tools.standin.recording import Request

_TRACE = "github.com/DataDog/datadog-agent/pkg/proto"
_METRICS = "github.com/DataDog/agent-payload/v5"
_GOGO = "github.com/gogo/protobuf"
_MODULES = (_TRACE, _METRICS, _GOGO)
_FILES = ("datadog/trace/agent_payload.proto", "proto/metrics/agent_payload.proto")


class DefinitionsError(Exception):
    """Datadog's definitions could not be found, downloaded or compiled."""


@dataclass(frozen=True)
class Definitions:
    """The messages of Datadog's intake, as classes."""

    agent_payload: type[Message]
    """Body of `/api/v0.2/traces`."""
    metric_payload: type[Message]
    """Body of `/api/v2/series`."""
    sketch_payload: type[Message]
    """Body of `/api/beta/sketches`."""

    def parse(self, kind: type[Message], request: Request) -> Any:
        """The body of a request as a message of one of these classes; from JSON where its headers say so.

        Raises:
            ValueError: it is not such a message.
        """
        body = request.body()
        try:
            # The exporter tells that it runs in JSON, and all else in protobuf.
            if "json" in request.headers.get("content-type", ""):
                return json_format.Parse(body, kind(), ignore_unknown_fields=True)
            return kind.FromString(body)
        except (DecodeError, json_format.ParseError) as error:
            raise ValueError(f"no {kind.DESCRIPTOR.full_name}: {error}") from error


def load_definitions(lock: Path, environ: Mapping[str, str], cache: Path) -> Definitions:
    """The definitions of the versions that a Collector's lock names.

    Args:
        lock: a folder with the `go.mod` and `go.sum` of a Collector that has the Datadog exporter; only read.
        environ: the environment for Go, which runs only if `cache` has nothing for these versions.
        cache: the Collector builder's cache folder; the compiled definitions go there too.

    Raises:
        DefinitionsError: the lock lacks a module, or Go or the compiler failed; with what they said.
    """
    versions = _versions(lock / "go.mod")
    compiled = cache / f"datadog-{'-'.join(versions)}.binpb"
    if not compiled.is_file():
        with tempfile.TemporaryDirectory(prefix="definitions-") as scratch:
            folders = _module_folders(lock, go_environ(environ, cache), Path(scratch))
            partial = _compile(folders, Path(scratch) / "set.binpb")
            cache.mkdir(parents=True, exist_ok=True)
            _move_into_place(partial, compiled)
    return _definitions(compiled.read_bytes())


def _versions(go_mod: Path) -> list[str]:
    lines = go_mod.read_text()
    found = [
        re.search(rf"^(?:require)?\s+{re.escape(name)} (v\S+)", lines, re.MULTILINE) for name in _MODULES
    ]
    for name, match in zip(_MODULES, found, strict=True):
        if not match:
            raise DefinitionsError(f"{go_mod} does not require {name}: not a Collector for Datadog")
    return [match[1] for match in found if match]


def _module_folders(lock: Path, environ: Mapping[str, str], scratch: Path) -> dict[str, Path]:
    # From a copy: Go may write to go.sum. The lock's `replace` of our own components is not looked at.
    for name in ("go.mod", "go.sum"):
        shutil.copy(lock / name, scratch)
    said = _run(["go", "mod", "download", "-json", *_MODULES], scratch, environ)
    decoder, folders = json.JSONDecoder(), {}
    while said := said.lstrip():
        module, end = decoder.raw_decode(said)
        folders[module["Path"]], said = Path(module["Dir"]), said[end:]
    return folders


def _compile(folders: Mapping[str, Path], target: Path) -> Path:
    known = importlib.resources.files("grpc_tools") / "_proto"
    roots = [folders[_TRACE], folders[_METRICS], f"{_GOGO}={folders[_GOGO]}", known]
    command = [sys.executable, "-m", "grpc_tools.protoc", *(f"-I{root}" for root in roots)]
    options = ["--include_imports", f"--descriptor_set_out={target}"]
    _run([*command, *options, *_FILES], target.parent, os.environ)
    return target


def _run(argv: list[str], folder: Path, environ: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            argv, cwd=folder, env=dict(environ), capture_output=True, text=True, timeout=300
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DefinitionsError(f"{argv[0]} did not run: {error}") from error
    if done.returncode != 0:
        raise DefinitionsError(f"`{' '.join(argv[:4])}` failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _move_into_place(partial: Path, target: Path) -> None:
    # The scratch folder may be on another file system, where a move is not atomic.
    beside = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.copy(partial, beside)
    beside.replace(target)


def _definitions(descriptor_set: bytes) -> Definitions:
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(descriptor_set).file:
        pool.AddSerializedFile(file.SerializeToString())

    def message(name: str) -> Any:
        return GetMessageClass(pool.FindMessageTypeByName(name))

    return Definitions(
        message("datadog.trace.AgentPayload"),
        message("datadog.agentpayload.MetricPayload"),
        message("datadog.agentpayload.SketchPayload"),
    )
