"""What a page carries besides a caller's requests: refresh requests, their proofs, token pages, and moved sites."""

import asyncio
import json
import time
from contextlib import aclosing
from pathlib import Path

import pytest
from aiohttp import web

from aura_browser import FileStore, MemoryStore, Probe, Session, SessionKey, Site, SiteClient
from aura_browser.assembly import assemble
from aura_browser.carriers import prove_once
from aura_browser.errors import HarvestCoolingDown, SessionRefused
from aura_browser.http.page_opening import PageOpener
from aura_browser.site import TransportName
from aura_browser.site.refresh_request import RefreshRequest
from aura_browser.site.tokens import Csrf
from aura_browser.webdriver.fetching.held_page import HeldPage
from tests.parts.command import run_here
from tests.parts.missing import need_program
from tests.parts.moved_site import AFTER, BEFORE, serving_moved
from tests.parts.servers import serving, serving_in_thread
from tests.parts.sessions import make_cookie, make_session

pytestmark = [pytest.mark.chrome, pytest.mark.usefixtures("shared_pages")]


class BrowsersOnly:
    """A site that answers browsers only, as their connection shows them: aiohttp does not name zstd.

    Attributes:
        value: the cookie of a member.
        renewed: how often it was renewed.
        by_others: what others asked for.
    """

    def __init__(self) -> None:
        self.value = "v1"
        self.renewed = 0
        self.by_others: list[str] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if "zstd" not in request.headers.get("Accept-Encoding", ""):
            self.by_others.append(request.path)
            return web.Response(status=403, text="no browser")
        if request.path == "/":
            return web.Response(text="<!doctype html>Welcome", content_type="text/html")
        if request.path == "/renew":
            self.renewed += 1
            self.value = f"v{self.renewed + 1}"
            filling = "x" * 100_000  # the answer is longer than the part of a page in which marks are looked for
            return web.json_response(
                {"a": "2", "filling": filling}, headers={"Set-Cookie": f"sid={self.value}; HttpOnly"}
            )
        is_member = f"sid={self.value}" in request.headers.get("Cookie", "").split("; ")
        return web.Response(status=200 if is_member else 401, text="welcome" if is_member else "who?")

    def define(self, origin: str, transport: TransportName) -> Site:
        return Site(
            f"{origin}/",
            probe=Probe("/me"),
            refresh_request=RefreshRequest("/renew", form={"a": "b"}, into="tokens"),
            transport=transport,
        )


async def open_nothing() -> Session:
    raise AssertionError("a browser was opened for a harvest")


async def text_of(client: SiteClient, method: str, path: str, **options: object) -> str:
    async with client.request(method, path, **options) as response:  # type: ignore[arg-type]
        return await response.text()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """Return the sessions that browsers were opened for, in order."""
    sessions, open_page = [], PageOpener.open

    async def open_and_count(self: PageOpener, session: Session) -> HeldPage:
        sessions.append(session)
        return await open_page(self, session)

    monkeypatch.setattr(PageOpener, "open", open_and_count)
    return sessions


async def test_a_page_carries_the_refresh_request_and_its_proof(opened: list[Session]) -> None:
    browsers_only = BrowsersOnly()
    async with serving(browsers_only.handle) as (_, origin):
        session = make_session(origin, cookies=(make_cookie("sid", "old"),), proof="distinguished")
        async with SiteClient(
            browsers_only.define(origin, "page"), session=session, harvest=open_nothing, store="memory"
        ) as client:
            assert await text_of(client, "GET", "/x") == "welcome"
            assert client.counters.refreshes == 1
            renewed = await client.session()
        assert ([cookie.value for cookie in renewed.cookies], renewed.proof) == (["v2"], "distinguished")
        assert json.loads(renewed.local_storage["tokens"])["a"] == "2"
        assert browsers_only.by_others == []
        assert len(opened) == 1


async def test_auto_sends_the_refresh_request_by_what_it_uses(opened: list[Session]) -> None:
    browsers_only, store = BrowsersOnly(), MemoryStore()
    async with serving(browsers_only.handle) as (_, origin):

        async def harvest() -> Session:
            cookies = (make_cookie("sid", browsers_only.value),)
            return make_session(origin, cookies=cookies, harvested_at=float(len(browsers_only.by_others)))

        site = browsers_only.define(origin, "auto")
        async with SiteClient(site, harvest=harvest, store=store) as client:
            assert await text_of(client, "GET", "/x") == "welcome"
            so_far = list(browsers_only.by_others)
            browsers_only.value = "other"
            assert await text_of(client, "GET", "/x") == "welcome"
            assert (client.counters.harvests, client.counters.refreshes) == (1, 1)
        assert len(opened) == 1
        browsers_only.value = "other"
        async with aclosing(assemble(site, harvest=harvest, store=store)) as manager:  # what the site wants is stored
            assert (await manager.renew(await manager.get())).cookies[0].value == "v3"
            assert manager.counters.refreshes == 1
        assert browsers_only.by_others == so_far != []


async def test_auto_that_uses_aiohttp_opens_no_browser_for_it(opened: list[Session]) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/renew":
            return web.Response(headers={"Set-Cookie": "sid=v2"})
        return web.Response(status=200 if "sid=v2" in request.headers.get("Cookie", "") else 401)

    async with serving(handle) as (_, origin):
        site = Site(f"{origin}/", probe=Probe("/me"), refresh_request=RefreshRequest("/renew"), transport="auto")
        async with SiteClient(site, session=make_session(origin), harvest=open_nothing) as client:
            assert await text_of(client, "GET", "/x") == ""
            assert client.counters.refreshes == 1
    assert opened == []


@pytest.mark.parametrize("transport", ["http", "page"])
async def test_a_token_is_found_at_the_beginning_of_a_page_of_any_length(transport: TransportName) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/form":
            page = f'<input name="sectok" value="abc">{" " * 2**21}'
            return web.Response(text=page, content_type="text/html")
        return web.Response(text=await request.text() or "<!doctype html>Welcome", content_type="text/html")

    async with serving(handle) as (_, origin):
        site = Site(f"{origin}/", csrf=Csrf(field="sectok", get="/form", input="sectok"))
        session = make_session(origin)
        async with SiteClient(site, session=session, refresh="never", transport=transport) as client:
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            assert await text_of(client, "POST", "/save", data=b"a=1", headers=form) == "a=1&sectok=abc"


@pytest.mark.parametrize("transport", ["http", "page"])
async def test_a_token_goes_into_its_header_unless_it_would_add_another(transport: TransportName) -> None:
    shown = '<meta name="csrf" content="abc">'

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "GET":
            return web.Response(text=shown, content_type="text/html")
        return web.Response(text=request.headers.get("X-CSRF", "none"))

    async with serving(handle) as (server, origin):
        site = Site(f"{origin}/", csrf=Csrf(header="X-CSRF", get="/form", meta="csrf"))
        async with SiteClient(site, session=make_session(origin), refresh="never", transport=transport) as client:
            assert await text_of(client, "POST", "/save") == "abc"
            shown = '<meta name="csrf" content="abc&#13;&#10;X-Added: 1">'
            assert await text_of(client, "POST", "/save") == "none"
            shown = "no token here"
            assert await text_of(client, "POST", "/save") == "none"
            assert await text_of(client, "GET", "/list") == shown
        assert not [request for request in server.seen if "X-Added" in request.headers]
        assert [request.path for request in server.seen].count("/form") == 3


@pytest.mark.parametrize("transport", ["http", "page"])
async def test_a_field_goes_into_forms_only(transport: TransportName) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "GET":
            return web.Response(text='<input name="sectok" value="abc">', content_type="text/html")
        return web.Response(text=f"{request.content_type}: {await request.text()}")

    async with serving(handle) as (_, origin):
        site = Site(f"{origin}/", csrf=Csrf(field="sectok", get="/form", input="sectok"))
        async with SiteClient(site, session=make_session(origin), refresh="never", transport=transport) as client:
            form = "application/x-www-form-urlencoded"
            assert await text_of(client, "POST", "/save") == f"{form}: sectok=abc"
            assert await text_of(client, "POST", "/save", data={"a": "1"}) == f"{form}: a=1&sectok=abc"
            assert await text_of(client, "POST", "/save", json={"a": 1}) == 'application/json: {"a": 1}'


async def test_a_session_that_is_refused_at_once_by_a_page_too_is_given_up(opened: list[Session]) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=401 if request.path == "/x" else 200, text="hello")

    harvests = 0
    async with serving(handle) as (server, origin):

        async def harvest() -> Session:
            nonlocal harvests
            harvests += 1
            return make_session(origin, harvested_at=time.time())

        async with SiteClient(f"{origin}/", harvest=harvest, store="memory", transport="page") as client:
            with pytest.raises(SessionRefused, match="may bind its session to the browser's address") as caught:
                await text_of(client, "GET", "/x?token=s3cret")
            assert (caught.value.status, caught.value.mark) == (401, "status 401")
            assert f"aura-browser harvest {origin}/ --interactive" in str(caught.value)
            assert "s3cret" not in str(caught.value)
            assert [request.path for request in server.seen].count("/x") == 1
            for _ in range(3):
                with pytest.raises(HarvestCoolingDown, match="refused the session that it had just given"):
                    await text_of(client, "GET", "/x")
        assert (harvests, len(opened)) == (1, 1)


async def test_a_page_of_a_site_that_moved_sends_where_it_is() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path in {"/", "/form"}:
            return web.Response(text='<input name="sectok" value="abc">', content_type="text/html")
        told = {"method": request.method, "body": await request.text(), "origin": request.headers.get("Origin")}
        return web.json_response(told, headers={"Set-Cookie": "sid=new; HttpOnly"})

    async with serving_moved(handle) as moved:
        session = moved.make_session()
        options = {"session": session, "proxy": moved.proxy, "refresh": "never", "transport": "page"}
        site = Site(f"{BEFORE}/", csrf=Csrf(field="sectok", get="/form", input="sectok"))
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        async with SiteClient(site, **options) as client:  # type: ignore[arg-type]
            async with client.request("POST", f"{BEFORE}/save", data=b"a=1", headers=form) as response:
                told = {"method": "POST", "body": "a=1&sectok=abc", "origin": AFTER}
                assert json.loads(await response.text()) == told
                assert response.url == f"{AFTER}/save"
            kept = [(cookie.name, cookie.value, cookie.domain) for cookie in (await client.session()).cookies]
        assert kept == [("sid", "new", "www.shop.test")]
        assert "POST www.shop.test/save" in moved.asked
        assert not [asked for asked in moved.asked if " shop.test/" in asked]


async def test_a_session_is_proven_once_by_a_page_where_the_site_says_so() -> None:
    browsers_only = BrowsersOnly()
    async with serving(browsers_only.handle) as (_, origin):
        session = make_session(origin, cookies=(make_cookie("sid", "v1"),))
        assert (await prove_once(browsers_only.define(origin, "page"), session)).proof == "distinguished"
        with pytest.raises(SessionRefused):
            await prove_once(browsers_only.define(origin, "http"), session)


@pytest.mark.usefixtures("shared_chrome")
def test_commands_prove_by_a_page_where_the_site_says_so(tmp_path: Path, state_home: Path) -> None:
    need_program("curl")
    folder = tmp_path / "config" / "aura-browser"
    folder.mkdir(parents=True)
    store, browsers_only = FileStore(state_home / "aura-browser" / "sessions"), BrowsersOnly()
    with serving_in_thread(browsers_only.handle) as (_, origin):
        definition = f'[strict]\nurl = "{origin}/"\ntransport = "page"\nprobe = {{ get = "/me" }}\n'
        (folder / "sites.toml").write_text(definition, "utf-8")
        file = tmp_path / "session.json"
        file.write_text(make_session(origin, cookies=(make_cookie("sid", "v1"),), harvested_at=1e9).to_json())
        imported = run_here("sessions", "import", str(file))
        assert imported.returncode == 0, imported.stderr
        checked = run_here("open", str(file), "--check")
        assert "accepted: it answers otherwise without the session" in checked.stdout, checked.stderr
        rotate = ("curl", "-s", "-H", "Accept-Encoding: zstd", "-b", "{cookies}", "-c", "{cookies}", f"{origin}/renew")
        executed = run_here("exec", "strict", "--", *rotate)
        assert (executed.returncode, "not kept" in executed.stderr) == (0, False), executed.stderr
        kept = asyncio.run(store.load(SessionKey(origin)))
        assert kept is not None
        assert [cookie.value for cookie in kept.cookies] == ["v2"]
