"""The kinds of resources: where their files are, what their bodies must be, whose they are, what may be set.

One row a kind, in the order in which they are applied: an SLO before the monitors that need its id.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from datadog_api_client.model_utils import OpenApiModel
from datadog_api_client.v1.model.dashboard import Dashboard
from datadog_api_client.v1.model.logs_index import LogsIndex
from datadog_api_client.v1.model.monitor import Monitor
from datadog_api_client.v1.model.service_level_objective_request import ServiceLevelObjectiveRequest
from datadog_api_client.v2.model.logs_archive_create_request import LogsArchiveCreateRequest
from datadog_api_client.v2.model.metric_tag_configuration_create_request import (
    MetricTagConfigurationCreateRequest,
)
from datadog_api_client.v2.model.retention_filter_create_request import RetentionFilterCreateRequest

from . import marks


class Kind(NamedTuple):
    """One kind of resource.

    Attributes:
        folder: below `deploy/datadog/`.
        model: what a body is, in Datadog's own client.
        path: where resources of the kind are listed and created.
        mark: what of a resource says whose it is: its file's stem, "" where it is not ours.
        scope: the permission that an application key needs to change it.
        listed: the key of an answer under which the list is; "" where the answer is the list.
        query: of the request for a list.
        wrapped: whether bodies are `{"data": {"attributes": …}}`.
        keeps_data: records are in it: `destroy` leaves it unless told otherwise.
        update: the method that changes one.
    """

    folder: str
    model: type[OpenApiModel]
    path: str
    mark: Callable[[dict[str, Any]], str]
    scope: str
    listed: str = "data"
    query: str = ""
    wrapped: bool = False
    keeps_data: bool = False
    update: str = "PUT"

    def stem(self, body: dict[str, Any]) -> str:
        """The stem of a body's file; "" where it is not ours."""
        return self.mark({**self.attributes(body), **self.identity(body)})

    def identity(self, body: dict[str, Any]) -> dict[str, Any]:
        """`{"id": …}` where a body has one."""
        found = body["data"] if self.wrapped else body
        return {"id": found["id"]} if "id" in found else {}

    def attributes(self, body: dict[str, Any]) -> dict[str, Any]:
        """What a body says of the resource, without its envelope."""
        found: dict[str, Any] = body["data"]["attributes"] if self.wrapped else body
        return found


def _by_tags(body: dict[str, Any]) -> str:
    return marks.stem_of_tags(body.get("tags") or [])


def _by_description(body: dict[str, Any]) -> str:
    return marks.stem_of_description(body.get("description") or "")


def _by_name(body: dict[str, Any]) -> str:
    return marks.stem_of_name(body.get("name") or "")


def _by_id(body: dict[str, Any]) -> str:
    return str(body.get("id", ""))


KINDS: tuple[Kind, ...] = (
    Kind(
        "metric-tags",
        MetricTagConfigurationCreateRequest,
        "/api/v2/metrics",
        _by_id,
        "metric_tags_write",
        wrapped=True,
        update="PATCH",
    ),
    Kind(
        "slos",
        ServiceLevelObjectiveRequest,
        "/api/v1/slo",
        _by_tags,
        "slos_write",
        query=f"tags_query={marks.OWNER}&limit=1000",
    ),
    Kind(
        "monitors",
        Monitor,
        "/api/v1/monitor",
        _by_tags,
        "monitors_write",
        listed="",
        query=f"monitor_tags={marks.OWNER}&page=0&page_size=1000",
    ),
    Kind(
        "dashboards",
        Dashboard,
        "/api/v1/dashboard",
        _by_description,
        "dashboards_write",
        listed="dashboards",
        query="count=1000&start=0",
    ),
    Kind(
        "log-indexes",
        LogsIndex,
        "/api/v1/logs/config/indexes",
        _by_name,
        "logs_modify_indexes",
        listed="indexes",
        keeps_data=True,
    ),
    Kind(
        "log-archives",
        LogsArchiveCreateRequest,
        "/api/v2/logs/config/archives",
        _by_name,
        "logs_write_archives",
        wrapped=True,
        keeps_data=True,
    ),
    Kind(
        "span-filters",
        RetentionFilterCreateRequest,
        "/api/v2/apm/config/retention-filters",
        _by_name,
        "apm_retention_filter_write",
        wrapped=True,
    ),
)
"""All of them."""

INDEX_ORDER_PATH = "/api/v1/logs/config/index-order"
