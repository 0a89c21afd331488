"""An app that has only changed its imports: the same lines as ever, and nothing counted twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.lines import assert_documented
from harness.traffic import serving

REQUESTS = 20


def test_an_app_of_the_document_needs_new_imports_only(tmp_path: Path) -> None:
    """Its middleware, its profiling, its sampler and its counters beside automatic ones: each thing once."""
    with serving(tmp_path, "migrated", {"TRADEWISE_SAMPLE_RATE": "0.1"}) as traffic:
        ids = [traffic.call("GET", f"/try/{number}")[0] for number in range(REQUESTS)]
        for request_id in ids:
            traffic.answered(request_id)
        expected: dict[str, dict[str, Any]] = {
            "api.requests.count": {"endpoint": "/try/{number}"},
            "bot.connections.count": {"status": "success"},
            "user.activity.count": {"action": "attempted", "tenant_id": "tenant-1"},
        }
        traffic.sink.wait(lambda sink: all(sink.total(name) >= REQUESTS for name in expected))
        assert_documented(traffic.lines(ids[0]))
    for name, labels in expected.items():
        assert traffic.sink.total(name, **labels) == traffic.sink.total(name) == REQUESTS
    assert len(traffic.app.events("bot_connection_test_success")) == REQUESTS
    assert len(traffic.app.events("performance_metric")) == REQUESTS
    assert [line["level"] for line in traffic.app.lines].count("DEBUG") >= REQUESTS
    assert "s3cr3t-token" not in traffic.app.stdout
