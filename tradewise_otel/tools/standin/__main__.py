"""`python -m tradewise_otel.tools.standin`: the stand-in in the foreground, for a sender of your own."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tradewise_otel.tools.standin.server import StandIn

_EPILOG = """\
Point a sender at the printed URL instead of at Datadog: the Collector's `datadog` exporter (metrics, traces
and logs `endpoint`) or OTLP over HTTP. The recording holds what was sent: mind where you keep it. Of API keys
it has the last four characters only. An existing recording is continued.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; returns 0, or 1 if the port or the folder cannot be had."""
    args = _parser().parse_args(argv)
    # Blocked before any thread exists, so that every thread leaves them to `sigwait`.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        with StandIn(args.recording, args.port, args.api_key) as standin:
            print(f"Datadog's stand-in: {standin.url}, recording into {args.recording}", flush=True)
            signal.sigwait({signal.SIGINT, signal.SIGTERM})
    except OSError as error:
        print(f"the stand-in cannot start: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tradewise_otel.tools.standin",
        description="Plays Datadog's intake on 127.0.0.1 and records every request.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "--recording", type=Path, required=True, metavar="DIR", help="where the recording goes"
    )
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help="default: a free one, which is printed"
    )
    parser.add_argument("--api-key", default="", metavar="KEY", help="answer 403 to any other key")
    return parser


if __name__ == "__main__":
    sys.exit(main())
