"""Datadog's definitions: found by the lock, compiled once, apart from every other message of the process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from google.protobuf import descriptor_pool

from tradewise_otel.tools.standin.definitions import Definitions, DefinitionsError, load_definitions


def test_the_messages_are_datadogs(definitions: Definitions) -> None:
    """The three payloads are there under Datadog's names, and not in the process's default pool."""
    names = [
        kind.DESCRIPTOR.full_name
        for kind in (definitions.agent_payload, definitions.metric_payload, definitions.sketch_payload)
    ]
    assert names == [
        "datadog.trace.AgentPayload",
        "datadog.agentpayload.MetricPayload",
        "datadog.agentpayload.SketchPayload",
    ]
    for name in names:
        with pytest.raises(KeyError):
            descriptor_pool.Default().FindMessageTypeByName(name)


def test_what_is_compiled_is_kept(definitions: Definitions, lock: Path, cache: Path, tmp_path: Path) -> None:
    """The second time nothing runs: no Go is needed. The lock is not written to."""
    before = {file.name: file.read_bytes() for file in lock.iterdir() if file.is_file()}
    # The modules that are there already, so that nothing is downloaded.
    load_definitions(lock, {"GOPATH": str(cache / "gopath"), **os.environ}, tmp_path)
    assert load_definitions(lock, {"PATH": ""}, tmp_path)
    assert {file.name: file.read_bytes() for file in lock.iterdir() if file.is_file()} == before


def test_a_lock_without_datadog_is_named(lock: Path, tmp_path: Path) -> None:
    """The laptop's lock has no Datadog module, which is said with the module's name."""
    with pytest.raises(DefinitionsError, match="does not require github"):
        load_definitions(lock.parent / "local", os.environ, tmp_path)


def test_without_go_the_reason_is_told(lock: Path, tmp_path: Path) -> None:
    """With an empty cache and no Go the error says what did not run."""
    with pytest.raises(DefinitionsError, match="go did not run"):
        load_definitions(lock, {"PATH": str(tmp_path)}, tmp_path)
