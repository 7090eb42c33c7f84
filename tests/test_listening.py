"""The end of what listens: each of our servers closes a connection that it accepted a moment before."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import pytest
from aiohttp import web

from aura_browser.assembly import assemble_transport
from aura_browser.doctor.page import serve_page
from aura_browser.listening import close_runner
from aura_browser.playground import Playground
from aura_browser.relay.server import Relay
from aura_browser.site import Site
from aura_browser.webdriver.proxy_relay import open_browser_proxy
from tests.parts.gateways import gateway_to
from tests.parts.sessions import make_session

NOWHERE = "http://127.0.0.1:9"


@asynccontextmanager
async def plain() -> AsyncIterator[int]:
    async def answer(_request: web.BaseRequest) -> web.Response:
        return web.Response()

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await close_runner(runner)


@asynccontextmanager
async def doctors_page() -> AsyncIterator[int]:
    async with serve_page() as local:
        yield int(local.url.rstrip("/").rpartition(":")[2])


@asynccontextmanager
async def playground() -> AsyncIterator[int]:
    async with Playground() as server:
        yield int(server.origin.rpartition(":")[2])


@asynccontextmanager
async def gateway() -> AsyncIterator[int]:
    async with gateway_to(NOWHERE) as server:
        yield server.port


@asynccontextmanager
async def relay() -> AsyncIterator[int]:
    session = make_session(NOWHERE)
    transport, manager = assemble_transport(Site(f"{NOWHERE}/"), store="memory", session=session, refresh="never")
    server = Relay(manager.site, transport, manager, token="s3cret", port=0)
    await server.start()
    yield server.port
    await server.stop()


@asynccontextmanager
async def proxy_relay() -> AsyncIterator[int]:
    async with open_browser_proxy("http://me:s3cret@127.0.0.1:9", f"{NOWHERE}/") as address:
        yield int(str(address).rpartition(":")[2])


@pytest.mark.parametrize("turns", range(5))
@pytest.mark.parametrize("opened", [plain, doctors_page, playground, gateway, relay, proxy_relay])
async def test_a_connection_that_was_just_accepted_is_closed(
    opened: Callable[[], AbstractAsyncContextManager[int]], turns: int
) -> None:
    """Asyncio accepts it in one of the loop's first turns, and makes its transport in the next one."""
    async with opened() as port:
        client = socket.create_connection(("127.0.0.1", port))
        for _ in range(turns):
            await asyncio.sleep(0)
    client.settimeout(0)
    with client, suppress(ConnectionResetError):  # if it was not accepted yet
        async with asyncio.timeout(5):
            assert await asyncio.get_running_loop().sock_recv(client, 1) == b""
