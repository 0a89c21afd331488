"""`tradewise-otel collector`: build, run, validate and show the Collector of a role."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from tradewise_otel.tools.cli import collector_cases
from tradewise_otel.tools.collector.build import build, cached_binary
from tradewise_otel.tools.collector.checks import check_to_read, check_to_run
from tradewise_otel.tools.collector.config import (
    CollectorError,
    Role,
    collector_environment,
    config_arguments,
    load_role,
    overlay_names,
    role_names,
    run_arguments,
)
from tradewise_otel.tools.collector.settings import ROWS

DESCRIPTION = """\
The Collector receives what the app records, redacts it, classifies it, and writes it to files (role laptop)
or counts it, samples it and sends it to Datadog (role gateway).

  tradewise-otel collector build     compile it once (Go 1.26 or newer; about 4 CPU minutes, gateway 10)
  tradewise-otel collector run       start it; OTLP on 127.0.0.1:4318 (http) and :4317 (grpc)

  DD_API_KEY=... DD_SITE=datadoghq.eu tradewise-otel collector run --role gateway
  tradewise-otel collector test my-case.yaml    what goes in and what must come out, by the real binary
"""
RUN_SETTINGS = "settings, from the environment:\n" + "\n".join(
    f"  {row.env:<28} {row.doc} Default: {row.default or 'none'}." for row in ROWS
)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `collector` and its verbs."""
    parser = subparsers.add_parser(
        "collector",
        help="build and run the OpenTelemetry Collector of a role",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    _add_verb(verbs, "build", _build, "compile the role's Collector into the build cache")
    running: list[tuple[str, Callable[[argparse.Namespace], int], str]] = [
        ("run", _run, "run the role's Collector in the foreground (Ctrl-C stops it)"),
        ("validate", _validate, "check the role's configuration with the real binary, without starting it"),
        ("print-config", _print_config, "print the merged configuration, secrets redacted"),
    ]
    for name, function, text in running:
        _add_run_options(_add_verb(verbs, name, function, text))
    collector_cases.add_verb(verbs, lambda role, chosen: find_binary(role, chosen, os.environ))


def _add_verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    function: Callable[[argparse.Namespace], int],
    text: str,
) -> argparse.ArgumentParser:
    verb = verbs.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=RUN_SETTINGS if name != "build" else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument("--role", choices=role_names(), default="laptop", help="default: %(default)s")
    verb.set_defaults(func=function)
    return verb


def _add_run_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--bin", type=Path, metavar="FILE", help="the Collector's binary")
    there_is = ", ".join(overlay_names()) or "none yet"
    verb.add_argument(
        "--overlay", action="append", default=[], metavar="NAME", help=f"variation, repeatable: {there_is}"
    )
    verb.add_argument("--extras", type=Path, metavar="FILE", help="your own layer, loaded last")


def find_binary(role: Role, chosen: Path | None, environ: Mapping[str, str]) -> Path:
    """The binary to run: `chosen` (`--bin`), else `TRADEWISE_COLLECTOR_BIN`, else the build cache's.

    Raises:
        CollectorError: none of the three has one.
    """
    setting = environ.get("TRADEWISE_COLLECTOR_BIN")
    if named := chosen or (Path(setting) if setting else None):
        if os.access(named, os.X_OK) and named.is_file():
            return named
        way = "--bin" if chosen else "TRADEWISE_COLLECTOR_BIN"
        raise CollectorError(f"{way}={named}: not an executable file")
    if binary := _cached(role, environ):
        return binary
    raise CollectorError(
        f"no Collector to run: give --bin FILE, set TRADEWISE_COLLECTOR_BIN, or fill the build cache with "
        f"`tradewise-otel collector build --role {role.name}`"
    )


def _cached(role: Role, environ: Mapping[str, str]) -> Path | None:
    try:
        return cached_binary(role, environ)
    except CollectorError:
        # Without Go or a home there is no cache to ask; the three ways are the better answer.
        return None


def _build(args: argparse.Namespace) -> int:
    build(load_role(args.role), os.environ, lambda line: print(line, flush=True))
    return 0


def _run(args: argparse.Namespace) -> int:
    environ = collector_environment(os.environ)
    role, binary = _role_and_binary(args)
    check_to_run(role, environ)
    print(f"collector: role {role.name}, files in {environ['TRADEWISE_DATA_DIR']}", flush=True)
    return _become(binary, run_arguments(role), environ)


def _validate(args: argparse.Namespace) -> int:
    role, binary = _role_and_binary(args)
    check_to_read(role, os.environ)
    return _become(binary, ["validate", *config_arguments(role)], collector_environment(os.environ))


def _print_config(args: argparse.Namespace) -> int:
    role, binary = _role_and_binary(args)
    check_to_read(role, os.environ)
    arguments = ["print-config", "--mode=redacted", "--format=yaml", *config_arguments(role)]
    return _become(binary, arguments, collector_environment(os.environ))


def _role_and_binary(args: argparse.Namespace) -> tuple[Role, Path]:
    role = load_role(args.role, args.overlay, args.extras)
    return role, find_binary(role, args.bin, os.environ)


def _become(binary: Path, arguments: list[str], environ: Mapping[str, str]) -> int:
    # Not a child: signals, exit code and supervision are then the Collector's own.
    os.execve(binary, [str(binary), *arguments], dict(environ))
