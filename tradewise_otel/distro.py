"""The distro: defaults for the standard variables, and how each instrumentor is loaded.

The launcher calls, in this order: `TradeWiseDistro.configure`, the configurator, `warn_if_not_chosen`
(which runs whichever distro won), each instrumentor through `load_instrumentor`, and
`finish_instrumentation`. What is set by the user is never overwritten.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any

from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]

from tradewise_otel import otel_variables
from tradewise_otel.settings import is_disabled, service_name_of

DEFAULTS = {
    # The current semantic conventions, which also cost less than the old ones.
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
    # Baggage would carry the app's data to third parties.
    "OTEL_PROPAGATORS": "tracecontext",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    # asyncio and threading wrap what the others report already; sqlite3 doubles SQLAlchemy's spans.
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "asyncio,threading,sqlite3",
    "OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION": "false",
}
"""Standard variables with a default of this distribution's, each for the reason beside it."""


class TradeWiseDistro(BaseDistro):  # type: ignore[misc]
    """The distro entry point."""

    chosen = False
    """Set once the launcher has taken this distro and no other."""

    def _configure(self, **kwargs: Any) -> None:
        type(self).chosen = True
        if not is_disabled(os.environ):
            otel_variables.repair(os.environ)
        set_defaults(os.environ)
        logging.getLogger("opentelemetry.instrumentation.auto_instrumentation._load").addFilter(_is_news)

    def load_instrumentor(self, entry_point: Any, **kwargs: Any) -> None:
        """Loads one instrumentor with our arguments; the bare app loads none."""
        from tradewise_otel.instrument import libraries

        if is_disabled(os.environ) or entry_point.name in libraries.SKIPPED:
            return
        if entry_point.name == "sqlalchemy":
            libraries.instrument_sqlalchemy()
            return
        super().load_instrumentor(entry_point, **kwargs, **libraries.instrument_arguments(entry_point.name))


def _is_news(record: logging.LogRecord) -> bool:
    """False for the launcher's error about SQLAlchemy 2.1, which `finish_instrumentation` instruments."""
    return "sqlalchemy only instruments" not in record.getMessage()


def set_defaults(environ: MutableMapping[str, str]) -> None:
    """Sets what the user has not."""
    for name, value in DEFAULTS.items():
        environ.setdefault(name, value)
    environ.setdefault("OTEL_SERVICE_NAME", service_name_of(environ))


def warn_if_not_chosen() -> None:
    """Says on stderr when another distro was found first: nothing of ours is then at work."""
    if TradeWiseDistro.chosen or os.environ.get("OTEL_PYTHON_DISTRO", "tradewise") != "tradewise":
        return
    sys.stderr.write(
        "tradewise-otel: another OpenTelemetry distro was loaded first, so this one is not at work; "
        "set OTEL_PYTHON_DISTRO=tradewise and OTEL_PYTHON_CONFIGURATOR=tradewise, "
        "or uninstall opentelemetry-distro\n"
    )


def finish_instrumentation() -> None:
    """Instruments what the launcher's version check has skipped: SQLAlchemy 2.1."""
    disabled = os.environ.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "").replace(" ", "").split(",")
    if not TradeWiseDistro.chosen or is_disabled(os.environ) or {"sqlalchemy", "*"} & set(disabled):
        return
    from tradewise_otel.instrument import libraries

    try:
        libraries.instrument_sqlalchemy()
    except ImportError:
        return
