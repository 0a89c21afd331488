"""A Datadog organisation by its API: what of ours is there, and how it is made, changed and taken away.

Requests go through Datadog's own client, which waits where it is told to (429) and tries again (5xx).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from datadog_api_client import ApiClient, Configuration
from datadog_api_client.exceptions import ApiException, ForbiddenException, NotFoundException
from urllib3.exceptions import HTTPError

from .kinds import INDEX_ORDER_PATH, Kind

RETRIES = 3
SECONDS = 60
_TAG_CONFIGURATIONS = "metric-tags"


class AccountError(Exception):
    """The API does not do what it was asked; it says which permission or setting is missing, never a key."""


class AbsentError(AccountError):
    """What was asked for is not there."""


@dataclass(frozen=True)
class Remote:
    """A resource of ours as the organisation has it.

    Attributes:
        id: what the API calls it.
        body: in the form of the files, with what Datadog has added.
    """

    kind: Kind
    stem: str
    id: str
    body: dict[str, Any]


class Account:
    """One organisation. A context manager, which closes its connections.

    Args:
        environ: `DD_API_KEY`, `DD_APP_KEY`, `DD_SITE`; `TRADEWISE_DD_API_URL` for private links and tests.

    Raises:
        AccountError: a key is missing.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._keys = [environ.get(name, "").strip() for name in ("DD_API_KEY", "DD_APP_KEY")]
        if not all(self._keys):
            raise AccountError(
                "DD_API_KEY and DD_APP_KEY must be set: an API key and an application key of your "
                "organisation (Organization Settings > API Keys, > Application Keys)"
            )
        site = environ.get("DD_SITE") or "datadoghq.com"
        self.url = (environ.get("TRADEWISE_DD_API_URL") or f"https://api.{site}").rstrip("/")
        self._client = ApiClient(
            Configuration(host=self.url, enable_retry=True, max_retries=RETRIES, retry_backoff_factor=2)
        )

    def __enter__(self) -> Account:
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def ours(self, kind: Kind, stems: Iterable[str]) -> list[Remote]:
        """The resources of a kind that are ours.

        Args:
            stems: metrics to ask about: their tags carry no mark, and ours are those of our metrics.

        Raises:
            AccountError: see there.
        """
        if kind.folder == _TAG_CONFIGURATIONS:
            return list(self._tag_configurations(kind, stems))
        answer = self._call(kind, "GET", f"{kind.path}?{kind.query}")
        items = answer[kind.listed] if kind.listed else answer
        bodies = ({"data": item} if kind.wrapped else item for item in items)
        found = [Remote(kind, kind.stem(body), _id(kind, body), body) for body in bodies if kind.stem(body)]
        # The list of dashboards says neither what is on them nor all of their text.
        return [self._whole(remote) for remote in found] if kind.folder == "dashboards" else found

    def create(self, kind: Kind, body: dict[str, Any]) -> str:
        """Make a resource; returns its id.

        Raises:
            AccountError: see there.
        """
        path = f"{kind.path}/{quote(body['data']['id'])}/tags" if _is_tags(kind) else kind.path
        answer = self._call(kind, "POST", path, body)
        made = answer["data"] if "data" in answer and not kind.wrapped else answer
        return _id(kind, made[0] if isinstance(made, list) else made)

    def update(self, remote: Remote, body: dict[str, Any]) -> None:
        """Bring a resource to what a body says.

        Raises:
            AccountError: see there.
        """
        self._call(remote.kind, remote.kind.update, _path(remote), _change(remote, body))

    def delete(self, remote: Remote) -> None:
        """Take a resource away; one that is gone already is no error.

        Raises:
            AccountError: see there.
        """
        try:
            self._call(remote.kind, "DELETE", _path(remote))
        except AbsentError:
            return

    def index_order(self, kind: Kind) -> list[str]:
        """The names of all log indexes, ours or not, in the order in which a record is offered to them."""
        return list(self._call(kind, "GET", INDEX_ORDER_PATH)["index_names"])

    def order_indexes(self, kind: Kind, names: list[str]) -> None:
        """Set that order."""
        self._call(kind, "PUT", INDEX_ORDER_PATH, {"index_names": names})

    def ask(self, method: str, path: str, body: Any, scope: str) -> Any:
        """Any other request; `scope` is the permission that a 403 would lack."""
        return self._request(method, path, body, scope)

    def _tag_configurations(self, kind: Kind, stems: Iterable[str]) -> Iterator[Remote]:
        for metric in stems:
            try:
                body = self._call(kind, "GET", f"{kind.path}/{quote(metric)}/tags")
            except AbsentError:
                continue
            yield Remote(kind, metric, metric, body)

    def _whole(self, remote: Remote) -> Remote:
        return Remote(remote.kind, remote.stem, remote.id, self._call(remote.kind, "GET", _path(remote)))

    def _call(self, kind: Kind, method: str, path: str, body: Any = None) -> Any:
        return self._request(method, path, body, kind.scope)

    def _request(self, method: str, path: str, body: Any, scope: str) -> Any:
        headers = {"DD-API-KEY": self._keys[0], "DD-APPLICATION-KEY": self._keys[1]}
        headers |= {"Accept": "application/json"}
        try:
            answer = self._client.call_api(
                path,
                method,
                body=body,
                header_params=headers,
                preload_content=False,
                request_timeout=SECONDS,
            )
            return json.loads(answer.data or b"{}")
        except NotFoundException as error:
            raise AbsentError(self._told(method, path, error)) from None
        except ForbiddenException as error:
            raise AccountError(f"{self._told(method, path, error)}: {_forbidden(scope)}") from None
        except ApiException as error:
            raise AccountError(self._told(method, path, error)) from None
        except HTTPError as error:
            raise AccountError(self._without_keys(f"{self.url} cannot be reached: {error}")) from None

    def _told(self, method: str, path: str, error: ApiException) -> str:
        route = path.partition("?")[0]
        return self._without_keys(f"{method} {route}: {error.status} {error.reason}{_reasons(error.body)}")

    def _without_keys(self, text: str) -> str:
        for key in self._keys:
            text = text.replace(key, "****")
        return text


def _id(kind: Kind, body: dict[str, Any]) -> str:
    # An index has no id but its name.
    found = kind.identity(body).get("id") or kind.attributes(body).get("name")
    return str(found)


def _is_tags(kind: Kind) -> bool:
    return kind.folder == _TAG_CONFIGURATIONS


def _path(remote: Remote) -> str:
    return f"{remote.kind.path}/{quote(remote.id)}" + ("/tags" if _is_tags(remote.kind) else "")


def _change(remote: Remote, body: dict[str, Any]) -> dict[str, Any]:
    """What a change says: some keys may be said at creation only."""
    if remote.kind.folder == "log-indexes":
        return {key: value for key, value in body.items() if key != "name"}
    if _is_tags(remote.kind):
        attributes = {key: value for key, value in body["data"]["attributes"].items() if key != "metric_type"}
        return {"data": {**body["data"], "attributes": attributes}}
    if remote.kind.folder == "span-filters":
        return {"data": {**body["data"], "id": remote.id}}
    return body


def _reasons(body: Any) -> str:
    try:
        errors = json.loads(body)["errors"]
    except (TypeError, ValueError, KeyError):
        return ""
    return ": " + "; ".join(map(str, errors)) if isinstance(errors, list) else f": {errors}"


def _forbidden(scope: str) -> str:
    return (
        f"the application key lacks the permission {scope}, or one of the keys is wrong, or of another site "
        "(DD_SITE)"
    )
