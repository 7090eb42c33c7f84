"""Opens many streams at once on a good session and on one that has just expired; prints their times as JSON pairs."""

import asyncio
import gc
import sys
import time
from typing import Literal

import aiohttp
import msgspec

from aura_browser import AuraClient
from aura_browser.session import Session
from tests.bench.measure import Pair, alternate_async
from tests.bench.raw import QUESTION, made_session
from tests.bench.server import COOKIE, raise_file_limit

Way = Literal["revoked", "over"]

_LIFE_S = 1.5  # of a session whose end is known: long enough for one question before


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What to do.

    Attributes:
        origin: a gated site.
        way: how the session ends: the site revokes it, or its cookie's time is over.
        streams: how many at once.
        pairs: how many.
        harvest_s: how long the stand-in for a browser waits before it logs in.
        characters: how many every answer has.
    """

    origin: str
    way: Way
    streams: int
    pairs: int
    harvest_s: float
    characters: int


class _Expiry:
    def __init__(self, settings: Settings) -> None:
        self._to_do = settings
        self._origin = settings.origin
        self.harvest_alone_s = 0.0

    async def measure(self) -> list[Pair[float]]:
        await self._harvest()
        began = time.perf_counter()
        await self._harvest()
        self.harvest_alone_s = time.perf_counter() - began
        return await alternate_async(self._expired, self._good, self._to_do.pairs)

    async def _good(self) -> float:
        async with self._client(await self._log_in()) as client:
            await client.complete(QUESTION)
            took = await self._all(client)
            assert client.counters.harvests == 0
            return took

    async def _expired(self) -> float:
        expires = time.time() + _LIFE_S if self._to_do.way == "over" else None
        async with self._client(await self._log_in(expires)) as client:
            await client.complete(QUESTION)
            if expires is None:
                await self._post("/revoke")
            else:
                await asyncio.sleep(expires - time.time())
            took = await self._all(client)
            assert client.counters.harvests == 1
            return took - self.harvest_alone_s

    def _client(self, session: Session) -> AuraClient:
        return AuraClient(self._origin, session=session, harvest=self._harvest)

    async def _all(self, client: AuraClient) -> float:
        gc.collect()
        began = time.perf_counter()
        answers = await asyncio.gather(*(client.complete(QUESTION) for _ in range(self._to_do.streams)))
        took = time.perf_counter() - began
        assert {len(answer) for answer in answers} == {self._to_do.characters}
        return took

    async def _harvest(self) -> Session:
        await asyncio.sleep(self._to_do.harvest_s)
        return await self._log_in()

    async def _log_in(self, expires: float | None = None) -> Session:
        _, _, value = (await self._post("/login")).partition(";")[0].partition("=")
        session = made_session(self._origin, value=value)
        cookies = [msgspec.structs.replace(cookie, expires=expires) for cookie in session.cookies]
        assert cookies[0].name == COOKIE
        return session.with_cookies(cookies)

    async def _post(self, path: str) -> str:
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
            http.post(self._origin + path) as response,
        ):
            return response.headers.get("Set-Cookie", "")


if __name__ == "__main__":
    raise_file_limit()
    result = asyncio.run(_Expiry(msgspec.json.decode(sys.argv[1], type=Settings)).measure())
    sys.stdout.write(msgspec.json.encode(result).decode())
