"""`tradewise-otel generate [--check]`: write what is derived from the catalogue, or say what is stale."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser("generate", help="write the files that are derived from the catalogue")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is stale")
    parser.add_argument("--root", type=Path, default=Path(), help="the checkout (default: current folder)")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """0 when all is fresh or has been written, 1 when `--check` finds stale files, 2 outside a checkout."""
    # Here, so that no other command pays for the renderers.
    from tradewise_otel.tools.generate import registry

    root: Path = args.root
    if not (root / "pyproject.toml").exists():
        print(f"no pyproject.toml in {root.resolve()}: run it in a checkout, or name one with --root")
        return 2
    if not args.check:
        return _report("wrote", registry.write(root), 0)
    return _report("stale", registry.check(root), 1, "fix: tradewise-otel generate")


def _report(word: str, paths: list[Path], code: int, fix: str = "") -> int:
    for path in paths:
        print(f"{word}: {path}")
    if paths and fix:
        print(fix)
    return code if paths else 0
