"""Tables and sessions: SQLAlchemy 2 (2.0 and 2.1), async, SQLite unless DATABASE_URL says otherwise."""

import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends
from sqlalchemy import ForeignKey, String
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import CreateTable
from starlette.requests import HTTPConnection


class Base(DeclarativeBase):
    """Root of the models."""


def new_id(prefix: str) -> str:
    """Make an identifier as the documents show them: `user-3f2a9c01`."""
    return f"{prefix}-{secrets.token_hex(4)}"


class User(Base):
    """A trader, alone in a tenant of their own."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(32))
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))


class Bot(Base):
    """A trading bot that runs elsewhere and is reached over HTTP."""

    __tablename__ = "bots"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(32))
    owner_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(80))
    api_url: Mapped[str] = mapped_column(String(400))
    state: Mapped[str] = mapped_column(String(20), default="new")
    trades_count: Mapped[int] = mapped_column(default=0)
    profit: Mapped[float] = mapped_column(default=0.0)


def hash_password(password: str) -> str:
    """Hash a password with a salt of its own."""
    salt = secrets.token_bytes(8)
    return f"{salt.hex()}${_scrypt(password, salt)}"


def password_matches(password: str, stored: str) -> bool:
    """Compare a password with what `hash_password` stored."""
    salt, _, digest = stored.partition("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)), digest)


def _scrypt(password: str, salt: bytes) -> str:
    # Cheap on purpose: the demo shares a laptop with a Collector that is being compiled.
    return hashlib.scrypt(password.encode(), salt=salt, n=2**10, r=8, p=1, dklen=32).hex()


def open_engine(url: str) -> AsyncEngine:
    """Make the engine; no connection is opened yet."""
    # SQLite has one writer at a time; waiting for it beats `database is locked`.
    options: dict[str, Any] = {"timeout": 15} if url.startswith("sqlite") else {}
    return create_async_engine(url, connect_args=options)


async def create_tables(engine: AsyncEngine) -> None:
    """Create what is missing; `IF NOT EXISTS`, because several workers start at once."""
    async with engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            await connection.execute(CreateTable(table, if_not_exists=True))


async def session_of(connection: HTTPConnection) -> AsyncIterator[AsyncSession]:
    """Give the request one session, closed (and rolled back if not committed) at its end."""
    async with connection.app.state.sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(session_of)]
