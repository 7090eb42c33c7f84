"""Two gateways that share one store: one session, one harvest, and no failure while the store is away."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from aura_browser.gateway.server import Gateway
from aura_browser.playground import Playground
from tests.parts.gateways import gateway_to, question
from tests.parts.harvests import Harvests
from tests.parts.redis_server import RedisServer

PAUSES = [2.0, pytest.param(10.0, marks=pytest.mark.soak)]


async def ask(gateway: Gateway, http: aiohttp.ClientSession) -> int:
    async with http.post(f"{gateway.base_url}/chat/completions", json=question("hi")) as response:
        await response.read()
        return response.status


async def test_a_hundred_first_requests_make_one_harvest(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as redis:
        async with Playground("login-401") as site, aiohttp.ClientSession() as http:
            harvests = Harvests(site)
            options = {"session": "default", "store": redis.url, "harvest": harvests}
            settings = {"upstream_concurrency": 50}
            async with gateway_to(site, options, **settings) as one, gateway_to(site, options, **settings) as other:
                for round_number in (1, 2):
                    statuses = await asyncio.gather(*(ask(each, http) for each in (one, other) for _ in range(30)))
                    assert statuses == [200] * 60
                    assert harvests.count == round_number
                    site.revoke_all()


@pytest.mark.slow
@pytest.mark.parametrize("pause_s", PAUSES)
async def test_no_request_fails_while_redis_is_away(tmp_path: Path, pause_s: float) -> None:
    with RedisServer(tmp_path) as redis:
        async with Playground("login-401") as site, aiohttp.ClientSession() as http:
            harvests = Harvests(site)
            options = {"session": "default", "store": redis.url, "harvest": harvests}
            async with gateway_to(site, options) as one, gateway_to(site, options) as other:
                assert [await ask(each, http) for each in (one, other)] == [200, 200]
                redis.pause()
                end = asyncio.get_running_loop().time() + pause_s
                seen: list[int] = []

                async def keep_asking(gateway: Gateway) -> None:
                    while asyncio.get_running_loop().time() < end:
                        seen.append(await ask(gateway, http))

                await asyncio.gather(*(keep_asking(each) for each in (one, other) for _ in range(4)))
                redis.resume()
        assert set(seen) == {200}
        assert len(seen) > 5 * pause_s  # hundreds a second on a machine that does nothing else
        assert harvests.count == 1
