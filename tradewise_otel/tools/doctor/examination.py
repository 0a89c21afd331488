"""All that is looked at, in the order in which an app meets it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tradewise_otel import otel_variables
from tradewise_otel.tools.collector.config import data_dir
from tradewise_otel.tools.doctor import callers, installed, reached, variables
from tradewise_otel.tools.doctor.finding import Finding


def examine(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Looks at one thing after the other; sends no record, and makes no file."""
    yield from installed.packages()
    yield installed.launcher()
    yield installed.distro(environ)
    yield from installed.libraries()
    yield from variables.settled(environ)
    yield variables.propagators(environ)
    yield reached.state(environ)
    # As the app will see them: without what cannot be read.
    usable = dict(environ)
    otel_variables.repair(usable)
    yield from reached.collector(usable)
    yield from callers.addresses(data_dir(environ))
