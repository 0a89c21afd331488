"""`tradewise-otel kpis`: the figures of a day from the state store, as the documented lines."""

from __future__ import annotations

import argparse
import os
from datetime import date


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "kpis",
        help="daily users and bots from the state store",
        description="Prints `metric_daily_active_users` and `metric_bot_usage` of one day (UTC), as counted "
        "so far for the service of OTEL_SERVICE_NAME in the store of TRADEWISE_STATE_URL. Changes nothing.",
    )
    parser.add_argument(
        "--date", type=date.fromisoformat, metavar="YYYY-MM-DD", help="the day, UTC (default: today)"
    )
    parser.set_defaults(func=run, extra="redis")


def run(args: argparse.Namespace) -> int:
    """0 when the figures were printed; 1 when the store cannot be used."""
    import time

    from tradewise_otel.settings import load
    from tradewise_otel.state.kpis import BOT_USAGE, DAILY_USERS, bot_usage, daily_users
    from tradewise_otel.state.opening import open_store, place_of, url_of
    from tradewise_otel.state.store import DAY_NS, Day, Unavailable

    settings, problems = load(os.environ)
    if problems:
        raise ValueError("; ".join(str(problem) for problem in problems))
    day = (args.date - date(1970, 1, 1)).days if args.date else time.time_ns() // DAY_NS
    url = url_of(settings, os.environ)
    if url.startswith("sqlite:") and not os.path.exists(place_of(url)):
        # Opening it would make one.
        raise FileNotFoundError(
            f"there is no state at {place_of(url)}: {settings.service_name} has kept none"
        )
    try:
        (figures,) = open_store(url, settings.service_name, "").apply([Day(day)])
    except Unavailable as error:
        raise OSError(f"the state at {place_of(url)} cannot be used: {error}") from error
    _print(settings.service_name, settings.environment, DAILY_USERS, daily_users(day, figures))
    _print(settings.service_name, settings.environment, BOT_USAGE, bot_usage(figures))
    return 0


def _print(service: str, environment: str, kind: str, fields: dict[str, object]) -> None:
    from tradewise_otel.out.stdout import Lines, serialise
    from tradewise_otel.record.build import automatic

    event = automatic(kind, "INFO", kind, fields, None, None)
    print(serialise(Lines(service, "", environment).document(event)).decode())
