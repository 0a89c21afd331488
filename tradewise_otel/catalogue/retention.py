"""How long each class of events is kept: heading "Log Retention".

Datadog's indexes do not hold the documented years, so a class has a searchable part, a slow part and an
archive from which old records can be fetched back.
"""

from __future__ import annotations

from .vocabulary import Retention

RETENTION: tuple[Retention, ...] = (
    Retention("security_events", documented="2_years", index_days=90, flex_days=0, archive_days=730),
    Retention("audit_logs", documented="7_years", index_days=90, flex_days=0, archive_days=2555),
    Retention("api_logs", documented="90_days", index_days=15, flex_days=90, archive_days=90),
    Retention("performance_logs", documented="30_days", index_days=15, flex_days=30, archive_days=0),
    Retention("debug_logs", documented="7_days", index_days=7, flex_days=0, archive_days=0),
)
"""One row a class; `flex_days` counts from the first day and 0 means none."""
