"""What a user fills in: the settings that files under `deploy/datadog/` name as `${…}`, one row each.

`${monitor:STEM}` and `${slo:STEM}` are no settings: Datadog gives those ids, once that resource is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Placeholder(NamedTuple):
    """A setting, its default (None: what needs it is left out), how it looks, and its meaning."""

    env: str
    default: str | None
    pattern: str
    doc: str


ROWS = (
    Placeholder(
        "TRADEWISE_MONITORED_ENV",
        "production",
        r"[\w./-]+",
        "The environment that monitors and SLOs look at.",
    ),
    Placeholder(
        "TRADEWISE_ERROR_CLASSES",
        "4xx,5xx",
        r"[1-5]xx(,[1-5]xx)*",
        "What `high_error_rate` calls an error; `5xx` for server errors only.",
    ),
    Placeholder(
        "TRADEWISE_NOTIFY_EMAIL", None, r"[^\s@]+@[^\s@]+", "Who gets mail, such as `oncall@example.com`."
    ),
    Placeholder("TRADEWISE_NOTIFY_SLACK", None, r"[\w./-]+", "A Slack channel, without `#`."),
    Placeholder("TRADEWISE_NOTIFY_PAGERDUTY", None, r"[\w.-]+", "A service of the PagerDuty integration."),
    Placeholder(
        "TRADEWISE_NOTIFY_SMS",
        None,
        r"[\w.-]+",
        "The webhook of a provider of SMS (see docs/datadog.md: Datadog sends none by itself).",
    ),
    Placeholder(
        "TRADEWISE_RUNBOOK_URL",
        "deploy/datadog/runbook.md",
        r"\S+",
        "Where people find the runbook; monitors link to its headings.",
    ),
    Placeholder(
        "TRADEWISE_ARCHIVE_BUCKET",
        None,
        r"[a-z0-9][a-z0-9.-]{1,40}[a-z0-9]",
        "Beginning of the names of the S3 buckets for archives; `-security-events` and so on follow.",
    ),
    Placeholder("TRADEWISE_ARCHIVE_ACCOUNT", None, r"\d{12}", "The AWS account that has them."),
    Placeholder(
        "TRADEWISE_ARCHIVE_ROLE", None, r"[\w+=,.@-]+", "The role of Datadog's AWS integration there."
    ),
)
"""All of them."""

_NAMES = re.compile(r"\$\{([A-Z_]+)\}")
_HANDLES = re.compile(r" ?@(?:slack-|pagerduty-|webhook-)?\$\{(TRADEWISE_NOTIFY_[A-Z]+)\}")
_IDS = re.compile(r"\$\{((?:monitor|slo):[\w-]+)\}")


class SettingError(ValueError):
    """A setting that does not look as it must; it names the setting and an example."""


def settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The values of all placeholders that have one.

    Raises:
        SettingError: for all bad values at once.
    """
    found, wrong = {}, []
    for row in ROWS:
        value = environ.get(row.env, "").strip() or row.default
        if value is None:
            continue
        if not re.fullmatch(row.pattern, value):
            wrong.append(f"{row.env}={value!r} is no such thing: {row.doc}")
        found[row.env] = value
    if wrong:
        raise SettingError("; ".join(wrong))
    return found


def missing(body: Any, values: Mapping[str, str]) -> list[str]:
    """The settings that a body needs and that have no value; channels are left out, not needed."""
    named = {name for text in texts(body) for name in _NAMES.findall(_HANDLES.sub("", text))}
    return sorted(named - values.keys())


def silent(body: Any, values: Mapping[str, str]) -> list[str]:
    """The settings of channels that a body would tell and that have no value."""
    return sorted({name for text in texts(body) for name in _HANDLES.findall(text)} - values.keys())


def filled(body: Any, values: Mapping[str, str], ids: Mapping[str, str]) -> Any:
    """A body with settings and known ids in the place of placeholders; channels without a value are gone."""
    if isinstance(body, dict):
        return {key: filled(value, values, ids) for key, value in body.items()}
    if isinstance(body, list):
        return [filled(value, values, ids) for value in body]
    return _filled_text(body, values, ids) if isinstance(body, str) else body


def needed_ids(body: Any) -> set[str]:
    """The `monitor:STEM` and `slo:STEM` that a body refers to."""
    return {name for text in texts(body) for name in _IDS.findall(text)}


def texts(body: Any) -> Iterator[str]:
    """Every string in a body."""
    if isinstance(body, dict):
        for value in body.values():
            yield from texts(value)
    elif isinstance(body, list):
        for value in body:
            yield from texts(value)
    elif isinstance(body, str):
        yield body


def _filled_text(text: str, values: Mapping[str, str], ids: Mapping[str, str]) -> str:
    text = _HANDLES.sub(lambda found: found[0] if found[1] in values else "", text)
    text = _NAMES.sub(lambda found: values.get(found[1], found[0]), text)
    return _IDS.sub(lambda found: ids.get(found[1], found[0]), text)
