"""The backend's settings, read from the environment once per application."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """What can be set from outside; the defaults suit a laptop."""

    database_url: str = "sqlite+aiosqlite:///./tradewise-demo.db"
    bot_timeout_seconds: float = 1.0
    bot_poll_seconds: float = 2.0

    @classmethod
    def from_environment(cls) -> "Config":
        """Read DATABASE_URL, BOT_TIMEOUT_SECONDS and BOT_POLL_SECONDS."""
        return cls(
            database_url=os.environ.get("DATABASE_URL", cls.database_url),
            bot_timeout_seconds=float(os.environ.get("BOT_TIMEOUT_SECONDS", cls.bot_timeout_seconds)),
            bot_poll_seconds=float(os.environ.get("BOT_POLL_SECONDS", cls.bot_poll_seconds)),
        )
