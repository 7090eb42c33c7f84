"""A site gets each address as it was written: a cookie's path fits, a signature holds, no redirect goes in circles."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from aura_browser import Probe, Site, SiteClient, page_site
from aura_browser.assembly import assemble_transport
from aura_browser.relay import Relay
from aura_browser.session import Session
from tests.parts.servers import Server, serving
from tests.parts.sessions import make_cookie, make_session

OWN = "/user/me%40example.com"
SIGNED = f"{OWN}/file%3B1/it's?key=a%2Fb%40&sign=%5Bx%5D[1]|&part=50%"
TOKEN = "t0ken-of-the-test"


async def handle(request: web.BaseRequest) -> web.StreamResponse:
    """Lead to the site's own spelling; set a cookie for the folder, and let in who has it."""
    if not request.raw_path.startswith(f"{OWN}/"):
        return web.Response(status=302, headers={"Location": f"{OWN}/"})
    if request.headers.get("Cookie") == "sid=s3cret":
        return web.Response(text=f"welcome to {request.raw_path}")
    headers = {"Set-Cookie": f"sid=s3cret; Path={OWN}"}
    return web.Response(text="<h1>a page</h1>", content_type="text/html", headers=headers)


@asynccontextmanager
async def logged_in() -> AsyncIterator[tuple[Server, str, Session]]:
    async with serving(handle) as (server, origin):
        yield server, origin, make_session(origin, cookies=(make_cookie(value="s3cret", path=OWN),))


@pytest.mark.parametrize("path", [SIGNED, f"{OWN}/"])
async def test_a_request_arrives_as_it_was_written(path: str) -> None:
    async with (
        logged_in() as (_, origin, session),
        SiteClient(page_site(origin), session=session) as client,
        client.get(path) as response,
    ):
        assert await response.text() == f"welcome to {path}"


async def test_a_redirect_is_followed_and_a_probe_is_sent_as_it_was_written() -> None:
    async with logged_in() as (server, origin, session):
        site = Site(f"{origin}/", probe=Probe(f"{OWN}/"))
        async with SiteClient(site, session=session) as client, client.get("/user/me@example.com/") as response:
            assert await response.text() == f"welcome to {OWN}/"
        assert {request.raw_path for request in server.seen} == {"/user/me@example.com/", f"{OWN}/"}


async def test_the_proxy_passes_it_on_as_it_was_written() -> None:
    async with logged_in() as (_, origin, session), aiohttp.ClientSession() as http:
        site = page_site(origin)
        relay = Relay(site, *assemble_transport(site, store="memory", session=session), token=TOKEN, port=0)
        await relay.start()
        place = f"http://127.0.0.1:{relay.port}"
        raw = URL(f"{place}{SIGNED}", encoded=True)
        try:
            async with http.get(raw, headers={"X-Aura-Token": TOKEN}) as response:
                assert await response.text() == f"welcome to {SIGNED}"
            async with http.get(place, headers={"X-Aura-Token": TOKEN}, allow_redirects=False) as response:
                assert response.headers["Location"] == f"{place}{OWN}/"
        finally:
            await relay.stop()


@pytest.mark.chrome
@pytest.mark.usefixtures("shared_chrome")
async def test_the_cookies_of_such_a_page_are_harvested_and_sent() -> None:
    async with serving(handle) as (server, origin):
        async with SiteClient(page_site(f"{origin}{OWN}/"), store="memory") as client:
            async with client.get(SIGNED) as response:
                assert await response.text() == f"welcome to {SIGNED}"
            assert [cookie.path for cookie in (await client.session()).cookies] == [OWN]
        assert {request.raw_path for request in server.seen} <= {f"{OWN}/", SIGNED, "/favicon.ico"}
