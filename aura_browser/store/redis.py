"""Sessions in Redis, for several machines: compare-and-swap, and locks with a lease and a fence."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import SystemRandom
from secrets import token_hex
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from aura_browser.errors import InvalidInput, StoreError
from aura_browser.store.base import Lease, Store
from aura_browser.text import clean_text

if TYPE_CHECKING:
    from redis.asyncio import BlockingConnectionPool

_log = logging.getLogger(__name__)

_CONNECTIONS: Final = 16
_SOCKET_S: Final = 2.0
_ANSWER_S: Final = 3.0
_RELEASE_S: Final = 1.0
_POLL_S: Final = (0.05, 0.1)
_KEEP_AT_LEAST_S: Final = 60
_YEAR_9999: Final = 253_402_300_799.0
_chance = SystemRandom()

# The connection may drop between a script's work and its answer, and is then asked once more. So every script that
# writes knows its own earlier run: a swap by its id, a lock by its token.
#
# Redis does not undo what a script did before it failed: the first thing written is what may fail for want of memory.
#
# What a session is kept in is a hash: value; fence, of the last write under a lease; id, of the last write.
# What a lock is kept in is a string: fence, blank, token.

# Keys: session, lock. Arguments: id, fence or "", milliseconds of expiry or "", seconds to keep at least,
# has a before, has an after, before, after. Redis quotes the first arguments in some errors: secrets come last.
_SWAP: Final = """
local id, fence, expires, least, has_before, has_after, before, after = unpack(ARGV)
local kept = redis.call('HMGET', KEYS[1], 'value', 'fence', 'id')
if kept[3] == id then return 1 end
local last = kept[2] or '0'
if fence ~= '' then
    local holder = string.match(redis.call('GET', KEYS[2]) or '', '^(%d+) ')
    if holder ~= fence or tonumber(fence) < tonumber(last) then return -1 end
    last = fence
end
if kept[1] ~= (has_before == '1' and before) then return 0 end
if has_after ~= '1' then
    redis.call('DEL', KEYS[1])
    return 1
end
redis.call('HSET', KEYS[1], 'value', after, 'fence', last, 'id', id)
if expires == '' then
    redis.call('PERSIST', KEYS[1])
else
    local soonest = (redis.call('TIME')[1] + least) * 1000
    redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', math.max(soonest, tonumber(expires))))
end
return 1
"""

# Keys: lock, fence. Arguments: token, milliseconds of the lease. A fence is at least the time in microseconds, so that
# it grows even if Redis forgets the last one: a holder from before must not find its number given out once more.
_ACQUIRE: Final = """
local held = redis.call('GET', KEYS[1])
if held then
    local fence, token = string.match(held, '^(%d+) (.+)$')
    return token == ARGV[1] and fence
end
local now = redis.call('TIME')
local next = tonumber(redis.call('GET', KEYS[2]) or '0') + 1
local fence = string.format('%.0f', math.max(next, now[1] * 1000000 + now[2]))
redis.call('SET', KEYS[2], fence)
redis.call('SET', KEYS[1], fence .. ' ' .. ARGV[1], 'PX', ARGV[2])
return fence
"""

# Keys: lock. Arguments: token, milliseconds of the lease.
_RENEW: Final = """
if string.match(redis.call('GET', KEYS[1]) or '', ' (.+)$') ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

# Keys: lock. Arguments: token.
_RELEASE: Final = """
if string.match(redis.call('GET', KEYS[1]) or '', ' (.+)$') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""

# Keys: session, where to. Another may have set it aside a moment ago.
_SET_ASIDE: Final = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[2]) end
return 1
"""

_PLAIN_OPTIONS: Final = frozenset({"db", "username", "password", "client_name"})
_TLS_OPTIONS: Final = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname", "ssl_cert_reqs"})

# By the names of redis-py's classes, the most special first: the library is imported only when it is used.
_PROBLEMS: Final = {
    "AuthenticationError": "it refuses the user or the password. Check both in the store's URL.",
    "AuthenticationWrongNumberOfArgsError": "it refuses the user or the password. Check both in the store's URL.",
    "NoPermissionError": "its access rules forbid a command. Allow the user reading, writing and scripts (EVALSHA).",
    "BusyLoadingError": "it is still loading its data. Try again in a moment.",
    "ReadOnlyError": "it is a read-only replica. Wait for the fail-over, or name the primary.",
    "OutOfMemoryError": "it is out of memory. Raise its maxmemory, or free some.",
    "TimeoutError": "no answer in time. Check that it runs, is not overloaded, and can be reached from here.",
}


class RedisStore(Store):
    """A store in one Redis server (5 or newer), for any number of machines; it is no client of Redis Cluster.

    One object may be used from one event loop. It connects when first used, and again by itself after Redis was
    away; an operation takes three seconds at most. Close it with :meth:`aclose` before the loop ends.

    A lock is a lease: it is renewed while it is held, and ends by itself when its holder is gone. A holder that
    lost it unknowingly, because it or Redis stood still for too long, can do no harm: its write is refused.

    Args:
        url: ``redis://[user:password@]host[:port][/db]``, ``rediss://…`` for TLS, or ``unix://[…@]/path[?db=0]``.
        prefix: what all its keys start with.
        lease_s: seconds that a lock outlives a holder that is gone.

    Raises:
        InvalidInput: if *url* is malformed, or redis-py is not installed.
    """

    spans_machines: ClassVar[bool] = True

    def __init__(self, url: str, *, prefix: str = "aura-browser:", lease_s: float = 15.0) -> None:
        self.place = _place(url)
        self._prefix = prefix
        self._lease_s = lease_s
        self._lease_ms = max(1, round(lease_s * 1000))
        self._pool = _pool(url)
        from redis.asyncio import Redis

        self._redis = Redis(connection_pool=self._pool)
        self._scripts = {
            script: self._redis.register_script(script) for script in (_SWAP, _ACQUIRE, _RENEW, _RELEASE, _SET_ASIDE)
        }

    def __repr__(self) -> str:
        return f"RedisStore({self.place!r}, prefix={self._prefix!r})"

    async def aclose(self) -> None:
        """Close all connections."""
        async with self._reported():
            await self._redis.aclose()
            await self._pool.aclose()

    async def read(self, slug: str) -> bytes | None:
        """Return what is under *slug*, or None."""
        async with self._reported():
            data: Any = await self._redis.hget(self._key("session", slug), "value")
        return None if data is None else bytes(data)

    async def swap(
        self,
        slug: str,
        before: bytes | None,
        after: bytes | None,
        *,
        expires_at: float | None = None,
        lease: Lease | None = None,
    ) -> bool:
        """Put *after* under *slug* if *before* is there, in one step, and only while *lease* is held.

        It stays a minute at least, by Redis's clock: an expiry in the past would make it vanish before those who
        compare with it can read it, and clocks differ between machines. Without *expires_at* it stays for good.
        """
        keys = (self._key("session", slug), self._key("lock", lease.slug if lease else slug))
        expiry = "" if expires_at is None else round(min(expires_at, _YEAR_9999) * 1000)
        facts = (token_hex(16), lease.fence if lease else "", expiry, _KEEP_AT_LEAST_S)
        values = (int(before is not None), int(after is not None), before or b"", after or b"")
        done = await self._run(_SWAP, keys, (*facts, *values))
        if done == -1:
            raise StoreError(self.place, f"the lease was lost while {slug} was renewed; what is there was kept.")
        return bool(done)

    async def slugs(self) -> tuple[str, ...]:
        """Return all slugs; Redis serves others between the steps of the search."""
        start = self._key("session", "")
        pattern = re.sub(r"([\\*?\[\]])", r"\\\1", start) + "*"
        found: set[str] = set()
        cursor = -1
        while cursor:
            async with self._reported():
                step: Any = await self._redis.scan(max(cursor, 0), match=pattern, count=1000)
            cursor, keys = step
            found.update(key.decode().removeprefix(start) for key in keys)
        return tuple(sorted(found))

    async def set_aside(self, slug: str) -> str:
        """Rename the key; return the new one. It keeps its expiry."""
        aside = self._key("corrupt", slug)
        await self._run(_SET_ASIDE, (self._key("session", slug), aside))
        return aside

    @asynccontextmanager
    async def lock(self, slug: str, *, wait_s: float) -> AsyncIterator[Lease]:
        """Hold the lock, and renew its lease as long as the context lasts.

        Nothing is raised into the context if the lease is lost; a write under it is then refused.
        """
        token = token_hex(16)
        renewing = None
        try:
            lease = await self._acquire(slug, token, wait_s)
            renewing = asyncio.create_task(self._keep_renewing(slug, token))
            yield lease
        finally:
            if renewing is not None:
                renewing.cancel()
            # Also if it was not got: a cancelled question may have been answered already.
            await self._release(slug, token)
            if renewing is not None:
                await asyncio.wait([renewing])

    async def _acquire(self, slug: str, token: str, wait_s: float) -> Lease:
        end = time.monotonic() + wait_s
        keys = (self._key("lock", slug), self._key("fence", slug))
        while (fence := await self._run(_ACQUIRE, keys, (token, self._lease_ms))) is None:
            if time.monotonic() > end:
                raise StoreError(self.place, f"another holds the lock of {slug} for more than {wait_s:g} s.")
            await asyncio.sleep(_chance.uniform(*_POLL_S))
        return Lease(slug, int(fence))

    async def _keep_renewing(self, slug: str, token: str) -> None:
        """Renew the lease until it is lost: someone else holds it, or Redis is away for longer than it lasts."""
        end = time.monotonic() + self._lease_s
        while True:
            await asyncio.sleep(self._lease_s / 3)
            asked = time.monotonic()
            try:
                held = await self._run(_RENEW, (self._key("lock", slug),), (token, self._lease_ms))
            except StoreError:
                if time.monotonic() < end:
                    continue
                held = False
            if not held:
                _log.warning("The lease of %s was lost; a write under it will be refused.", slug)
                return
            end = asked + self._lease_s

    async def _release(self, slug: str, token: str) -> None:
        """Free the lock if *token* holds it. If Redis is away, the lease ends by itself."""
        with suppress(StoreError, TimeoutError):
            async with asyncio.timeout(_RELEASE_S):
                await self._run(_RELEASE, (self._key("lock", slug),), (token,))

    async def _run(self, script: str, keys: tuple[str, ...], args: tuple[str | int | bytes, ...] = ()) -> Any:  # noqa: ANN401 - each script has its own answer
        async with self._reported():
            return await self._scripts[script](keys=keys, args=args)

    def _key(self, kind: str, slug: str) -> str:
        return f"{self._prefix}{kind}:{slug}"

    @asynccontextmanager
    async def _reported(self) -> AsyncIterator[None]:
        """Bound an operation's time, and make its errors one."""
        from redis.exceptions import RedisError

        try:
            async with asyncio.timeout(_ANSWER_S):
                yield
        except (RedisError, OSError) as error:
            raise StoreError(self.place, _problem(error)) from error


def _place(url: str) -> str:
    """Return *url* without user, password and options; raise InvalidInput, which never quotes it."""
    try:
        parts = urlsplit(url)
        options = {name for name, _ in parse_qsl(parts.query, strict_parsing=True)} if parts.query else set()
        well_formed = _is_well_formed(parts)
    except ValueError:
        well_formed, options = False, set()
    if not well_formed:
        forms = "redis://host:6379/0, rediss://host:6379/0 or unix:///path/to/socket"
        raise InvalidInput("store", f"the Redis URL is malformed. Write {forms}; in a password, %XX for / ? # @ %.")
    allowed = _PLAIN_OPTIONS | (_TLS_OPTIONS if parts.scheme == "rediss" else frozenset())
    if not options <= allowed:
        raise InvalidInput("store", f"the Redis URL has an unknown option. Known: {', '.join(sorted(allowed))}.")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _is_well_formed(parts: SplitResult) -> bool:
    """Tell whether redis-py would take each part for what it was meant; raise ValueError for a bad port."""
    if parts.fragment:
        return False
    if parts.scheme == "unix":
        return not parts.hostname and parts.port is None and len(parts.path) > 1
    is_port = parts.port is None or parts.port > 0
    return parts.scheme in {"redis", "rediss"} and bool(parts.hostname) and is_port and _is_database(parts.path)


def _is_database(path: str) -> bool:
    return re.fullmatch(r"(/[0-9]*)?", path) is not None


def _pool(url: str) -> "BlockingConnectionPool":
    """Return a pool that has not connected yet. It waits for a free connection where redis-py's default one fails."""
    try:
        from redis.asyncio import BlockingConnectionPool
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError as Dropped
        from redis.exceptions import ReadOnlyError
    except ImportError as error:
        raise InvalidInput("store", "needs the extra redis: pip install 'aura-browser[redis]'") from error
    try:
        return BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=None,  # every operation has its own bound
            socket_timeout=_SOCKET_S,
            socket_connect_timeout=_SOCKET_S,
            # A retry connects anew, which after a fail-over leads from the replica to the new primary.
            retry=Retry(NoBackoff(), 1, supported_errors=(Dropped, ReadOnlyError)),
            # The older protocol: every server speaks it, and nothing here needs the newer.
            protocol=2,
            # Else each new connection looks for redis-py's own version on the disk, which blocks the event loop.
            driver_info=None,
        )
    except ValueError:
        # From None: the message may quote an option.
        raise InvalidInput("store", "the Redis URL has an option with a wrong value.") from None


def _problem(error: Exception) -> str:
    """Say in one line what went wrong and what to do, without any argument of the command."""
    for kind in type(error).__mro__:
        if kind.__name__ in _PROBLEMS:
            return _PROBLEMS[kind.__name__]
    said = clean_text(str(error).partition(", with args")[0]).rstrip(".")
    return f"{said}. Check that Redis runs there."
