"""Takes steps, fails logins, looks at bots: everything that the state completes, said in the plain way."""

import logging
import os

from fastapi import FastAPI

from tradewise_otel import bind

log = logging.getLogger("stateful")
app = FastAPI()


@app.get("/steps/{user}")
async def steps(user: str, sessions: str, step: str) -> int:
    """One step in each of some sessions; answers with the worker."""
    bind(user_id=user)
    for session in sessions.split(","):
        log.info(
            "step",
            extra={"event_type": "user_journey_step", "session_id": f"session-{session}", "step": step},
        )
    return os.getpid()


@app.get("/walk/{session}")
async def walk(session: str, fails: bool = False) -> int:
    """A step of a request that may fail after it."""
    bind(user_id="walker", session_id=session)
    log.info("step", extra={"event_type": "user_journey_step", "step": "walk"})
    if fails:
        raise RuntimeError("the path ends")
    return os.getpid()


@app.get("/own/{session}")
async def own(session: str) -> None:
    """A step whose place the app knows better."""
    extra = {"event_type": "user_journey_step", "session_id": session, "step": "own", "step_sequence": 99}
    log.info("step", extra=extra)


@app.get("/check/{bot}/{status}")
async def check(bot: str, status: str) -> None:
    """A look at a bot, logged at a level of its own."""
    log.info("bot", extra={"event_type": "bot_health_check", "bot_id": bot, "status": status})


@app.get("/login/{email}")
async def login(email: str) -> None:
    """A login that fails."""
    log.warning("login", extra={"event_type": "security_login_failed", "email": email})


@app.get("/call/{user}")
async def call(user: str) -> int:
    """A call of a user; answers with the worker."""
    bind(user_id=user)
    return os.getpid()
