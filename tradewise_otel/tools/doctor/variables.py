"""What the environment's variables say: ours, the standard ones, and those that end the launcher."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from importlib import metadata

from tradewise_otel import otel_variables, settings
from tradewise_otel.out import exporter
from tradewise_otel.tools.collector.settings import ROWS as COLLECTORS
from tradewise_otel.tools.doctor.finding import Finding

_ALIKE = 0.8


def settled(environ: Mapping[str, str]) -> Iterator[Finding]:
    """What is in effect, in a sentence, and each variable that cannot be read."""
    if settings.is_disabled(environ):
        text = "OTEL_SDK_DISABLED=true: the app runs as if it had been started without the launcher"
        yield Finding("fault", "settings", text, "unset OTEL_SDK_DISABLED")
    found, problems = read(environ)
    for problem in problems:
        yield Finding("fault", "settings", str(problem), f"correct {problem.env}")
    for name, meant in misspelt(environ):
        yield Finding("fault", "settings", f"{name} is read by nobody", f"{meant}=…")
    road = "by OTLP" if found.logs_road == "otlp" else "as lines on stdout"
    yield Finding(
        "ok",
        "settings",
        f"service {found.service_name}, environment {found.environment}: "
        f"{found.sample_rate * 100:g} % of the requests are kept by ratio, records go {road}",
    )


def propagators(environ: Mapping[str, str]) -> Finding:
    """Whether each propagator has a package: the launcher ends with a traceback where one has none."""
    named = environ.get("OTEL_PROPAGATORS", "tracecontext").replace(" ", "").split(",")
    known = {found.name for found in metadata.entry_points(group="opentelemetry_propagator")} | {"none"}
    missing = [name for name in named if name.lower() not in known]
    if missing:
        text = f"OTEL_PROPAGATORS names {', '.join(missing)}, which no package here provides"
        return Finding(
            "fault", "propagators", text, f"one of {', '.join(sorted(known))}, or install its package"
        )
    return Finding("ok", "propagators", ", ".join(named))


def read(environ: Mapping[str, str]) -> tuple[settings.Settings, list[settings.Problem]]:
    """The settings, and all that cannot be read, as the app would report it at its start."""
    found, problems = settings.load(environ)
    return found, [*problems, *otel_variables.repair(dict(environ)), *exporter.check(environ)]


def misspelt(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Variables that nobody reads and that look like a setting of ours, with that setting."""
    ours = [row.env for row in settings.ROWS.values()]
    known = {*ours, *(row.env for row in COLLECTORS)}
    for name in sorted(environ):
        if name.startswith("TRADEWISE_") and name not in known:
            for meant in difflib.get_close_matches(name, ours, 1, _ALIKE):
                yield name, meant
