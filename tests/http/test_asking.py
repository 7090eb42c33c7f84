"""How a probe is asked with aiohttp: how long, how much is read, and that nothing comes of one request in the next."""

from collections.abc import Awaitable, Callable

import aiohttp
import msgspec
import pytest
from aiohttp import web

from aura_browser.errors import AnswerTimeout, ConnectionFailed
from aura_browser.http.asking import HttpAsker, open_client, open_http_asker
from aura_browser.http.proof import ask_as_stranger, ask_with, prove
from aura_browser.http.refresh import refresh_session
from aura_browser.session import Session
from aura_browser.site import Probe, Site, page_site
from aura_browser.site.refresh_request import RefreshRequest
from tests.parts.servers import serving
from tests.parts.sessions import make_cookie, make_session

PLAIN, NAMING = Probe("/me"), Probe("/me", identity="json:user")
Ask = Callable[[Site, Session], Awaitable[object]]


async def test_a_client_for_probes_waits_only_so_long_and_keeps_no_cookie() -> None:
    async with open_client(make_session(), 7.0) as http:
        assert http.timeout == aiohttp.ClientTimeout(total=28.0, sock_connect=30.0, sock_read=7.0)
        assert isinstance(http.cookie_jar, aiohttp.DummyCookieJar)


@pytest.mark.parametrize(
    "ask",
    [
        prove,
        refresh_session,
        lambda site, session: ask_with(site, PLAIN, session),
        lambda site, _session: ask_as_stranger(site, PLAIN),
    ],
)
async def test_silence_ends_a_probe_after_half_a_minute(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    async def be_silent(self: aiohttp.ClientSession, *_args: object, **_options: object) -> None:
        assert self.timeout.sock_read == 30.0
        raise TimeoutError

    monkeypatch.setattr(aiohttp.ClientSession, "_request", be_silent)
    site = Site("http://127.0.0.1:9/", probe=PLAIN, refresh_request=RefreshRequest("/t"))
    with pytest.raises(AnswerTimeout) as caught:
        await ask(site, make_session("http://127.0.0.1:9"))
    assert caught.value.read_timeout_s == 30.0


@pytest.mark.parametrize(
    ("probe", "reads_all", "size"), [(PLAIN, False, 256 * 1024), (PLAIN, True, 4 * 2**20), (NAMING, False, 4 * 2**20)]
)
async def test_an_answer_is_read_as_far_as_it_is_needed(probe: Probe, size: int, *, reads_all: bool) -> None:
    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=bytes(5 * 2**20))

    async with serving(answer) as (_, origin):
        session = make_session(origin)
        async with open_http_asker(page_site(origin), session) as asker:
            assert len((await asker.ask(probe, session, reads_all=reads_all)).body) == size


async def test_a_login_form_is_found_after_all_the_styles_of_its_page() -> None:
    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        style = f"<style>{'p {}' * 50_000}</style>"
        return web.Response(text=f"{style}<form><input type=password></form>", content_type="text/html")

    async with serving(answer) as (_, origin):
        answered = await ask_with(page_site(origin), PLAIN, make_session(origin))
    assert answered.ruling.mark == "status 200 with a page with a password field"


async def test_a_request_without_a_body_says_nothing_of_one() -> None:
    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    async with serving(answer) as (server, origin):
        await ask_with(page_site(origin), PLAIN, make_session(origin))
        await ask_with(page_site(origin), Probe("/me", "POST", body=b"a=1"), make_session(origin))
    assert not {"Content-Type", "Content-Length", "Transfer-Encoding"} & set(server.seen[0].headers)
    assert server.bodies == [b"", b"a=1"]


async def test_a_stranger_has_no_cookie_of_an_answer_before() -> None:
    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=302, headers={"Set-Cookie": "sid=new", "Location": "/other"})

    async with serving(answer) as (server, address):
        origin = address.replace("127.0.0.1", "localhost")  # of an address, a jar keeps nothing anyway
        session = make_session(origin, cookies=(make_cookie(value="mine", domain="localhost"),))
        async with open_http_asker(page_site(origin), session) as asker:
            for each in (session, None):
                answered = await asker.ask(PLAIN, each)
                assert (answered.status, answered.set_cookies) == (302, ("sid=new",))
    assert [(seen.path, seen.headers.get("Cookie")) for seen in server.seen] == [("/me", "sid=mine"), ("/me", None)]


async def test_a_proxy_that_wants_a_password_is_told_from_the_site() -> None:
    async def refuse(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=407)

    async with serving(refuse) as (_, proxy):
        session = make_session("http://a.invalid", proxy=proxy)
        with pytest.raises(ConnectionFailed, match=r"the proxy refused the user and password.*\(407\)"):
            await ask_with(page_site("http://a.invalid"), PLAIN, session)


async def test_a_cookie_that_is_over_is_not_sent() -> None:
    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    async with serving(answer) as (server, origin):
        session = make_session(origin, cookies=(make_cookie(value="mine", expires=100.0),))
        async with open_client(session, 5.0) as http:
            for now in (99.0, 100.0):
                await HttpAsker(page_site(origin), session, http, 5.0, lambda now=now: now).ask(PLAIN, session)  # type: ignore[misc]
    assert ["Cookie" in seen.headers for seen in server.seen] == [True, False]


async def test_a_stranger_shows_only_that_it_is_this_program() -> None:
    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    async with serving(answer) as (server, proxy):
        site, session = page_site("http://a.invalid"), make_session("http://a.invalid", proxy=proxy)
        own = msgspec.structs.replace(session, cookies=(make_cookie(value="mine", domain="a.invalid"),))
        await ask_with(site, PLAIN, own)
        await ask_with(site, PLAIN, own, as_stranger=True)
        assert (await ask_as_stranger(site, PLAIN, proxy=proxy)).status == 200
    sent = [(seen.headers.get("Cookie"), seen.headers["User-Agent"].partition("/")[0]) for seen in server.seen]
    assert sent == [("sid=mine", "Chrome"), (None, "Chrome"), (None, "aura-browser")]
