"""The store in Redis (6.2 or newer), for services on many hosts: one MULTI a batch.

All keys begin with `tw:1:{service}:`, where 1 is the version of what is kept; the braces keep the keys of
a service in one slot. What is old goes by its time to live.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from tradewise_otel.state import store
from tradewise_otel.state.redis_script import NUMBER

_DAY = 86_400
_NUMBERED_AT_ONCE = 1000
_SECONDS_TO_FETCH = 60
TIMEOUT_SECONDS = 2.0

Parse = Callable[[list[Any]], Any]


class RedisStore:
    """A connection to one Redis. Used by one thread.

    Args:
        url: `redis://…` or `rediss://…`.
        service: whose keys they are.
        owner: tells the steps of this process from those of others.

    Raises:
        Unavailable: it does not answer.
        ModuleNotFoundError: the extra `redis` is not installed.
    """

    def __init__(self, url: str, service: str, owner: str) -> None:
        # Here, because it is an extra.
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        self._owner = owner
        self._prefix = f"tw:{store.VERSION}:{{{service}}}:"
        self._errors = (redis.RedisError, OSError)
        self._client: Any = redis.Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS / 2,
            # Whether a transaction that got no answer was done cannot be known: it is not done twice.
            retry=Retry(NoBackoff(), 0),
        )
        self._commands: dict[type, Callable[[Any, Any], Parse]] = {
            store.Step: self._step,
            store.HandedIn: self._handed_in,
            store.Number: self._number,
            store.Check: self._check,
            store.Count: self._count,
            store.UserSeen: self._user,
            store.BotSeen: self._bot,
            store.Claim: self._claim,
            store.Done: self._done,
            store.Day: self._day,
            store.Tidy: self._tidy,
        }
        self._shielded(self._client.ping)

    def apply(self, operations: Sequence[Any]) -> list[Any]:
        """See `Store`."""
        pipe = self._client.pipeline(transaction=True)
        parts: list[tuple[int, Parse]] = []
        for operation in operations:
            begin = len(pipe)
            parts.append((begin, self._commands[type(operation)](pipe, operation)))
        ends = [*(begin for begin, _ in parts[1:]), len(pipe)]
        replies = self._shielded(pipe.execute)
        return [parse(replies[begin:end]) for (begin, parse), end in zip(parts, ends, strict=True)]

    def shared_secret(self, fresh: str) -> str:
        """The secret that all services of this name use here: the first one that was offered."""
        key = self._prefix + "secret"
        pipe = self._client.pipeline(transaction=True)
        pipe.set(key, fresh, nx=True)
        pipe.get(key)
        return str(self._shielded(pipe.execute)[1])

    def close(self) -> None:
        """See `Store`."""
        try:
            self._client.close()
        except self._errors:
            return

    def _shielded(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except self._errors as error:
            raise store.Unavailable(type(error).__name__) from error

    def _step(self, pipe: Any, step: store.Step) -> Parse:
        at = step.at_ns // 1000
        # The time first: members of one score are sorted by their text.
        member = json.dumps([str(at), self._owner, step.token, step.session, step.step])
        pipe.zadd(self._prefix + "steps", {member: at})
        return _nothing

    def _handed_in(self, pipe: Any, told: store.HandedIn) -> Parse:
        if told.until_ns is None:
            pipe.zrem(self._prefix + "handed_in", self._owner)
            pipe.zrem(self._prefix + "heard", self._owner)
        else:
            pipe.zadd(self._prefix + "handed_in", {self._owner: told.until_ns // 1000})
            pipe.zadd(self._prefix + "heard", {self._owner: told.now_ns // 1000})
        return _nothing

    def _number(self, pipe: Any, order: store.Number) -> Parse:
        mine = f"{self._prefix}numbered:{self._owner}"
        until, kept = order.until_ns // 1000, store.SESSION_DAYS * _DAY
        dead = until - store.PATIENCE_NS // 1000 if order.patient else ""
        values = (until, self._prefix, kept, _NUMBERED_AT_ONCE, _SECONDS_TO_FETCH, dead)
        pipe.eval(NUMBER, 1, self._prefix + "steps", *values)
        pipe.lrange(mine, 0, -1)
        pipe.delete(mine)
        return lambda replies: [_numbered(json.loads(answer)) for answer in replies[1]]

    def _check(self, pipe: Any, check: store.Check) -> Parse:
        key = f"{self._prefix}bot:{check.bot}"
        pipe.hget(key, "status")
        pipe.hset(key, "status", check.status)
        if check.answered:
            pipe.hset(key, mapping={"failures": 0, "answered": check.at_ns})
        else:
            pipe.hincrby(key, "failures", 1)
        pipe.hmget(key, "failures", "answered")
        pipe.expire(key, store.KEPT_IDLE_DAYS * _DAY)
        pipe.zadd(self._prefix + "bots", {check.bot: check.at_ns // store.DAY_NS}, gt=True)
        return lambda replies: _health(replies[0], replies[3], check.status)

    def _count(self, pipe: Any, more: store.Count) -> Parse:
        key = f"{self._prefix}window:{more.rule}:{more.subject}"
        pipe.set(key, 0, nx=True, px=max(int(more.seconds * 1000), 1))
        pipe.incrby(key, more.times)
        return lambda replies: int(replies[1])

    def _user(self, pipe: Any, seen: store.UserSeen) -> Parse:
        pipe.sadd(f"{self._prefix}users:{seen.day}", seen.user)
        pipe.expire(f"{self._prefix}users:{seen.day}", store.KEPT_DAYS * _DAY)
        pipe.zadd(self._prefix + "known_users", {seen.user: seen.day}, lt=True)
        return _nothing

    def _bot(self, pipe: Any, seen: store.BotSeen) -> Parse:
        pipe.sadd(f"{self._prefix}bots:{seen.day}", seen.bot)
        pipe.expire(f"{self._prefix}bots:{seen.day}", store.KEPT_DAYS * _DAY)
        pipe.zadd(self._prefix + "bots", {seen.bot: seen.day}, gt=True)
        if seen.user is not None:
            pipe.zadd(self._prefix + "bot_users", {f"{seen.bot} {seen.user}": seen.day}, gt=True)
        return _nothing

    def _claim(self, pipe: Any, claim: store.Claim) -> Parse:
        milliseconds = max((claim.until_ns - claim.now_ns) // 1_000_000, 1)
        pipe.set(f"{self._prefix}lease:{claim.name}", self._owner, nx=True, px=milliseconds)
        return lambda replies: bool(replies[0])

    def _done(self, pipe: Any, done: store.Done) -> Parse:
        pipe.set(f"{self._prefix}lease:{done.name}", "done", ex=store.KEPT_DAYS * _DAY)
        return _nothing

    def _day(self, pipe: Any, asked: store.Day) -> Parse:
        pipe.scard(f"{self._prefix}users:{asked.day}")
        pipe.zcount(self._prefix + "known_users", asked.day, asked.day)
        pipe.zcard(self._prefix + "bots")
        pipe.smembers(f"{self._prefix}bots:{asked.day}")
        pipe.zrange(self._prefix + "bot_users", 0, -1)
        return lambda replies: _figures(*replies)

    def _tidy(self, pipe: Any, order: store.Tidy) -> Parse:
        idle = order.now_ns // store.DAY_NS - store.KEPT_IDLE_DAYS
        pipe.zremrangebyscore(self._prefix + "bots", "-inf", f"({idle}")
        pipe.zremrangebyscore(self._prefix + "bot_users", "-inf", f"({idle}")
        return _nothing


def _nothing(replies: list[Any]) -> None:
    return None


def _numbered(answer: list[Any]) -> store.Numbered:
    token, sequence, previous, before, at = answer
    before_ns = int(before) * 1000 if before else None
    return store.numbered(int(token), int(sequence), previous or None, before_ns, int(at) * 1000)


def _health(before: str | None, after: list[str | None], status: str) -> store.Health:
    failures, answered = after
    changed = before is not None and before != status
    return store.Health(int(failures or 0), int(answered) if answered else None, changed)


def _figures(users: int, new: int, bots: int, active: set[str], pairs: list[str]) -> store.Figures:
    owners: dict[str, int] = {}
    for pair in pairs:
        bot = pair.partition(" ")[0]
        owners[bot] = owners.get(bot, 0) + 1
    shared = sum(owners.get(bot, 0) > 1 for bot in active)
    people = len({pair.partition(" ")[2] for pair in pairs})
    return store.Figures(users, new, bots, len(active), shared, len(pairs) / people if people else 0.0)
