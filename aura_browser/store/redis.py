"""Sessions in Redis, for several machines: compare-and-swap, and locks with a lease and a fence."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import SystemRandom
from secrets import token_hex
from typing import Any, ClassVar, Final

from aura_browser.errors import StoreError, raise_alone
from aura_browser.store.base import Lease, Store
from aura_browser.store.redis_connection import check_address, create_pool, describe_error
from aura_browser.store.redis_scripts import ACQUIRE, RELEASE, RENEW, SET_ASIDE, SWAP
from aura_browser.text import has_secret

_log = logging.getLogger(__name__)

_REPLY_TIMEOUT_S: Final = 3.0
_RELEASE_TIMEOUT_S: Final = 1.0
_POLL_INTERVAL_S: Final = (0.05, 0.1)  # a random time between these
_MIN_LIFETIME_S: Final = 60
_YEAR_9999: Final = 253_402_300_799.0
_random = SystemRandom()


class RedisStore(Store):
    """A store in one Redis server (5 or newer), for any number of machines. It does not support Redis Cluster.

    Use an object from one event loop only. It connects on first use and reconnects automatically; an operation
    takes at most three seconds. Close it with :meth:`aclose` before the loop ends.

    A lock is a lease: it is renewed while it is held, and expires when its holder is gone. If a holder loses it
    unnoticed, because the holder or Redis was paused too long, its write is refused.

    Args:
        url: ``redis://[user:password@]host[:port][/db]``, ``rediss://…`` for TLS, or ``unix://[…@]/path[?db=0]``.
        prefix: the prefix of all its keys.
        lease_s: seconds after which the lock of a holder that is gone expires.

    Raises:
        InvalidInput: if *url* is malformed, or redis-py is not installed.
    """

    spans_machines: ClassVar[bool] = True

    def __init__(self, url: str, *, prefix: str = "aura-browser:", lease_s: float = 15.0) -> None:
        self.place = check_address(url)
        self.place_option = "" if has_secret(url) else url
        self._prefix = prefix
        self._lease_s = lease_s
        self._lease_ms = max(1, round(lease_s * 1000))
        self._pool = create_pool(url)
        from redis.asyncio import Redis

        self._redis = Redis(connection_pool=self._pool)
        self._scripts = {
            script: self._redis.register_script(script) for script in (SWAP, ACQUIRE, RENEW, RELEASE, SET_ASIDE)
        }

    def __repr__(self) -> str:
        return f"RedisStore({self.place!r}, prefix={self._prefix!r})"

    async def aclose(self) -> None:
        """Close all connections."""
        async with self._convert_errors():
            await self._redis.aclose()
            await self._pool.aclose()

    async def read(self, slug: str) -> bytes | None:
        """Return the value under *slug*, or None."""
        async with self._convert_errors():
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
        """Atomically replace the value under *slug* by *after* if it equals *before* and *lease* is still held.

        The value is kept for at least a minute by Redis's clock: clocks differ between machines, and with an expiry
        in the past it would vanish before others can compare it. Without *expires_at* it never expires.
        """
        keys = (self._key("session", slug), self._key("lock", lease.slug if lease else slug))
        expiry = "" if expires_at is None else round(min(expires_at, _YEAR_9999) * 1000)
        options = (token_hex(16), lease.fence if lease else "", expiry, _MIN_LIFETIME_S)
        values = (int(before is not None), int(after is not None), before or b"", after or b"")
        result = await self._run(SWAP, keys, (*options, *values))
        if result == -1:
            raise StoreError(
                self.place, f"the lease was lost while {slug} was renewed, so the stored value was kept. Try again."
            )
        return bool(result)

    async def slugs(self) -> tuple[str, ...]:
        """Return all slugs. Redis serves other clients between the steps of the scan."""
        start = self._key("session", "")
        pattern = re.sub(r"([\\*?\[\]])", r"\\\1", start) + "*"
        slugs: set[str] = set()
        cursor = -1
        while cursor:
            async with self._convert_errors():
                step: Any = await self._redis.scan(max(cursor, 0), match=pattern, count=1000)
            cursor, keys = step
            slugs.update(key.decode().removeprefix(start) for key in keys)
        return tuple(sorted(slugs))

    async def set_aside(self, slug: str) -> str:
        """Rename the key and return the new one. The value keeps its expiry."""
        aside = self._key("corrupt", slug)
        place: bytes = await self._run(SET_ASIDE, (self._key("session", slug), aside))
        return place.decode()

    @asynccontextmanager
    async def lock(self, slug: str, *, wait_s: float) -> AsyncIterator[Lease]:
        """Hold the lock, and renew its lease while the context lasts.

        If the lease is lost, nothing is raised into the context; a write under it is refused.
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
            # Even if acquiring failed: a cancelled request may have succeeded in Redis.
            await self._release(slug, token)
            if renewing is not None:
                await asyncio.wait([renewing])

    async def _acquire(self, slug: str, token: str, wait_s: float) -> Lease:
        deadline = time.monotonic() + wait_s
        keys = (self._key("lock", slug), self._key("fence", slug))
        while (fence := await self._run(ACQUIRE, keys, (token, self._lease_ms))) is None:
            if time.monotonic() > deadline:
                raise StoreError(
                    self.place, f"another process held the lock of {slug} for over {wait_s:g} s. Try again."
                )
            await asyncio.sleep(_random.uniform(*_POLL_INTERVAL_S))
        return Lease(slug, int(fence))

    async def _keep_renewing(self, slug: str, token: str) -> None:
        """Renew the lease until it is lost: another holder has it, or Redis is unavailable until it expires."""
        expiry = time.monotonic() + self._lease_s
        while True:
            await asyncio.sleep(self._lease_s / 3)
            sent_at = time.monotonic()
            try:
                is_held = await self._run(RENEW, (self._key("lock", slug),), (token, self._lease_ms))
            except StoreError:
                if time.monotonic() < expiry:
                    continue
                is_held = False
            if not is_held:
                _log.warning("The lease of %s was lost; a write under it will be refused.", slug)
                return
            expiry = sent_at + self._lease_s

    async def _release(self, slug: str, token: str) -> None:
        """Release the lock if *token* holds it. If Redis is unavailable, the lease expires."""
        with suppress(StoreError, TimeoutError):
            async with asyncio.timeout(_RELEASE_TIMEOUT_S):
                await self._run(RELEASE, (self._key("lock", slug),), (token,))

    async def _run(self, script: str, keys: tuple[str, ...], args: tuple[str | int | bytes, ...] = ()) -> Any:  # noqa: ANN401 - each script has its own result
        async with self._convert_errors():
            return await self._scripts[script](keys=keys, args=args)

    def _key(self, kind: str, slug: str) -> str:
        return f"{self._prefix}{kind}:{slug}"

    @asynccontextmanager
    async def _convert_errors(self) -> AsyncIterator[None]:
        """Limit the time of an operation, and convert its errors to StoreError."""
        from redis.exceptions import RedisError

        try:
            async with asyncio.timeout(_REPLY_TIMEOUT_S):
                yield
        except (RedisError, OSError) as error:
            # Alone, because Redis quotes the command's values.
            raise_alone(StoreError(self.place, describe_error(error)))
