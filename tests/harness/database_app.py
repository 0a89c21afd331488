"""A FastAPI app that does with databases what apps do; `harness.database` runs a copy of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import lost_database  # noqa: F401 - registers its dialect
import sqlalchemy as sa
from fastapi import FastAPI, Request
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor
from sqlalchemy.ext.asyncio import AsyncSession, async_engine_from_config, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Session, aliased

from tradewise_otel import bind


class Counting(SpanProcessor):
    """Counts what contrib starts and ends; upstream's own provider calls it."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.ended: list[str] = []

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        if span.instrumentation_scope.name.endswith("sqlalchemy"):
            self.started.append(span.name)

    def on_end(self, span: Any) -> None:
        if span.instrumentation_scope.name.endswith("sqlalchemy"):
            self.ended.append(span.name)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id = sa.Column(sa.Integer, primary_key=True)
    email = sa.Column(sa.String, unique=True)
    age = sa.Column(sa.Integer)


class Bot(Base):
    __tablename__ = "bots"
    id = sa.Column(sa.Integer, primary_key=True)
    owner = sa.Column(sa.ForeignKey("users.id"))


counting = Counting()
trace.get_tracer_provider().add_span_processor(counting)  # type: ignore[attr-defined]
users = User.__table__
sync_engine = sa.create_engine("sqlite:///sync.db")
async_engine = create_async_engine("sqlite+aiosqlite:///async.db")
config_engine = async_engine_from_config({"db.url": "sqlite+aiosqlite:///config.db"}, prefix="db.")
ENGINES = {"async": async_engine, "config": config_engine}
NOWHERE = "sqlite:////no-such-folder/x.db"
NEW = {"email": "new@example.com", "age": 9}
SLOW = """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000000)
SELECT count(*) FROM n"""


def reset(conn: sa.Connection) -> None:
    conn.execute(sa.text("DROP TABLE IF EXISTS made"))
    Base.metadata.drop_all(conn)
    Base.metadata.create_all(conn)
    conn.execute(sa.insert(users), [{"email": f"u{i}@example.com", "age": i} for i in range(4)])


def orm(conn: sa.Connection) -> None:
    with Session(conn) as session:
        session.add(User(**NEW))
        session.flush()
        session.scalars(sa.select(User).where(User.age == 9)).one().age = 10
        session.flush()
        session.execute(sa.delete(User).where(User.age == 10))


def ddl(conn: sa.Connection) -> None:
    made = sa.Table("made", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True))
    made.create(conn, checkfirst=False)
    conn.execute(sa.text("CREATE INDEX ix_made ON made (id)"))
    made.drop(conn, checkfirst=False)


def stream(conn: sa.Connection) -> None:
    for _ in conn.execution_options(yield_per=1).execute(sa.select(users)):
        pass


def rollback(conn: sa.Connection) -> None:
    with conn.begin_nested() as point:
        conn.execute(sa.insert(users).values(**NEW))
        point.rollback()


def swallowed(statement: Any, values: Any = None) -> Callable[[sa.Connection], None]:
    """A statement that fails, in an app that copes with it."""

    def run(conn: sa.Connection) -> None:
        try:
            conn.execute(statement, values)
        except sa.exc.SQLAlchemyError:
            return
        raise AssertionError("the statement did not fail")

    return run


def one(statement: Any, values: Any = None) -> Callable[[sa.Connection], None]:
    def run(conn: sa.Connection) -> None:
        result = conn.execute(statement, values)
        if result.returns_rows:
            result.all()

    return run


inner = sa.select(users.c.id).where(users.c.age > 1)
SCENARIOS: dict[str, Callable[[sa.Connection], None]] = {
    "select": one(sa.select(users)),
    "insert": one(sa.insert(users).values(**NEW)),
    "update": one(sa.update(users).where(users.c.age >= 1).values(age=7)),
    "delete": one(sa.delete(users).where(users.c.age >= 2)),
    "nothing": one(sa.delete(users).where(users.c.age >= 99)),
    "text": one(sa.text("select id from users where email = :email"), {"email": "u1@example.com"}),
    "comments": one(sa.text("-- a\n/* b */ -- c\n  update users set age = 1")),
    "executemany": one(sa.insert(users), [{"email": f"m{i}@example.com"} for i in range(3)]),
    "returning": one(sa.insert(users).returning(users.c.id), NEW),
    "many_returning": one(sa.insert(users).returning(users.c.id), [{"email": f"r{i}"} for i in range(3)]),
    "join": one(sa.select(User.id).join(Bot, Bot.owner == User.id)),
    "alias": one(sa.select(aliased(User).id)),
    "subquery": one(sa.select(inner.subquery().c.id)),
    "cte": one(sa.select(inner.cte("young").c.id)),
    "no_table": one(sa.select(sa.literal(1))),
    "literal": one(sa.text("select 'taken from hunter3' as x")),
    "orm": orm,
    "ddl": ddl,
    "stream": stream,
    "rollback": rollback,
    "integrity": swallowed(sa.insert(users).values(email="u1@example.com", age=424242)),
    "no_such_table": swallowed(sa.text("select * from missing where password='hunter2'")),
    "syntax": swallowed(sa.text("selec 1")),
    "bad_path": swallowed(sa.text("select json_extract('{}', :path)"), {"path": "bound-s3cret"}),
    "literal_secret": one(sa.text("select id from users where email = 'x' or 'password=hunter2' = 'y'")),
    "bound_secret": one(sa.select(users.c.id).where(users.c.email == "bound-s3cret")),
}

app = FastAPI()


@app.post("/reset/{flavour}")
async def do_reset(flavour: str) -> None:
    await run_in(flavour, reset)


@app.post("/run/{flavour}/{name}")
async def run(flavour: str, name: str, tenant: str = "") -> None:
    if tenant:
        bind(tenant_id=tenant)
    await run_in(flavour, SCENARIOS[name])


async def run_in(flavour: str, scenario: Callable[[sa.Connection], None]) -> None:
    if flavour == "sync":
        await asyncio.to_thread(run_sync, scenario)
        return
    async with ENGINES[flavour].begin() as conn:
        await conn.run_sync(scenario)


def run_sync(scenario: Callable[[sa.Connection], None]) -> None:
    with sync_engine.begin() as conn:
        scenario(conn)


@app.post("/session/{flavour}")
async def session(flavour: str) -> None:
    async with AsyncSession(ENGINES[flavour]) as session:
        user = User(**NEW)
        session.add(user)
        await session.commit()
        await session.refresh(user)
        async for _ in await session.stream_scalars(sa.select(User)):
            pass


@app.post("/raise")
def unhandled() -> None:
    # Put together, so that the traceback's own quotation of this line does not hold it.
    run_sync(one(sa.insert(users), {"email": "u1@example.com", "age": 424_000 + 242}))


@app.post("/fetch")
def fails_in_fetch() -> None:
    """The first row comes, the second overflows."""
    statement = sa.text("select abs(x) from (select 1 as x union all select -9223372036854775807 - 1)")
    with sync_engine.begin() as conn:
        try:
            for _ in conn.execution_options(yield_per=1).execute(statement):
                pass
        except sa.exc.SQLAlchemyError:
            return
    raise AssertionError("the fetch did not fail")


@app.post("/cancel")
async def cancelled() -> None:
    """A statement that takes too long for its caller."""
    async with async_engine.connect() as conn:
        try:
            await asyncio.wait_for(conn.execute(sa.text(SLOW)), 0.2)
        except asyncio.TimeoutError:
            return


@app.post("/exhausted/{kind}")
async def exhausted(kind: str) -> None:
    if kind == "sync":
        await asyncio.to_thread(exhaust_sync)
    else:
        await exhaust_async()


ONE = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.1}


def exhaust_sync() -> None:
    engine = sa.create_engine("sqlite:///small.db", poolclass=sa.QueuePool, **ONE)
    with engine.connect():
        try:
            engine.connect()
        except sa.exc.TimeoutError:
            return


async def exhaust_async() -> None:
    url = "sqlite+aiosqlite:///small.db"
    engine = create_async_engine(url, poolclass=sa.AsyncAdaptedQueuePool, **ONE)
    async with engine.connect():
        try:
            await engine.connect()
        except sa.exc.TimeoutError:
            return


@app.post("/unreachable/{kind}")
async def unreachable(kind: str, port: int = 1) -> None:
    try:
        if kind == "sync":
            sa.create_engine(NOWHERE).connect()
        elif kind == "session":
            with Session(sa.create_engine(NOWHERE)) as session:
                session.execute(sa.text("select 1"))
        elif kind == "refused":
            sa.create_engine(f"lost://someone:hunter2@127.0.0.1:{port}/shop").connect()
        elif kind == "lost":
            with sa.create_engine(f"lost://someone:hunter2@127.0.0.1:{port}/gone").connect() as conn:
                conn.execute(sa.text("select id from users"))
        else:
            await create_async_engine(NOWHERE.replace("sqlite:", "sqlite+aiosqlite:")).connect()
    except sa.exc.DBAPIError:
        return
    raise AssertionError("connected")


@app.post("/checkouts")
def checkouts() -> None:
    for _ in range(20):
        with sync_engine.connect():
            pass


@app.post("/threads")
def threads() -> None:
    """Threads and engines of the app's own."""
    done = [threading.Thread(target=run_sync, args=(SCENARIOS["select"],)) for _ in range(4)]
    for thread in done:
        thread.start()
    for thread in done:
        thread.join()


@app.get("/counts")
def counts(request: Request) -> dict[str, list[str]]:
    return {"started": counting.started, "ended": counting.ended}
