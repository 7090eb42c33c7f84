"""Sites that redirect a browser from a bare host to ``www``: what is sent goes where the session is from."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from aura_browser import Probe, SessionMiddleware, Site, SiteClient
from aura_browser.assembly import assemble
from aura_browser.errors import SiteFailed
from aura_browser.http.outgoing import move_request
from aura_browser.http.pages import find_touched
from aura_browser.http.proof import prove
from aura_browser.http.refresh import refresh_session
from aura_browser.request import Request
from aura_browser.session import Session
from aura_browser.site.place import Template
from aura_browser.site.refresh_request import RefreshRequest
from aura_browser.site.tokens import Auth, Csrf
from tests.parts.moved_site import AFTER, BEFORE, SECRET, MovedSite, serving_moved
from tests.parts.servers import serving
from tests.parts.sessions import make_cookie, make_session

AUTH = Auth("X-Auth-Token", Template("{cookie.sid}"))


async def handle(request: web.BaseRequest) -> web.StreamResponse:
    if request.path == "/ws":
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(f"{request.headers['Origin']} {await socket.receive_str()}")
        return socket
    if request.cookies.get("sid") != SECRET:
        return web.Response(status=401)
    if request.path == "/form":
        return web.Response(text='<input name="sectok" value="abc">', content_type="text/html")
    if request.path == "/renew":
        return web.json_response({"ok": True}, headers={"Set-Cookie": "sid=new"})
    if request.path == "/back":
        return web.Response(status=307, headers={"Location": f"{BEFORE}/echo"})
    names = ("Origin", "Referer", "X-Auth-Token")
    told = {name: request.headers[name] for name in names if name in request.headers}
    return web.json_response({"method": request.method, "body": await request.text(), **told})


@pytest.fixture
async def moved() -> AsyncIterator[MovedSite]:
    async with serving_moved(handle) as moved:
        yield moved


def open_client(site: Site, session: Session) -> SiteClient:
    return SiteClient(site, session=session, proxy=session.proxy, refresh="never")


@pytest.mark.parametrize("url", ["/echo", f"{BEFORE}/echo", f"{AFTER}/echo"])
async def test_a_request_keeps_its_method_and_names_the_origin_of_its_page(url: str, moved: MovedSite) -> None:
    async with open_client(Site(f"{BEFORE}/", auth=AUTH), moved.make_session()) as client:
        headers = {"Origin": BEFORE, "Referer": f"{BEFORE}/form"}
        async with client.request("POST", url, data=b"a=1", headers=headers) as response:
            told = json.loads(await response.text())
            assert response.url == f"{AFTER}/echo"
    assert told == {
        "method": "POST",
        "body": "a=1",
        "Origin": AFTER,
        "Referer": f"{AFTER}/form",
        "X-Auth-Token": SECRET,
    }
    assert moved.asked == ["POST www.shop.test/echo"]


async def test_a_session_that_was_got_for_the_request_is_sent_where_it_is_from(moved: MovedSite) -> None:
    harvested: list[Session] = []

    async def harvest() -> Session:
        harvested.append(moved.make_session())
        return harvested[-1]

    site = Site(f"{BEFORE}/", probe=Probe("/echo"))
    client = SiteClient(site, store="memory", proxy=moved.proxy, harvest=harvest)
    async with client, client.request("POST", "/echo", data=b"a=1") as response:
        assert json.loads(await response.text())["body"] == "a=1"
    assert len(harvested) == 1
    assert set(moved.asked) == {"GET www.shop.test/echo", "POST www.shop.test/echo"}


async def test_a_redirect_back_does_not_lead_back(moved: MovedSite) -> None:
    """As behind a proxy that ends TLS, where an application names itself by http."""
    client = open_client(Site(f"{BEFORE}/"), moved.make_session())
    async with client, client.request("POST", "/back", data=b"a=1", allow_redirects=True) as response:
        assert json.loads(await response.text())["body"] == "a=1"
    assert "POST www.shop.test/echo" in moved.asked
    assert not [asked for asked in moved.asked if " shop.test/" in asked]


@pytest.mark.parametrize("facts", [{"auth": AUTH}, {"derive": lambda _session, _method: {"X-Auth-Token": SECRET}}])
async def test_no_token_goes_to_the_address_before(facts: dict[str, Any], moved: MovedSite) -> None:
    """A client of one's own may ask there, or be redirected there."""
    manager = assemble(
        Site(f"{BEFORE}/", **facts), session=moved.make_session(), proxy=moved.proxy, store="memory", refresh="never"
    )
    http = aiohttp.ClientSession(middlewares=(SessionMiddleware(manager),))
    async with http:
        for origin, tokens in ((BEFORE, []), (AFTER, [SECRET])):
            async with http.get(f"{origin}/echo", allow_redirects=False):
                assert moved.server.seen[-1].headers.getall("X-Auth-Token", []) == tokens
    await manager.aclose()


async def test_a_session_of_another_origin_that_is_listed_moves_nothing(moved: MovedSite) -> None:
    site = Site("http://api.shop.test/", origins=(AFTER,))
    cookie = make_cookie("sid", SECRET, domain="shop.test", host_only=False)
    client = open_client(site, moved.make_session(cookies=(cookie,)))
    async with client, client.request("POST", "/echo", data=b"a"):
        assert moved.asked == ["POST api.shop.test/echo"]


def test_only_the_sites_own_name_is_moved_in_headers(moved: MovedSite) -> None:
    headers = {"Origin": f"{BEFORE}.evil.test", "Referer": f"{BEFORE}.evil.test/x"}
    request = Request("GET", f"{BEFORE}/x", headers)
    placed, url = move_request(Site(f"{BEFORE}/"), moved.make_session(), request, URL(request.url))
    assert (dict(placed.headers), str(url)) == (headers, f"{AFTER}/x")


def test_what_a_kept_page_touches_is_where_the_site_is(moved: MovedSite) -> None:
    for path in ("/me", f"{BEFORE}/me"):
        site = Site(f"{BEFORE}/", probe=Probe(path))
        assert str(find_touched(site, moved.make_session())) == f"{AFTER}/me"


async def test_probe_and_refresh_request_go_there(moved: MovedSite) -> None:
    site = Site(f"{BEFORE}/", probe=Probe("/echo"), refresh_request=RefreshRequest("/renew", form={"a": "b"}))
    session = moved.make_session()
    assert (await prove(site, session)).proof == "distinguished"
    renewed = await refresh_session(site, session)
    assert [cookie.value for cookie in renewed.cookies] == ["new"]
    assert moved.asked == ["GET www.shop.test/echo", "GET www.shop.test/echo", "POST www.shop.test/renew"]
    assert moved.server.seen[-1].headers["Origin"] == AFTER


async def test_a_token_against_forgery_is_asked_for_there(moved: MovedSite) -> None:
    site = Site(f"{BEFORE}/", csrf=Csrf(field="sectok", get="/form", input="sectok"))
    client = open_client(site, moved.make_session())
    async with client, client.request("POST", "/echo", data={"a": "1"}) as response:
        told = json.loads(await response.text())
    assert (told["body"], told["Origin"], told["Referer"]) == ("a=1&sectok=abc", AFTER, f"{AFTER}/")
    assert moved.asked == ["GET www.shop.test/form", "POST www.shop.test/echo"]


async def test_a_web_socket_is_opened_there(moved: MovedSite) -> None:
    site = Site(f"{BEFORE}/", first_messages={"/ws": Template("{cookie.sid}")})
    async with open_client(site, moved.make_session()) as client, client.ws_connect("/ws") as socket:
        assert await socket.receive_str(timeout=10) == f"{AFTER} {SECRET}"
    assert moved.asked == ["GET www.shop.test/ws"]


async def test_a_client_of_ones_own_is_told_the_origin_of_the_page(moved: MovedSite) -> None:
    site = Site(f"{BEFORE}/", csrf=Csrf(header="X-Csrf", cookie="sid"))
    manager = assemble(site, session=moved.make_session(), proxy=moved.proxy, store="memory", refresh="never")
    http = aiohttp.ClientSession(middlewares=(SessionMiddleware(manager),))
    async with http, http.post(f"{AFTER}/echo", data=b"a") as response:
        told = await response.json()
    await manager.aclose()
    assert (told["Origin"], told["Referer"]) == (AFTER, f"{AFTER}/")


async def test_the_redirect_of_a_web_socket_is_not_followed() -> None:
    """The first message, which may be a token, would go to where it leads. Browsers don't follow it either."""
    heard: list[str] = []

    async def listen(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/ws":
            return web.Response(status=307, headers={"Location": "/other"})
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        heard.append(await socket.receive_str())
        return socket

    async with serving(listen) as (_, origin):
        site = Site(f"{origin}/", first_messages={"/ws": Template("{cookie.sid}")})
        async with SiteClient(site, session=make_session(origin), refresh="never") as client:
            with pytest.raises(SiteFailed, match="handshake was redirected"):
                async with client.ws_connect("/ws"):
                    pass
    assert heard == []
