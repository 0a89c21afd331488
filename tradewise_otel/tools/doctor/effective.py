"""Each setting of the app's side as it would be read here: ours, and the standard ones that are set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tradewise_otel import distro, settings
from tradewise_otel.tools.doctor.variables import misspelt, read

_SERVICE, _ENVIRONMENT = "OTEL_SERVICE_NAME", "ENVIRONMENT"
_ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES"
_SECRET = ("_HEADERS", "_KEY")


class Effective(NamedTuple):
    """A variable, the text that is in effect, secrets left out, and where it comes from, in words."""

    name: str
    value: str
    source: str
    is_wrong: bool = False


def effective(environ: Mapping[str, str]) -> Iterator[Effective]:
    """Who the app is, our settings in the order of docs/settings.md, and the standard ones."""
    found, problems = read(environ)
    wrong = {problem.env: problem for problem in problems}
    yield Effective(_SERVICE, found.service_name, _source_of_service(environ))
    yield Effective(_ENVIRONMENT, found.environment, _source_of_environment(environ))
    for name, default in _defaults(found, environ).items():
        given = environ.get(name, "").strip()
        if name in wrong:
            said = f"{wrong[name].value!r} is not {wrong[name].allowed}"
            yield Effective(name, wrong[name].used, said, is_wrong=True)
        elif given:
            yield Effective(name, _shown(name, given), "environment")
        else:
            yield Effective(name, default, "default")
    for name, meant in misspelt(environ):
        yield Effective(name, "", f"is not a setting; {meant} is", is_wrong=True)


def _defaults(found: settings.Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """What holds where nothing is given, by name; nothing for a standard variable that is set."""
    ours = {row.env: row.default for row in settings.ROWS.values()}
    ours["TRADEWISE_SAMPLE_RATE"] = f"{found.sample_rate:g}"
    known = {_SERVICE, *distro.DEFAULTS}
    others = sorted(name for name in environ if name.startswith("OTEL_") and name not in known)
    return {**ours, **distro.DEFAULTS, **dict.fromkeys(others, "")}


def _shown(name: str, text: str) -> str:
    if name.endswith(_SECRET):
        return "***"
    rows = {row.env: row for row in settings.ROWS.values()}
    if name in rows:
        return rows[name].show(text)
    before, at, host = text.rpartition("@")
    return f"{before.partition('//')[0]}//***@{host}" if at and "//" in before else text


def _source_of_service(environ: Mapping[str, str]) -> str:
    if environ.get(_SERVICE):
        return "environment"
    return _ATTRIBUTES if settings.resource_attributes(environ).get("service.name") else "default"


def _source_of_environment(environ: Mapping[str, str]) -> str:
    if any(name.startswith("deployment.environment") for name in settings.resource_attributes(environ)):
        return _ATTRIBUTES
    named = next((name for name in (_ENVIRONMENT, "DD_ENV") if environ.get(name)), "default")
    return "environment" if named == _ENVIRONMENT else named
