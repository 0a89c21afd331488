"""The backend: `uvicorn tradewise_otel.tools.demo.app.main:app` serves it."""

import contextlib
from collections.abc import AsyncIterator

import httpx
from fastapi import APIRouter, FastAPI
from sqlalchemy.ext.asyncio import async_sessionmaker

from .bot_poll import polling
from .config import Config
from .database import create_tables, open_engine
from .internal import create_internal_app
from .routers import accounts, bots, external_bots, live, reports


def create_app(config: Config | None = None) -> FastAPI:
    """Build the application; nothing is opened before it starts."""
    settings = config or Config.from_environment()
    engine = open_engine(settings.database_url)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await create_tables(engine)
        # Environment proxies are ignored: bots stand in the user's own network.
        async with httpx.AsyncClient(timeout=settings.bot_timeout_seconds, trust_env=False) as client:
            app.state.http = client
            async with polling(app, settings.bot_poll_seconds):
                yield
        await engine.dispose()

    app = FastAPI(title="TradeWise demo", lifespan=lifespan)
    app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
    app.include_router(_api())
    app.mount("/internal", create_internal_app(app.state.sessions))
    return app


def _api() -> APIRouter:
    api = APIRouter(prefix="/api/v1")
    for module in (accounts, bots, external_bots, live, reports):
        api.include_router(module.router)
    return api


app = create_app()
