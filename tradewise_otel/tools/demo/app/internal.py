"""A sub-application for operators, mounted under /internal with its own routes."""

from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from .database import Bot


def create_internal_app(sessions: async_sessionmaker[AsyncSession]) -> FastAPI:
    """Build the sub-application around the parent's sessions."""
    internal = FastAPI(title="TradeWise internal", docs_url=None, redoc_url=None)

    @internal.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @internal.get("/tenants/{tenant_id}/bots")
    async def count_bots(tenant_id: str) -> dict[str, int]:
        counted = select(func.count()).select_from(Bot).where(Bot.tenant_id == tenant_id)
        async with sessions() as session:
            return {"bots": int((await session.scalars(counted)).one())}

    return internal
