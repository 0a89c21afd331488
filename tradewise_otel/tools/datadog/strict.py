"""Whether a body is what Datadog's API takes, by the models of its own client, and strictly.

The client lets unknown keys pass, and turns a wrong enum into an object that it calls unparsed; both are
found here by walking over what it made of the body.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from datadog_api_client.configuration import Configuration
from datadog_api_client.exceptions import ApiTypeError, ApiValueError
from datadog_api_client.model_utils import ModelNormal, OpenApiModel, validate_and_convert_types


def problems(body: dict[str, Any], model: type[OpenApiModel]) -> list[str]:
    """What is wrong with a body, each with the path to it; none for one that is right."""
    try:
        made = convert(body, model)
    except (ApiTypeError, ApiValueError, TypeError) as error:
        return [str(error).splitlines()[0]]
    return sorted(set(_walk(made, "")))


def convert(body: dict[str, Any], model: type[OpenApiModel]) -> Any:
    """The client's object of a body.

    Raises:
        ApiTypeError, TypeError: a value of another type, or a required key that is missing.
    """
    return validate_and_convert_types(body, (model,), ["body"], True, True, Configuration())


def _walk(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _walk(item, f"{path}[{number}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, f"{path}.{key}")
    elif isinstance(value, OpenApiModel):
        yield from _walk_model(value, path)


def _walk_model(value: Any, path: str) -> Iterator[str]:
    if type(value).__name__ == "UnparsedObject":
        yield f"{path or '.'}: none of the forms that Datadog knows"
        return
    chosen = getattr(value, "_composed_instances", None)
    if chosen:
        # One of several models: what counts is the one that was recognised.
        for instance in chosen:
            yield from _walk(instance, path)
        return
    data = value._data_store
    if value._unparsed and not any(_is_unparsed(item) for item in data.values()):
        yield f"{path or '.'}: {data.get('value', data)!r} is no {type(value).__name__}"
    if isinstance(value, ModelNormal):
        for key in data.keys() - value.attribute_map.keys():
            yield f"{path}.{key}: {type(value).__name__} has no such key"
    for key, item in data.items():
        yield from _walk(item, f"{path}.{key}")


def _is_unparsed(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_is_unparsed, value))
    return type(value).__name__ == "UnparsedObject" or bool(getattr(value, "_unparsed", False))
