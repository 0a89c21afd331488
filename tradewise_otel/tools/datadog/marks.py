"""How a resource says that it is ours, so that nothing else is ever touched."""

from __future__ import annotations

OWNER = "managed_by:tradewise-otel"
NAME_TAG = "tradewise_name:"
PREFIX = "tradewise-"
"""Of the names of what can carry neither tags nor a description: indexes, archives, retention filters."""


def tags(stem: str) -> list[str]:
    """The tags of what has some: monitors and SLOs."""
    return [OWNER, NAME_TAG + stem]


def line(stem: str) -> str:
    """The last line of a dashboard's description."""
    return " ".join(tags(stem))


def stem_of_tags(found: list[str]) -> str:
    """The stem in the tags of a resource of ours; "" for one of somebody else."""
    if OWNER not in found:
        return ""
    return next((tag[len(NAME_TAG) :] for tag in found if tag.startswith(NAME_TAG)), "")


def stem_of_description(text: str) -> str:
    """The stem in the description of a dashboard of ours; "" for one of somebody else."""
    lines = text.splitlines()
    return stem_of_tags(lines[-1].split()) if lines else ""


def stem_of_name(name: str) -> str:
    """The stem in the name of an index, an archive or a retention filter of ours; "" for another's."""
    return name[len(PREFIX) :] if name.startswith(PREFIX) else ""
