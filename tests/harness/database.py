"""The database app (`database_app.py`) under the launcher, with what a test asks of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
from typing_extensions import Self

from harness.app import App
from harness.sink import Sink

SOURCES = {"database_app.py": "app.py", "lost_database.py": "lost_database.py"}


class DatabaseApp:
    """The app and its OTLP door. A context manager.

    Args:
        folder: where it runs; its databases lie there too.
        env: variables on top, such as the sampling rate.
    """

    def __init__(self, folder: Path, env: dict[str, str] | None = None) -> None:
        for source, name in SOURCES.items():
            shutil.copy(Path(__file__).with_name(source), folder / name)
        self.sink = Sink()
        self.app = App(folder, env={"OTEL_EXPORTER_OTLP_ENDPOINT": self.sink.url, **(env or {})})
        self._client = httpx.Client(base_url=self.app.url, timeout=60)

    def __enter__(self) -> Self:
        self.sink.__enter__()
        self.app.__enter__()
        for flavour in ("sync", "async", "config"):
            self._client.post(f"/reset/{flavour}").raise_for_status()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._client.close()
        self.app.__exit__(kind, error, tb)
        self.sink.__exit__(kind, error, tb)

    def reset(self, flavour: str) -> None:
        """The same rows as at the start."""
        self._client.post(f"/reset/{flavour}").raise_for_status()

    def post(self, path: str, status: int = 200) -> str:
        """Calls a route; the request id of the answer, by which its lines are found."""
        answer = self._client.post(path)
        assert answer.status_code == status, answer.text
        return answer.headers["x-request-id"]

    def counts(self) -> dict[str, list[str]]:
        """Names of the library's spans that were started and ended."""
        return dict(self._client.get("/counts").json())

    def lines(self, request_id: str, event_type: str = "database_operation") -> list[dict[str, Any]]:
        """What one request printed of one event type."""
        mine = (json.loads(line) for line in self.app.printed if request_id in line)
        return [line for line in mine if line.get("event_type") == event_type]

    def spans(self, request_id: str) -> list[dict[str, Any]]:
        """The library's spans of one request, once its server span has arrived."""

        def mine() -> list[dict[str, Any]]:
            return [s for s in self.sink.spans if s["attributes"].get("request_id") == request_id]

        self.sink.wait(lambda _: any(s["parent_span_id"] == "" for s in mine()))
        return [s for s in mine() if s["scope"].endswith("sqlalchemy")]
