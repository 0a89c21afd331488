"""Datadog's API for what we apply, played on a loopback port: it keeps what it is given, and refuses.

Bodies are judged by Datadog's own client models; what is listed has the keys that Datadog adds.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from typing_extensions import Self

from tradewise_otel.tools.datadog import strict
from tradewise_otel.tools.datadog.kinds import INDEX_ORDER_PATH, KINDS, Kind
from tradewise_otel.tools.ports import free_port
from tradewise_otel.tools.standin.intake import Answer
from tradewise_otel.tools.standin.listener import Listener

API_KEY, APP_KEY = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210fedcba98"
KEYS = {"DD_API_KEY": API_KEY, "DD_APP_KEY": APP_KEY}
_ADDED = {
    "monitors": {
        "overall_state": "OK",
        "creator": {"email": "a@b.c"},
        "multi": True,
        "created": "2026-01-01",
    },
    "dashboards": {"url": "/dashboard/x", "author_handle": "a@b.c", "is_read_only": False},
    "slos": {"created_at": 1, "modified_at": 2, "creator": {"email": "a@b.c"}},
    "log-indexes": {"is_rate_limited": False, "daily_limit": None},
}
_TAGS = next(kind for kind in KINDS if kind.folder == "metric-tags")


class Organisation:
    """One organisation. A context manager: it listens while the block runs.

    Attributes:
        url: for `TRADEWISE_DD_API_URL`.
        held: kind's folder to id to body, as the organisation has them.
        order: of the log indexes.
        metrics: the metrics that it has seen, or None for all.
        writes: how many changes were asked for.
        before: called with method and path before each request; may return an answer of its own.
    """

    def __init__(self) -> None:
        self.held: dict[str, dict[str, dict[str, Any]]] = {kind.folder: {} for kind in KINDS}
        self.order: list[str] = []
        self.metrics: set[str] | None = None
        self.writes = 0
        self.before: Callable[[str, str], Answer | None] = lambda method, path: None
        self.more: dict[str, Callable[[Any], Any]] = {}
        self._ids = itertools.count(1000)
        self._lock = threading.Lock()
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"

    @property
    def environ(self) -> dict[str, str]:
        """What a command needs to find it."""
        return {**KEYS, "TRADEWISE_DD_API_URL": self.url}

    def add(self, folder: str, body: dict[str, Any]) -> str:
        """Put a resource there as somebody else would; returns its id."""
        kind = next(kind for kind in KINDS if kind.folder == folder)
        return self._create(kind, body)

    def __enter__(self) -> Self:
        self._listener = Listener(self._port, self._take)
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.close()

    def _take(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer | None:
        with self._lock:
            reply = self.before(method, path)
            if reply:
                return reply
            if (headers.get("dd-api-key"), headers.get("dd-application-key")) != (API_KEY, APP_KEY):
                return refusal(403, "Forbidden")
            self.writes += method != "GET"
            try:
                return _json(self._answer(method, path, json.loads(body or b"null")))
            except RefusedError as error:
                return refusal(error.status, str(error)) if error.status else Answer(0)

    def _answer(self, method: str, path: str, body: Any) -> Any:
        url = urlsplit(path)
        if url.path in self.more:
            return self.more[url.path](body)
        if url.path == INDEX_ORDER_PATH:
            return self._order(method, body)
        # /api/v2/metrics/NAME/tags, where all others have the id at the end.
        for kind in KINDS:
            if url.path == kind.path:
                return self._all(kind, method, body, parse_qs(url.query))
            if url.path.startswith(f"{kind.path}/"):
                rest = unquote(url.path[len(kind.path) + 1 :])
                return self._one(kind, method, rest.removesuffix("/tags"), body)
        raise RefusedError(404, "no such route")

    def _order(self, method: str, body: Any) -> Any:
        if method == "PUT":
            if sorted(body["index_names"]) != sorted(self.order):
                raise RefusedError(400, "all indexes must be named")
            self.order = body["index_names"]
        return {"index_names": self.order}

    def _all(self, kind: Kind, method: str, body: Any, query: dict[str, list[str]]) -> Any:
        if method == "POST":
            made = self._create(kind, body)
            held = self._shown(kind, made)
            return {"data": [held]} if kind.folder == "slos" else held
        items = [self._shown(kind, id_) for id_ in self.held[kind.folder]]
        wanted = (query.get("tags_query") or query.get("monitor_tags") or [""])[0]
        items = [item for item in items if not wanted or wanted in item.get("tags", [])]
        if kind.folder == "dashboards":
            items = [{"id": item["id"], "description": item["description"]} for item in items]
        items = [item["data"] for item in items] if kind.wrapped else items
        return {kind.listed: items} if kind.listed else items

    def _one(self, kind: Kind, method: str, id_: str, body: Any) -> Any:
        if kind is _TAGS and method == "POST":
            if self.metrics is not None and id_ not in self.metrics:
                raise RefusedError(404, "metric not found")
            self._create(kind, body)
        if id_ not in self.held[kind.folder]:
            raise RefusedError(404, "not found")
        if method == "DELETE":
            del self.held[kind.folder][id_]
            self.order = [name for name in self.order if name != id_ or kind.folder != "log-indexes"]
            return {}
        if method in ("PUT", "PATCH"):
            self._update(kind, id_, body)
        return self._shown(kind, id_)

    def _create(self, kind: Kind, body: dict[str, Any]) -> str:
        _judge(kind, body)
        if kind.folder == "monitors" and '"${' in body["query"]:
            raise RefusedError(400, "The value provided for parameter 'query' is invalid")
        id_ = body["data"]["id"] if kind is _TAGS else self._new_id(kind, body)
        if id_ in self.held[kind.folder]:
            raise RefusedError(409, "exists")
        self.held[kind.folder][id_] = json.loads(json.dumps(body))
        if kind.folder == "log-indexes":
            self.order.append(id_)
        return id_

    def _new_id(self, kind: Kind, body: dict[str, Any]) -> str:
        return str(body["name"]) if kind.folder == "log-indexes" else str(next(self._ids))

    def _update(self, kind: Kind, id_: str, body: dict[str, Any]) -> None:
        held = self.held[kind.folder][id_]
        if kind.wrapped:
            whole = {
                "data": {**held["data"], "attributes": {**kind.attributes(held), **kind.attributes(body)}}
            }
        else:
            if kind.folder == "log-indexes" and "name" in body:
                raise RefusedError(400, "name cannot be changed")
            whole = {**held, **body}
        _judge(kind, whole)
        self.held[kind.folder][id_] = json.loads(json.dumps(whole))

    def _shown(self, kind: Kind, id_: str) -> dict[str, Any]:
        held = self.held[kind.folder][id_]
        if kind.wrapped:
            return {"data": {**held["data"], "id": id_}}
        id_of = int(id_) if kind.folder == "monitors" else id_
        own = {} if kind.folder == "log-indexes" else {"id": id_of}
        return {**_ADDED.get(kind.folder, {}), **held, **own}


class RefusedError(Exception):
    """What Datadog would not take, with its status; 0: the connection is cut."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def refusal(status: int, reason: str, **headers: str) -> Answer:
    """An answer as Datadog refuses."""
    return Answer(
        status, json.dumps({"errors": [reason]}).encode(), {"content-type": "application/json", **headers}
    )


def _json(body: Any) -> Answer:
    return Answer(200, json.dumps(body).encode(), {"content-type": "application/json"})


def _judge(kind: Kind, body: dict[str, Any]) -> None:
    if found := _problems(kind.folder, json.dumps(body)):
        raise RefusedError(400, "; ".join(found))


@cache
def _problems(folder: str, body: str) -> list[str]:
    """The same bodies come in every test, and the models take their time."""
    (kind,) = [kind for kind in KINDS if kind.folder == folder]
    return strict.problems(json.loads(body), kind.model)
