"""What of a span may leave: its parts, redacted, for whichever encoder writes them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Link, SpanContext

from tradewise_otel.catalogue.sensitive import STRING_LIMIT
from tradewise_otel.pipeline.ledger import Ledger
from tradewise_otel.pipeline.processors import SpanItem
from tradewise_otel.redact import gate
from tradewise_otel.redact.walk import Redactor

_SHORT = 256
_SQL_ATTRIBUTES = ("db.query.text", "db.statement")

Attributes = dict[str, Any]


@dataclass(slots=True)
class CleanSpan:
    """A span whose texts are redacted.

    Attributes:
        span: the original, for ids, times, kind and counts of what was dropped; never for its texts.
        events: (name, time in ns, attributes, dropped attributes) of each.
        links: (context, attributes, dropped attributes) of each.
    """

    span: ReadableSpan
    name: str
    status_text: str
    attributes: Attributes
    events: list[tuple[str, int, Attributes, int]]
    links: list[tuple[SpanContext, Attributes, int]]


class SpanScrubber:
    """Redacts spans; counts by rule."""

    def __init__(self, redactor: Redactor, ledger: Ledger) -> None:
        self._redactor = redactor
        self._ledger = ledger

    def clean(self, item: SpanItem) -> CleanSpan:
        """A span's parts. Takes the item's attributes for its own."""
        span = item.span
        events, links = span.events, span.links
        return CleanSpan(
            span,
            self._text(span.name),
            self._text(span.status.description),
            self._attributes(item.attributes),
            [self._event(event) for event in events] if events else [],
            [self._link(link) for link in links] if links else [],
        )

    def _event(self, event: Any) -> tuple[str, int, Attributes, int]:
        return self._text(event.name), event.timestamp, self._own(event.attributes), event.dropped_attributes

    def _link(self, link: Link) -> tuple[SpanContext, Attributes, int]:
        return link.context, self._own(link.attributes), link.dropped_attributes

    def _own(self, attributes: Mapping[str, Any] | None) -> Attributes:
        return self._attributes(dict(attributes or {}))

    def _attributes(self, attributes: Attributes) -> Attributes:
        self._clean_sql(attributes)
        if self._redactor.is_known(attributes) or self._redactor.plain(attributes, orjson.dumps) is not None:
            return attributes
        value, counts = self._redactor.mapping(attributes)
        self._count(counts)
        return value

    def _clean_sql(self, attributes: Attributes) -> None:
        for name in _SQL_ATTRIBUTES:
            statement = attributes.get(name)
            if isinstance(statement, str) and _has_literals(statement):
                attributes[name], counts = self._redactor.sql(statement)
                self._count(counts)

    def _text(self, text: str | None) -> str:
        if not text or (len(text) <= _SHORT and not _is_suspect(text)):
            return text or ""
        clean, counts = self._redactor.text(text)
        self._count(counts)
        return clean

    def _count(self, counts: Mapping[str, int]) -> None:
        for rule, count in counts.items():
            self._ledger.add("redacted", "traces", count, rule)


def _has_literals(statement: str) -> bool:
    return "'" in statement or '"' in statement or "$$" in statement or len(statement) > STRING_LIMIT


@functools.lru_cache(maxsize=1024)
def _is_suspect(text: str) -> bool:
    """Whether a short text may hold a secret. Names of spans are few, and asked for again and again."""
    # As JSON, quotes and all: the gate knows no other form of a text.
    try:
        return gate.hit(orjson.dumps(text))
    except TypeError:
        return True
