"""How the demo's processes are started: what a user would type, with the environment they would set."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

BACKEND = "tradewise_otel.tools.demo.app.main:app"
STUB_BOT = "tradewise_otel.tools.demo.bot"
BUILDING = "tradewise_otel.tools.demo.building"


def backend_command(port: int) -> list[str]:
    """`opentelemetry-instrument uvicorn …:app`: the real launcher before an app that does not know it."""
    server = ["uvicorn", BACKEND, "--host", "127.0.0.1", "--port", str(port)]
    return [*_launcher(), *server, "--timeout-graceful-shutdown", "2"]


def _launcher() -> list[str]:
    script = Path(sys.executable).with_name("opentelemetry-instrument")
    if script.is_file():
        return [str(script)]
    call = "from opentelemetry.instrumentation.auto_instrumentation import run; run()"
    return [sys.executable, "-c", call]


def backend_environ(environ: Mapping[str, str], otlp: str, folder: Path) -> dict[str, str]:
    """The settings of a production backend; those of the caller's own telemetry are left out."""
    # The launcher looks `uvicorn` up on the PATH, which need not have this environment's folder.
    path = os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.defpath)])
    return {
        **_without_telemetry(environ),
        "PATH": path,
        "ENVIRONMENT": "production",
        "OTEL_SERVICE_NAME": "tradewise-backend",
        "OTEL_PYTHON_DISTRO": "tradewise",
        "OTEL_PYTHON_CONFIGURATOR": "tradewise",
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp,
        "TRADEWISE_BOT_HOSTS": "127.0.0.1",
        "TRADEWISE_STATE_URL": f"sqlite://{folder.absolute() / 'state.db'}",
        "TRADEWISE_PSEUDONYM_KEY": "a key for this demo only",
        "DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'tradewise.db'}",
        "BOT_POLL_SECONDS": "2",
    }


def _without_telemetry(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in environ.items() if not name.startswith(("OTEL_", "TRADEWISE_", "DD_"))
    }


def bot_command(port: int) -> list[str]:
    """The stub bot, without the launcher: bots belong to somebody else."""
    return [sys.executable, "-m", STUB_BOT, "--port", str(port)]


def figures_command() -> list[str]:
    """`tradewise-otel kpis`: the figures of today; to be run with the backend's environment."""
    return [sys.executable, "-m", "tradewise_otel.tools.cli.main", "kpis"]


def build_command(role: str) -> list[str]:
    """The build of a role's Collector."""
    return [sys.executable, "-m", BUILDING, role]
