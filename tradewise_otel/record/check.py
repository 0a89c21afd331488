"""Does an event say what the catalogue documents? Counted at run time, asserted in tests, never raised."""

from __future__ import annotations

from tradewise_otel.catalogue.lookup import event_for, field_types, fits
from tradewise_otel.record.build import Event


def wrong_fields(event: Event) -> list[str]:
    """Names of documented fields whose value has another type than documented.

    Unknown fields are welcome (they pass through redacted), missing ones are the app's business.
    """
    if event.event_type is None:
        return []
    types = field_types(event_for(event.event_type))
    return [name for name, value in event.fields.items() if name in types and not fits(value, types[name])]
