"""The way of a user through the app: one `user_journey_step` a step of a session."""

from fastapi import Request

from tradewise_otel import events


def take_step(step: str, request: Request) -> None:
    """Say where the caller is now; who has not logged in is on no way yet.

    The state store adds which step of the session it is, and what was the one before.
    """
    if session_id := getattr(request.state, "session_id", None):
        events.user_journey_step(step=step, session_id=session_id)
