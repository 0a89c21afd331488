"""Register and login."""

import asyncio

from fastapi import APIRouter, HTTPException, Request, status
from pydantic import BaseModel, Field
from sqlalchemy import select

from tradewise_otel import bind, events

from ..database import Session, User, hash_password, new_id, password_matches
from ..identity import client_ip

router = APIRouter(tags=["accounts"])


class Credentials(BaseModel):
    """What a person types."""

    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)
    password: str = Field(min_length=8, max_length=200)


class Account(BaseModel):
    """Who that made them; `user_id` goes into `X-User`."""

    user_id: str
    tenant_id: str


class Login(Account):
    """An account with a session of its own; `session_id` goes into `X-Session`."""

    session_id: str


@router.post("/register", status_code=status.HTTP_201_CREATED)
async def register(credentials: Credentials, request: Request, session: Session) -> Account:
    """Create a user and their tenant."""
    if await _find(session, credentials.email) is not None:
        raise HTTPException(status.HTTP_409_CONFLICT, "this e-mail address is registered")
    password_hash = await asyncio.to_thread(hash_password, credentials.password)
    user = User(
        id=new_id("user"), tenant_id=new_id("tenant"), email=credentials.email, password_hash=password_hash
    )
    session.add(user)
    await session.commit()
    # From here on every event of this request says whose it is.
    bind(user_id=user.id, tenant_id=user.tenant_id)
    events.business_user_registered(email=user.email, client_ip=client_ip(request))
    return Account(user_id=user.id, tenant_id=user.tenant_id)


@router.post("/login")
async def login(credentials: Credentials, request: Request, session: Session) -> Login:
    """Check a password; a failure is a security event, and too many of them are suspicious."""
    user = await _find(session, credentials.email)
    if user is None:
        _refused("unknown_user", credentials.email, request)
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "wrong e-mail address or password")
    if not await asyncio.to_thread(password_matches, credentials.password, user.password_hash):
        _refused("invalid_credentials", credentials.email, request)
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "wrong e-mail address or password")
    session_id = new_id("session")
    bind(user_id=user.id, tenant_id=user.tenant_id, session_id=session_id)
    events.user_journey_step(step="login", session_id=session_id)
    return Login(user_id=user.id, tenant_id=user.tenant_id, session_id=session_id)


async def _find(session: Session, email: str) -> User | None:
    found: User | None = await session.scalar(select(User).where(User.email == email))
    return found


def _refused(reason: str, email: str, request: Request) -> None:
    events.security_login_failed(
        email=email,
        ip_address=client_ip(request),
        user_agent=request.headers.get("user-agent"),
        failure_reason=reason,
    )
