"""Reports: one made after the answer is sent, and one that takes its time."""

import asyncio
import logging
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Query, Request, status
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tradewise_otel import events
from tradewise_otel.profiling import profile_performance

from ..database import Bot, Session, new_id
from ..identity import CurrentUser
from ..journey import take_step

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/reports", tags=["reports"])


@router.post("", status_code=status.HTTP_202_ACCEPTED)
async def order_report(request: Request, user: CurrentUser, tasks: BackgroundTasks) -> dict[str, str]:
    """Order a report; it is made in the background."""
    report_id = new_id("report")
    tasks.add_task(_make_report, request.app.state.sessions, report_id, user.tenant_id)
    events.business("report_ordered", report_id=report_id)
    take_step("report_ordered", request)
    return {"report_id": report_id}


@profile_performance("make_report")
async def _make_report(sessions: async_sessionmaker[AsyncSession], report_id: str, tenant_id: str) -> None:
    # A session of its own: the request's is closed by now.
    async with sessions() as session:
        count = await _count_bots(session, tenant_id)
    logger.info("Report %s ready: %d bots", report_id, count)


@router.get("/daily")
async def daily_report(
    user: CurrentUser, session: Session, seconds: Annotated[float, Query(ge=0, le=30)] = 2.1
) -> dict[str, Any]:
    """The slow route: over the default p95 threshold of 2 s unless asked otherwise."""
    await asyncio.sleep(seconds)
    return {"tenant_id": user.tenant_id, "bots": await _count_bots(session, user.tenant_id)}


async def _count_bots(session: AsyncSession, tenant_id: str) -> int:
    counted = select(func.count()).select_from(Bot).where(Bot.tenant_id == tenant_id)
    return int((await session.scalars(counted)).one())
