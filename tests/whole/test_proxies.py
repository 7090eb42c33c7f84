"""Browser and client through real proxies, the same for both, and the password nowhere to be seen."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from traceback import format_exception

import psutil
import pytest

from aura_browser import AuraClient, harvest, openchat_site, page_site
from aura_browser.errors import ConnectionFailed, PageFailed
from aura_browser.http.proof import prove
from aura_browser.playground import Playground
from aura_browser.proxy.address import PROXY_REFUSED, PROXY_UNREACHABLE
from aura_browser.site import TransportName
from tests.parts.proxy_servers import Microsocks, ProxyServer, Tinyproxy
from tests.parts.sessions import make_session

pytestmark = pytest.mark.chrome


@pytest.fixture(params=[Tinyproxy, pytest.param(Microsocks, marks=pytest.mark.soak)])
def proxy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ProxyServer]:
    """Run a proxy that asks for user and password."""
    with request.param(tmp_path, user="me", password="s3cret") as running:
        yield running


def command_lines(but: int) -> set[str]:
    """Return those of all processes below this one; without the process *but*."""
    lines = set()
    for child in psutil.Process().children(recursive=True):
        try:
            lines.add(" ".join(child.cmdline()) if child.pid != but else "")
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return lines


@asynccontextmanager
async def watched_command_lines(but: int) -> AsyncIterator[set[str]]:
    """Collect the command lines of all processes that there are below this one meanwhile."""
    seen: set[str] = set()

    async def watch() -> None:
        while True:
            seen.update(await asyncio.to_thread(command_lines, but))
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        watching.cancel()
        await asyncio.wait([watching])


@pytest.mark.parametrize("proxy", [Tinyproxy, Microsocks], indirect=True)
async def test_browser_and_client_go_through_a_proxy_with_a_password(
    proxy: ProxyServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with Playground() as site, watched_command_lines(proxy.pid) as lines:
        place = site.origin.removeprefix("http://")
        session = await harvest(openchat_site(site.origin), proxy=proxy.url)
        assert session.proxy == proxy.url
        by_browser = len(proxy.targets())
        assert by_browser
        async with AuraClient(site.origin, store="memory", session=session, refresh="never") as client:
            assert await client.complete("hello") == "hello"
        assert len(proxy.targets()) > by_browser
        assert any(place.startswith(target.strip('"')) for target in proxy.targets())
    assert any("--proxy-server=" in line for line in lines)
    assert "s3cret" not in "\n".join(lines)
    assert "s3cret" not in caplog.text + repr(session)


@pytest.mark.parametrize("transport", ["http", "page"])
async def test_all_of_a_client_works_through_it(proxy: ProxyServer, transport: TransportName) -> None:
    async with (
        Playground("check-503", check_delay=0.1) as site,
        AuraClient(site.origin, store="memory", proxy=proxy.url, transport=transport) as client,
    ):
        assert await client.complete("hello") == "hello"


async def test_a_wrong_password_is_named_on_both_sides(proxy: ProxyServer, caplog: pytest.LogCaptureFixture) -> None:
    wrong = proxy.url_with("me", "s3cret2")
    async with Playground() as site:
        with pytest.raises(PageFailed, match=PROXY_REFUSED) as browsers:
            async with asyncio.timeout(30):
                await harvest(openchat_site(site.origin), proxy=wrong)
        with pytest.raises(ConnectionFailed, match=PROXY_REFUSED) as clients:
            await prove(openchat_site(site.origin), make_session(site.origin, proxy=wrong))
        assert site.requests == []
    for error in (browsers.value, clients.value):
        assert "s3cret" not in f"{error!r} {''.join(format_exception(error))}"
    assert "s3cret" not in caplog.text


async def test_a_proxy_that_is_away_is_named_on_both_sides(proxy: ProxyServer) -> None:
    proxy.kill()
    async with Playground() as site:
        with pytest.raises(PageFailed, match=PROXY_UNREACHABLE):
            async with asyncio.timeout(30):
                await harvest(page_site(site.origin), proxy=proxy.url)
        with pytest.raises(ConnectionFailed, match=PROXY_UNREACHABLE):
            await prove(page_site(site.origin), make_session(site.origin, proxy=proxy.url))


async def test_what_is_for_https_goes_through_a_tunnel(proxy: ProxyServer) -> None:
    async with Playground() as site:
        # It speaks no TLS, which is seen only at the other end of the tunnel.
        with pytest.raises(PageFailed):
            await harvest(page_site(site.origin.replace("http:", "https:")), proxy=proxy.url)
    assert proxy.targets()


@pytest.mark.parametrize("password", [pytest.param("", marks=pytest.mark.soak), "s3cret"])
async def test_a_socks_proxy_resolves_names_for_the_browser(password: str, tmp_path: Path) -> None:
    with Microsocks(tmp_path, user=password and "me", password=password) as proxy:
        async with Playground() as site:
            origin = site.origin.replace("127.0.0.1", "localhost")
            await harvest(page_site(origin), proxy=proxy.url)
        assert origin.removeprefix("http://") in proxy.targets()
