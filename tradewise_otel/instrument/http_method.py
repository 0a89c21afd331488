"""What a span says of an HTTP method, of a request that is answered or of a call that is made."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_METHOD_ORIGINAL,
)
from opentelemetry.util.http import sanitize_method


@lru_cache(maxsize=64)
def attributes_of(method: str) -> Mapping[str, str]:
    """The method as the semantic conventions know it, and the word itself where that is another."""
    known, original = sanitize_method(method) or "", method.strip()
    found = {HTTP_REQUEST_METHOD_ORIGINAL: original} if original != known else {}
    return MappingProxyType({**found, HTTP_REQUEST_METHOD: known} if known else found)
