"""Bots of the caller's tenant: create, read, update, delete; and how well one trades."""

from fastapi import APIRouter, HTTPException, Request, status
from pydantic import BaseModel, Field
from sqlalchemy import select

from tradewise_otel import events
from tradewise_otel.profiling import profile_performance

from ..database import Bot, Session, new_id
from ..identity import CurrentUser
from ..journey import take_step

router = APIRouter(prefix="/bots", tags=["bots"])


class BotIn(BaseModel):
    """What a user tells about a bot."""

    name: str = Field(min_length=1, max_length=80)
    api_url: str = Field(pattern=r"^https?://", max_length=400)


class BotOut(BotIn):
    """What the API tells about it."""

    id: str
    state: str
    trades_count: int


async def bot_of_caller(session: Session, user: CurrentUser, bot_id: str) -> Bot:
    """Find a bot within the caller's tenant or answer 404."""
    mine = select(Bot).where(Bot.id == bot_id, Bot.tenant_id == user.tenant_id)
    bot: Bot | None = await session.scalar(mine)
    if bot is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "no such bot")
    return bot


def _shown(bot: Bot) -> BotOut:
    return BotOut(
        id=bot.id, name=bot.name, api_url=bot.api_url, state=bot.state, trades_count=bot.trades_count
    )


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_bot(new: BotIn, request: Request, user: CurrentUser, session: Session) -> BotOut:
    """Note a bot; it is not contacted yet."""
    bot = Bot(
        id=new_id("bot"), tenant_id=user.tenant_id, owner_id=user.id, name=new.name, api_url=new.api_url
    )
    session.add(bot)
    # Flushed before it is shown, so that the column defaults are filled in.
    await session.flush()
    shown = _shown(bot)
    await session.commit()
    take_step("bot_created", request)
    return shown


@router.get("")
async def list_bots(user: CurrentUser, session: Session) -> list[BotOut]:
    """All bots of the tenant."""
    mine = select(Bot).where(Bot.tenant_id == user.tenant_id).order_by(Bot.name)
    return [_shown(bot) for bot in (await session.scalars(mine)).all()]


@router.get("/{bot_id}")
async def read_bot(bot_id: str, user: CurrentUser, session: Session) -> BotOut:
    """One bot."""
    return _shown(await bot_of_caller(session, user, bot_id))


@router.put("/{bot_id}")
async def update_bot(bot_id: str, changed: BotIn, user: CurrentUser, session: Session) -> BotOut:
    """Rename a bot or point it elsewhere."""
    bot = await bot_of_caller(session, user, bot_id)
    bot.name, bot.api_url = changed.name, changed.api_url
    shown = _shown(bot)
    await session.commit()
    return shown


@router.delete("/{bot_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_bot(bot_id: str, user: CurrentUser, session: Session) -> None:
    """Forget a bot; who did it must be provable later."""
    await session.delete(await bot_of_caller(session, user, bot_id))
    await session.commit()
    events.audit("bot_deleted", actor=user.id, action="delete", target=bot_id, outcome="success")


@router.get("/{bot_id}/performance")
async def performance(bot_id: str, user: CurrentUser, session: Session) -> dict[str, float]:
    """Profit per trade."""
    return {"profit_per_trade": _profit_per_trade(await bot_of_caller(session, user, bot_id))}


@profile_performance("profit_per_trade")
def _profit_per_trade(bot: Bot) -> float:
    # The demo's bug: a bot that has not traded yet answers 500 with a ZeroDivisionError.
    return bot.profit / bot.trades_count
