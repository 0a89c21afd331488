"""What is kept for how long: indexes, archives and their buckets, retained spans (contract 8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tradewise_otel.catalogue.retention import RETENTION
from tradewise_otel.catalogue.vocabulary import Retention
from tradewise_otel.tools.datadog import marks

LOCKED_DAYS = 365
"""Records that must be there for longer than this are locked, not only kept."""

SPANS = {
    "security": "@sampling.reason:event OR @event_type:security_*",
    "business": "@event_type:business_*",
    "failures": "@sampling.reason:(error OR severity OR slow)",
}
"""Which spans Datadog itself keeps all of: by default it keeps errors and one percent of the rest."""


def indexes() -> Iterator[tuple[str, dict[str, Any]]]:
    """File stem and body of each, in the order in which Datadog is to ask them."""
    for number, row in enumerate(RETENTION, 1):
        body: dict[str, Any] = {
            "name": f"{marks.PREFIX}{stem_of(row)}",
            "filter": {"query": _records(row)},
            "num_retention_days": row.index_days,
            "exclusion_filters": [],
        }
        if row.flex_days:
            body["num_flex_logs_retention_days"] = row.flex_days
        yield f"{number * 10}-{stem_of(row)}", body


def archives() -> Iterator[tuple[str, dict[str, Any]]]:
    """File stem and body of each class that has one."""
    for row in _archived():
        attributes = {
            "name": f"{marks.PREFIX}{stem_of(row)}",
            "query": _records(row),
            "include_tags": True,
            "rehydration_tags": [f"retention_class:{row.name}", "rehydrated:true"],
            "rehydration_max_scan_size_in_gb": 100,
            "destination": {
                "type": "s3",
                "bucket": f"${{TRADEWISE_ARCHIVE_BUCKET}}-{stem_of(row)}",
                "path": "",
                "integration": {
                    "account_id": "${TRADEWISE_ARCHIVE_ACCOUNT}",
                    "role_name": "${TRADEWISE_ARCHIVE_ROLE}",
                },
            },
        }
        yield stem_of(row), {"data": {"type": "archives", "attributes": attributes}}


def storage() -> Iterator[tuple[str, dict[str, Any]]]:
    """Policies of the buckets, in the form that S3's API takes; Datadog knows nothing of them."""
    for row in _archived():
        stem = stem_of(row)
        yield f"{stem}.lifecycle", _lifecycle(row)
        if row.archive_days > LOCKED_DAYS:
            yield f"{stem}.replication", _replication(stem)
            yield f"{stem}-locked.lifecycle", _lifecycle(row)
            yield f"{stem}-locked.object-lock", _lock(row)


def span_filters() -> Iterator[tuple[str, dict[str, Any]]]:
    """File stem and body of each retention filter of spans."""
    for stem, query in SPANS.items():
        attributes = {
            "name": f"{marks.PREFIX}{stem}",
            "enabled": True,
            "filter": {"query": query},
            "filter_type": "spans-sampling-processor",
            "rate": 1.0,
        }
        yield stem, {"data": {"type": "apm_retention_filter", "attributes": attributes}}


def stem_of(row: Retention) -> str:
    """A class in names that take no underscore."""
    return row.name.replace("_", "-")


def _archived() -> list[Retention]:
    return [row for row in RETENTION if row.archive_days]


def _records(row: Retention) -> str:
    return f"@retention_class:{row.name}"


def _lifecycle(row: Retention) -> dict[str, Any]:
    rule = {
        "ID": f"{marks.PREFIX}{stem_of(row)}",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Expiration": {"Days": row.archive_days},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
    return {"Rules": [rule]}


def _lock(row: Retention) -> dict[str, Any]:
    # COMPLIANCE: nobody shortens it, not even the account's root.
    retention = {"Mode": "COMPLIANCE", "Days": row.archive_days}
    return {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}


def _replication(stem: str) -> dict[str, Any]:
    """Datadog may have to write an object again, which a lock forbids: so it is the copy that is locked."""
    role = "arn:aws:iam::${TRADEWISE_ARCHIVE_ACCOUNT}:role/${TRADEWISE_ARCHIVE_ROLE}-replication"
    rule = {
        "ID": f"{marks.PREFIX}{stem}",
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::${{TRADEWISE_ARCHIVE_BUCKET}}-{stem}-locked"},
    }
    return {"Role": role, "Rules": [rule]}
