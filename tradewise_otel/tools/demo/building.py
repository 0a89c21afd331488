"""The Collector's build as a process of the demo: `python -m tradewise_otel.tools.demo.building ROLE`.

A process and not a thread, because a build runs compilers for minutes and Ctrl-C has to end all of
them at once: they are in this process's group.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from tradewise_otel.tools.collector.build import build
from tradewise_otel.tools.collector.config import CollectorError, load_role
from tradewise_otel.tools.demo.processes import DemoError


def main(role: str) -> int:
    """Print progress lines, and last a JSON object: the binary, or the error and its exit code."""
    # The backend and its first round of traffic come first on a small machine.
    os.nice(10)
    try:
        binary = _binary(role)
    except CollectorError as error:
        print(json.dumps({"error": str(error), "exit_code": error.exit_code}), flush=True)
        return error.exit_code
    print(json.dumps({"binary": str(binary)}), flush=True)
    return 0


def _binary(role: str) -> Path:
    if chosen := os.environ.get("TRADEWISE_COLLECTOR_BIN"):
        if not os.access(chosen, os.X_OK):
            raise CollectorError(f"TRADEWISE_COLLECTOR_BIN={chosen}: not an executable file")
        return Path(chosen).absolute()
    return build(load_role(role), os.environ, lambda line: print(line, flush=True))


class BuildResult:
    """The demo's end of it: passes progress on and holds the outcome."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._outcome: dict[str, str | int] = {}
        self.done = False

    def take(self, line: str) -> None:
        """Handle one line of the build's stdout; called from the reader's thread."""
        if line.startswith("{"):
            self._outcome = json.loads(line)
            self.done = True
        else:
            self._say(f"collector: {line}")

    def binary(self) -> Path:
        """The program, once `done` is set; raises DemoError when there is none."""
        if "binary" not in self._outcome:
            raise DemoError(str(self._outcome["error"]), int(self._outcome["exit_code"]))
        return Path(str(self._outcome["binary"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
