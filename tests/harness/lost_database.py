"""A SQLAlchemy dialect for a server that refuses, or that goes away in the middle of a statement."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.engine.default import DefaultDialect


class DriverError(Exception):
    """The driver's base error, as PEP 249 wants it."""


class OperationalError(DriverError):
    """What a driver raises about its server."""


class Cursor:
    """A cursor whose every statement finds the server gone."""

    rowcount = -1
    description = None

    def execute(self, statement: str, parameters: Any = None) -> None:
        """Fails as if the server had hung up."""
        raise OperationalError("server closed the connection unexpectedly")

    def close(self) -> None:
        """Nothing is open."""


class Connection:
    """A connection to the database `gone`."""

    def cursor(self) -> Cursor:
        """A cursor that fails."""
        return Cursor()

    def rollback(self) -> None:
        """Nothing was done."""

    commit = close = rollback


def connect(**where: Any) -> Connection:
    """Connects for real to where the URL points, except for the database `gone`."""
    if where["database"] == "gone":
        return Connection()
    try:
        socket.create_connection((where["host"], where["port"]), timeout=5).close()
    except OSError as error:
        raise OperationalError(f"{error} while connecting with password={where['password']}") from error
    return Connection()


class LostDialect(DefaultDialect):
    """URLs `lost://user:password@host:port/database`."""

    name = "lost"
    driver = "tcp"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """The driver above."""
        names = {"paramstyle": "qmark", "connect": connect, "Error": DriverError}
        return SimpleNamespace(OperationalError=OperationalError, **names)

    def is_disconnect(self, error: Any, connection: Any, cursor: Any) -> bool:
        """Every failure is one."""
        return isinstance(error, OperationalError)


registry.register("lost", __name__, "LostDialect")
