"""Who is calling: `X-User`, looked up, and `X-Session`, put where the app and all events find them."""

from typing import Annotated

from fastapi import Depends, Header, HTTPException, Request, WebSocket, WebSocketException, status
from sqlalchemy import select

from .database import User


async def current_user(
    request: Request,
    x_user: Annotated[str | None, Header()] = None,
    x_session: Annotated[str | None, Header()] = None,
) -> User:
    """Find the caller or answer 401. A real backend would verify a signed token here."""
    user = await _recognise(request, x_user or "")
    if user is None:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "unknown user")
    request.state.session_id = x_session
    return user


async def current_websocket_user(websocket: WebSocket, user: str = "") -> User:
    """The same for a WebSocket, which browsers open without headers: `?user=`, else refused (403)."""
    found = await _recognise(websocket, user)
    if found is None:
        raise WebSocketException(status.WS_1008_POLICY_VIOLATION, "unknown user")
    return found


async def _recognise(connection: Request | WebSocket, user_id: str) -> User | None:
    # A session of its own, closed at once: a stream must not hold a connection while it lasts.
    async with connection.app.state.sessions() as session:
        user: User | None = await session.scalar(select(User).where(User.id == user_id))
    if user is not None:
        connection.state.user_id = user.id
        connection.state.tenant_id = user.tenant_id
    return user


CurrentUser = Annotated[User, Depends(current_user)]
CurrentWebSocketUser = Annotated[User, Depends(current_websocket_user)]


def client_ip(connection: Request | WebSocket) -> str:
    """The address of the other end, as the server saw it."""
    return connection.client.host if connection.client else "unknown"
