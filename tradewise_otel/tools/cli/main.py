"""`tradewise-otel`: finds the commands, one module each; turns an error into one line and an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import select
import sys
from collections.abc import Sequence

COMMANDS = ("demo", "doctor", "config", "collector", "datadog", "alerts", "kpis", "reconcile", "generate")
"""Modules beside this one; each has `add_parser(subparsers)` and sets `func(args) -> int`, and `extra` if it
needs an optional dependency group of the package."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 is success; 1 an error, told in one line on stderr; 2 wrong usage or a missing optional dependency;
    130 and 141 as shells have it for Ctrl-C and for a reader such as `head` that has enough; anything else
    is the `exit_code` of the error that a command raised.
    """
    args = argparse.Namespace()
    try:
        args = _parser().parse_args(argv)
        return int(args.func(args))
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as error:
        extra = getattr(args, "extra", "")
        remedy = f": pip install 'tradewise-otel[{extra}]'" if extra else ""
        return _fail(f"the module {error.name} is missing{remedy}", 2)
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads(sys.stdout.fileno()):
            # What is still to be flushed has nowhere to go.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        return _fail(str(error) or type(error).__name__, getattr(error, "exit_code", 1))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tradewise-otel",
        description="Documented events, exact under sampling, secrets redacted at the source.",
        epilog="Start with `tradewise-otel demo`; every command explains itself with --help.",
    )
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in COMMANDS:
        importlib.import_module(f"tradewise_otel.tools.cli.{name}").add_parser(subparsers)
    return parser


def _nobody_reads(pipe: int) -> bool:
    """Whether it is our output that broke, and not a connection of the command's."""
    asked = select.poll()
    asked.register(pipe, 0)
    return any(event & select.POLLERR for _, event in asked.poll(0))


def _fail(message: str, code: int) -> int:
    print(f"tradewise-otel: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
