"""The aiohttp middleware, between a real aiohttp client and real servers."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from email.utils import formatdate

import aiohttp
import msgspec
import pytest
from aiohttp import web

from aura_browser.assembly import assemble
from aura_browser.client import SiteClient
from aura_browser.errors import ConnectionFailed, HarvestCoolingDown, SessionRefused, SiteFailed
from aura_browser.http.body import peek
from aura_browser.http.middleware import SessionMiddleware
from aura_browser.keeping.doubt import Prove
from aura_browser.keeping.manager import SessionManager
from aura_browser.session import Session
from aura_browser.site import Probe, Site, page_site
from aura_browser.store import MemoryStore, SessionKey
from tests.parts.clock import Clock
from tests.parts.servers import Handler, serving
from tests.parts.sessions import make_cookie, make_session, take_as_it_is
from tests.parts.stream_server import stream_server


def of_value(value: str, status: int = 401, body: bytes = b"") -> Handler:
    """Let in only who shows this value of the cookie, byte for byte."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Cookie") == f"sid={value}":
            return web.Response(text="welcome")
        return web.Response(status=status, body=body, headers={"Set-Cookie": "sid=empty; Path=/"})

    return handle


class Client:
    """An aiohttp client with the middleware, and the manager behind it."""

    def __init__(self, http: aiohttp.ClientSession, manager: SessionManager) -> None:
        self.http = http
        self.manager = manager
        self.harvests = 0

    async def text(self, url: str, method: str = "GET", **options: object) -> str:
        async with self.http.request(method, url, **options) as response:  # type: ignore[arg-type]
            return await response.text()


@asynccontextmanager
async def client_at(
    origin: str, *, limit: int = 100, api_paths: tuple[str, ...] = (), prove: Prove = take_as_it_is
) -> AsyncIterator[Client]:
    """Open a client whose nth harvest gives the cookie ``sid=vn``."""

    async def harvest() -> Session:
        client.harvests += 1
        cookie = make_cookie(value=f"v{client.harvests}")
        return make_session(origin, cookies=(cookie,), harvested_at=time.time())

    site = Site(f"{origin}/", api_paths=api_paths)
    manager = SessionManager(site, MemoryStore(), SessionKey(origin), harvest=harvest, prove=prove)
    async with AsyncExitStack() as exits:
        exits.push_async_callback(manager.aclose)
        http = aiohttp.ClientSession(
            middlewares=(SessionMiddleware(manager),), connector=aiohttp.TCPConnector(limit=limit)
        )
        await exits.enter_async_context(http)
        client = Client(http, manager)
        yield client


def refusing(*values: str) -> Prove:
    """Return a proof that finds the sessions with these values of the cookie refused, and all others good."""

    async def prove(session: Session) -> Session:
        if session.cookies[0].value in values:
            raise SessionRefused(session.origin, 401, "status 401", "")
        return msgspec.structs.replace(session, proof="distinguished", is_login=False)

    return prove


async def test_the_callers_own_headers_win_over_the_sessions() -> None:
    async with serving(of_value("v1")) as (server, origin), client_at(origin) as client:
        mine = {"user-agent": "mine", "Accept-Language": "fr"}
        assert await client.text(f"{origin}/x", headers=mine) == "welcome"
        server._handler = of_value("v2")
        assert await client.text(f"{origin}/y", headers=mine) == "welcome"
        assert client.harvests == 2
    for request in server.seen:
        assert (request.headers["User-Agent"], request.headers["Accept-Language"]) == ("mine", "fr")
        assert request.headers["sec-ch-ua"] == '"Chromium";v="1"'


@pytest.mark.parametrize("is_stated", [False, True])
async def test_a_password_goes_to_the_origin_that_asked_for_it_only(is_stated: bool) -> None:  # noqa: FBT001
    password = {"Authorization": "Basic czNjcmV0"}
    async with serving(of_value("v1")) as (first, origin), serving(of_value("v1")) as (second, other):

        async def harvest() -> Session:
            headers = {"User-Agent": "x", **({} if is_stated else password)}
            return make_session(origin, cookies=(make_cookie(value="v1"),), headers=headers, harvested_at=time.time())

        site = Site(f"{origin}/", origins=(other,), stated_headers=password if is_stated else {})
        manager = SessionManager(site, MemoryStore(), SessionKey(origin), harvest=harvest, prove=take_as_it_is)
        async with aiohttp.ClientSession(middlewares=(SessionMiddleware(manager),)) as http:
            for address in (f"{origin}/x", f"{other}/x"):
                async with http.get(address) as response:
                    assert response.status == 200
        await manager.aclose()
    assert first.seen[0].headers["Authorization"] == "Basic czNjcmV0"
    assert "Authorization" not in second.seen[0].headers


async def test_the_sites_requests_go_out_as_the_browsers() -> None:
    async with serving(of_value("v1")) as (server, origin), client_at(origin) as client:
        assert await client.text(f"{origin}/x") == "welcome"
        [request] = server.seen
        assert request.headers["User-Agent"] == "Chrome/1 test"
        assert request.headers["Accept-Language"] == "de,en;q=0.9"
        assert request.headers["sec-ch-ua"] == '"Chromium";v="1"'


async def test_other_origins_get_nothing_of_the_session() -> None:
    async def anyone(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="hi")

    async with (
        serving(anyone) as (_home, origin),
        serving(anyone) as (other, elsewhere),
        client_at(origin) as client,
    ):
        await client.text(f"{origin}/")
        await client.text(f"{elsewhere}/")
        assert "Cookie" not in other.seen[0].headers
        assert "sec-ch-ua" not in other.seen[0].headers
        assert "Chrome" not in other.seen[0].headers["User-Agent"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_hop_to_another_origin_gets_nothing_of_the_session(status: int) -> None:
    async def anyone(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="hi")

    async def away(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": f"{elsewhere}/"})

    async with (
        serving(anyone) as (other, elsewhere),
        serving(away) as (_home, origin),
        client_at(origin) as client,
    ):
        await client.text(f"{origin}/")
        assert "Cookie" not in other.seen[0].headers
        assert "sec-ch-ua" not in other.seen[0].headers


async def test_a_refused_request_is_renewed_and_sent_once_more() -> None:
    async with serving(of_value("v2")) as (server, origin), client_at(origin) as client:
        await client.manager.get()
        assert await client.text(f"{origin}/x", "POST", data=b"body") == "welcome"
        assert client.harvests == 2
        assert server.bodies == [b"body", b"body"]
        assert len(server.seen) == 2


async def test_a_large_refusal_does_not_hold_the_only_connection() -> None:
    refusal = b"<form>" + b"x" * 1_000_000
    async with AsyncExitStack() as exits:
        _server, origin = await exits.enter_async_context(serving(of_value("v2", 403, refusal)))
        client = await exits.enter_async_context(client_at(origin, limit=1, prove=refusing("v0")))
        await client.manager.get()
        client.manager._doubt._prove = refusing("v1", "empty")
        async with asyncio.timeout(10):
            assert await client.text(f"{origin}/x") == "welcome"


async def test_a_second_refusal_is_an_error_that_says_what_differed_and_what_to_do() -> None:
    async with serving(of_value("never")) as (server, origin), client_at(origin) as client:
        await client.manager.get()
        with pytest.raises(SessionRefused) as caught:
            await client.text(f"{origin}/x?token=s3cret")
        assert caught.value.status == 401
        assert caught.value.mark == "status 401"
        assert f"aura-browser harvest {origin}/ --interactive" in str(caught.value)
        assert "s3cret" not in str(caught.value)
        assert (client.harvests, len(server.seen)) == (2, 2)


async def test_the_empty_session_that_a_refusal_sets_is_never_kept() -> None:
    async with serving(of_value("v2")) as (_server, origin), client_at(origin) as client:
        await client.manager.get()
        await client.text(f"{origin}/x")
        assert [c.value for c in (await client.manager.get()).cookies] == ["v2"]


async def test_a_session_that_is_refused_at_once_is_given_up_and_opens_no_second_browser() -> None:
    async with serving(of_value("never")) as (server, origin), client_at(origin) as client:
        with pytest.raises(SessionRefused, match="status 401"):
            await client.text(f"{origin}/x")
        assert (client.harvests, len(server.seen)) == (1, 1)
        for _ in range(3):
            with pytest.raises(HarvestCoolingDown, match="refused the session that it had just given"):
                await client.text(f"{origin}/x")
        assert client.harvests == 1


async def test_a_forbidden_path_beside_good_ones_is_the_callers() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=403 if request.path == "/admin" else 200, text=request.path)

    async with serving(handle) as (server, origin), client_at(origin, prove=refusing()) as client:
        for _ in range(5):
            assert await client.text(f"{origin}/ok") == "/ok"
            assert await client.text(f"{origin}/admin") == "/admin"
        assert (client.harvests, len(server.seen)) == (1, 10)
        assert (client.manager.counters.suspects, client.manager.counters.replays) == (5, 0)


async def test_a_neighbours_session_that_is_over_or_revoked_is_not_the_last_word() -> None:
    async with serving(of_value("v1")) as (_server, origin), client_at(origin) as client:
        store = client.manager._store
        for expires_at in (time.time() - 1, None):
            old = make_session(origin, cookies=(make_cookie(value="old"),), harvested_at=time.time() - 100)
            await store.save(SessionKey(origin), old)
            client.manager._live.current = old
            neighbours = make_session(
                origin,
                cookies=(make_cookie(value="neighbours"),),
                harvested_at=time.time() - 50,
                expires_at=expires_at,
            )
            await store.save(SessionKey(origin), neighbours)
            client.harvests = 0
            assert await client.text(f"{origin}/x") == "welcome"
            assert client.harvests == 1


async def test_a_redirects_cookies_are_not_taken_for_a_rotation() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/login":
            return web.Response(text="<form>")
        return web.Response(status=302, headers={"Location": "/login", "Set-Cookie": "sid=; Path=/"})

    async with serving(handle) as (_server, origin), client_at(origin) as client:
        assert await client.text(f"{origin}/x") == "<form>"
        assert [cookie.value for cookie in (await client.manager.get()).cookies] == ["v1"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_itself_with_a_new_cookie_ends(status: int) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers["Cookie"] == "sid=v1":
            return web.Response(status=status, headers={"Location": request.path, "Set-Cookie": "sid=v2; Path=/"})
        return web.Response(text=request.headers["Cookie"])

    async with serving(handle) as (server, origin), client_at(origin) as client:
        assert await client.text(f"{origin}/x") == "sid=v2"
        assert (client.harvests, len(server.seen)) == (1, 2)
        assert [cookie.value for cookie in (await client.manager.get()).cookies] == ["v2"]


async def test_a_redirect_to_itself_with_a_new_cookie_ends_for_the_packages_client_too() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers["Cookie"] == "sid=v1":
            return web.Response(status=302, headers={"Location": "/x#here", "Set-Cookie": "sid=v2; Path=/"})
        return web.Response(text=request.headers["Cookie"])

    async with serving(handle) as (server, origin):
        session = make_session(origin, cookies=(make_cookie(value="v1"),))
        async with SiteClient(page_site(origin), store="memory", session=session) as client:
            async with client.get("/x") as response:
                assert (response.status, await response.text()) == (200, "sid=v2")
            assert len(server.seen) == 2
            assert client.counters.harvests == 0


async def test_a_token_that_each_hop_rotates_needs_no_browser() -> None:
    valid = ["v1"]

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers["Cookie"] != f"sid={valid[0]}":
            return web.Response(status=401)
        valid[0] = f"r{len(server.seen)}"
        headers = {"Set-Cookie": f"sid={valid[0]}; Path=/"}
        hop = int(request.path[1:])
        if hop == 4:
            return web.Response(text="welcome", headers=headers)
        return web.Response(status=302, headers=headers | {"Location": f"/{hop + 1}"})

    async with serving(handle) as (server, origin), client_at(origin, prove=refusing()) as client:
        assert await client.text(f"{origin}/1") == "welcome"
        assert await client.text(f"{origin}/4") == "welcome"
        assert client.harvests == 1


@pytest.mark.parametrize("location", ["http://login.example/", "http://[", "http://127.0.0.1:1/"])
async def test_a_redirect_out_of_the_site_sets_nothing(location: str) -> None:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": location, "Set-Cookie": "sid=anonymous; Path=/"})

    async with serving(handle) as (_server, origin), client_at(origin) as client:
        assert await client.text(f"{origin}/x", allow_redirects=False) == ""
        assert [cookie.value for cookie in (await client.manager.get()).cookies] == ["v1"]


async def test_a_chain_of_redirects_is_renewed_once_and_not_at_each_hop() -> None:
    """Each session is good for one request: no renewal can carry a chain to its end."""
    used: set[str] = set()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        cookie = request.headers["Cookie"]
        if cookie in used:
            return web.Response(status=401)
        used.add(cookie)
        return web.Response(status=302, headers={"Location": f"/{int(request.path[1:]) + 1}#there"})

    async with serving(handle) as (_server, origin), client_at(origin) as client:
        await client.manager.get()
        with pytest.raises(SessionRefused):
            await client.text(f"{origin}/1")
        assert client.harvests == 2


async def test_a_chain_is_over_with_its_last_answer() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/first":
            return web.Response(status=302, headers={"Location": "/x"})
        return web.Response(status=200 if request.headers["Cookie"] == f"sid={good[0]}" else 401)

    good = ["v1"]
    async with serving(handle) as (_server, origin), client_at(origin) as client:
        for number in range(1, 6):
            good[0] = f"v{number}"
            await client.text(f"{origin}/first")
        assert client.harvests == 5


async def test_expires_is_meant_by_the_servers_clock() -> None:
    now = time.time()
    dates = {"Date": formatdate(now - 3600, usegmt=True), "Set-Cookie": ""}
    dates["Set-Cookie"] = f"new=1; Path=/; Expires={formatdate(now - 1800, usegmt=True)}"

    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(headers=dates)

    async with serving(handle) as (_server, origin), client_at(origin) as client:
        await client.text(f"{origin}/x")
        [_, new] = (await client.manager.get()).cookies
        assert new.expires == pytest.approx(now + 1800, abs=5)


async def test_one_more_cookie_with_every_answer_never_outgrows_the_sites_limit() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        response = web.Response(text=request.headers["Cookie"])
        response.headers.add("Set-Cookie", f"c{len(server.seen)}={'x' * 15}; Path=/")
        response.headers.add("Set-Cookie", "sid=v1; Path=/; Max-Age=3600")
        return response

    async with serving(handle) as (server, origin), client_at(origin) as client:
        for _ in range(400):
            sent = await client.text(f"{origin}/x")
            assert len(sent) < 8190
        assert "sid=v1" in sent
        assert len((await client.manager.get()).cookies) <= 180


@pytest.mark.parametrize(
    "header", ["lang=caf\xe9; Path=/", "a=b; Path=/\xe9", "a=b; Expires=Wed, 09 Foo 2026 10:00:00 GMT"]
)
async def test_an_odd_set_cookie_costs_no_answer(header: str) -> None:
    async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nSet-Cookie: {header}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
        writer.write(head.encode("latin-1"))
        await writer.drain()
        writer.close()

    async with stream_server(odd) as port:
        origin = f"http://127.0.0.1:{port}"
        async with client_at(origin) as client:
            assert await client.text(f"{origin}/x") == "hi"
            repr(await client.manager.get())


async def test_a_503_page_is_looked_at_only_so_far_and_can_still_be_read() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/small":
            return web.Response(status=503, text="<h1>Down</h1>", content_type="text/html")
        response = web.StreamResponse(status=503, headers={"Content-Type": "text/html"})
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b"x" * 10_000)
        return response

    async with serving(handle) as (_server, origin), client_at(origin) as client:
        assert await client.text(f"{origin}/small") == "<h1>Down</h1>"
        async with client.http.get(f"{origin}/large") as response:
            assert response.status == 503
            assert len(await response.content.readany()) < 1_000_000
        assert client.harvests == 1


async def test_a_check_page_with_503_is_a_refusal_and_a_plain_503_is_not() -> None:
    async def busy(request: web.BaseRequest) -> web.StreamResponse:
        page = "<body class=no-js>" if request.path == "/check" and "v1" in request.headers["Cookie"] else "<h1>Busy"
        return web.Response(status=503, text=page, content_type="text/html")

    async with serving(busy) as (_server, origin), client_at(origin) as client:
        assert await client.text(f"{origin}/busy") == "<h1>Busy"
        assert client.harvests == 1
        assert await client.text(f"{origin}/check") == "<h1>Busy"
        assert client.harvests == 2


async def test_a_body_that_cannot_be_sent_twice_is_not() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"once"

    async with serving(of_value("v2")) as (server, origin), client_at(origin) as client:
        await client.manager.get()
        with pytest.raises(SessionRefused, match="can't be sent twice"):
            await client.text(f"{origin}/x", "POST", data=body())
        assert len(server.seen) == 1
        assert await client.text(f"{origin}/x") == "welcome"


async def test_a_value_that_was_only_rotated_meanwhile_is_not_the_last_word() -> None:
    """Refused with v1, refused with its rotation, let in with a new session."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        cookie = request.headers["Cookie"]
        if request.path == "/rotate":
            return web.Response(headers={"Set-Cookie": "sid=rotated; Path=/"})
        if cookie == "sid=v1":
            rotating.set()
            await rotated.wait()
        return web.Response(status=200 if cookie == "sid=v2" else 401, text=cookie)

    rotating, rotated = asyncio.Event(), asyncio.Event()
    async with serving(handle) as (server, origin), client_at(origin) as client:
        await client.manager.get()
        first = asyncio.create_task(client.text(f"{origin}/x"))
        await rotating.wait()
        await client.text(f"{origin}/rotate")
        rotated.set()
        assert await first == "sid=v2"
        shown = [request.headers["Cookie"] for request in server.seen if request.path == "/x"]
        assert shown == ["sid=v1", "sid=rotated", "sid=v2"]


async def test_a_time_out_that_cuts_a_harvest_off_does_not_lose_it() -> None:
    async with serving(of_value("slow")) as (_server, origin):
        go = asyncio.Event()

        async def harvest() -> Session:
            await go.wait()
            return make_session(origin, cookies=(make_cookie(value="slow"),))

        site = page_site(origin)
        manager = SessionManager(site, MemoryStore(), SessionKey(origin), harvest=harvest, prove=take_as_it_is)
        async with aiohttp.ClientSession(middlewares=(SessionMiddleware(manager),)) as http:
            with pytest.raises(asyncio.TimeoutError):
                await http.get(origin, timeout=aiohttp.ClientTimeout(total=0.05))
            go.set()
            async with http.get(origin) as response:
                assert await response.text() == "welcome"
        await manager.aclose()


def derive(session: Session, method: str) -> dict[str, str]:
    """Make what an app's page makes of its cookies: a token for what changes something, and a bearer token."""
    cookies = {cookie.name: cookie.value for cookie in session.cookies}
    token = {} if method in {"GET", "HEAD", "OPTIONS"} else {"X-CSRF-Token": cookies["csrf"]}
    return {"Authorization": f"Bearer {cookies['sid']}", **token}


async def test_what_is_derived_from_a_session_is_made_anew_for_a_replay() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        is_good = request.headers.get("Authorization") == "Bearer v2"
        return web.Response(status=200 if is_good else 401, text=request.headers.get("X-CSRF-Token", "none"))

    async with serving(handle) as (server, origin):
        harvests = iter(range(1, 9))

        async def harvest() -> Session:
            n = next(harvests)
            cookies = (make_cookie(value=f"v{n}"), make_cookie("csrf", f"c{n}"))
            return make_session(origin, cookies=cookies, harvested_at=float(n))

        site = Site(f"{origin}/", derive=derive)
        manager = SessionManager(site, MemoryStore(), SessionKey(origin), harvest=harvest, prove=take_as_it_is)
        async with aiohttp.ClientSession(middlewares=(SessionMiddleware(manager),)) as http:
            await manager.get()
            async with http.post(f"{origin}/x", headers={"X-CSRF-Token": "the caller's old one"}) as response:
                assert await response.text() == "c2"
            async with http.get(f"{origin}/x") as response:
                assert await response.text() == "none"
        await manager.aclose()
        sent = [request.headers.getall("X-CSRF-Token", []) for request in server.seen]
        assert sent == [["c1"], ["c2"], []]


@pytest.mark.parametrize("text", ["120", "{date} GMT", "{date}"])
async def test_a_sites_wait_is_passed_on_with_a_503_too(text: str) -> None:
    until = time.strftime("%a, %d %b %Y %H:%M:%S", time.gmtime(time.time() + 120))

    async def busy(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=503, headers={"Retry-After": text.format(date=until)})

    async with serving(busy) as (_server, origin):
        site = Site(f"{origin}/", probe=Probe("/x"))
        store, harvests = MemoryStore(), 0

        async def harvest() -> Session:
            nonlocal harvests
            harvests += 1
            return make_session(origin)

        for name in ("ann", "bob"):
            manager = assemble(site, store=store, session=name, harvest=harvest)
            with pytest.raises((SiteFailed, HarvestCoolingDown)) as caught:
                await manager.get()
            assert 115 < (getattr(caught.value, "retry_after_s", None) or 0.0) <= 120
            await manager.aclose()
        assert harvests == 1  # the site asked everyone to wait


async def test_a_cancelled_request_gives_its_connection_back_while_the_probe_goes_on() -> None:
    async def forbid(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=403, text="no")

    probing, go = asyncio.Event(), asyncio.Event()

    async def prove(session: Session) -> Session:
        if client.harvests and session.verified_at:
            probing.set()
            await go.wait()
        return msgspec.structs.replace(session, proof="distinguished", verified_at=1.0)

    async with serving(forbid) as (_server, origin), client_at(origin, limit=1, prove=prove) as client:
        await client.manager.get()
        asking = asyncio.create_task(client.text(f"{origin}/x"))
        await probing.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        go.set()
        async with asyncio.timeout(10):
            assert await client.text(f"{origin}/x") == "no"


def hand_out_sessions(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each renewal bring another process's session, which is never one that was harvested for the request."""

    async def renew(session: Session) -> Session:
        client.harvests += 1
        return msgspec.structs.replace(session, cookies=(make_cookie(value=f"v{client.harvests}"),))

    monkeypatch.setattr(client.manager, "renew", renew)
    monkeypatch.setattr(client.manager, "was_harvested_since", lambda _session, _began: False)


async def test_a_request_is_sent_four_times_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(of_value("never")) as (server, origin), client_at(origin) as client:
        hand_out_sessions(client, monkeypatch)
        with pytest.raises(SessionRefused):
            await client.text(f"{origin}/x")
        assert [seen.headers["Cookie"] for seen in server.seen] == ["sid=v1", "sid=v2", "sid=v3", "sid=v4"]
        assert client.manager.counters.replays == 3


async def test_the_hops_of_a_chain_share_its_replays(monkeypatch: pytest.MonkeyPatch) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        is_good = request.path == "/1" and request.headers["Cookie"] == "sid=v3"
        return web.Response(status=302 if is_good else 401, headers={"Location": "/2"} if is_good else {})

    async with serving(handle) as (server, origin), client_at(origin) as client:
        hand_out_sessions(client, monkeypatch)
        with pytest.raises(SessionRefused):
            await client.text(f"{origin}/1")
        assert [seen.path for seen in server.seen] == ["/1", "/1", "/1", "/2", "/2"]
        assert client.manager.counters.replays == 3


async def test_a_session_is_not_sent_again_where_another_transport_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(of_value("never")) as (server, origin), client_at(origin) as client:
        hand_out_sessions(client, monkeypatch)
        left = SessionMiddleware(client.manager, is_left=lambda: client.harvests > 1)
        async with aiohttp.ClientSession(middlewares=(left,)) as http:
            with pytest.raises(SessionRefused):
                await http.get(f"{origin}/x")
            assert (len(server.seen), client.manager.counters.replays) == (1, 0)
        assert (await client.manager.get()).cookies, "it is not given up: it is the other one's"


async def test_a_header_that_the_new_session_lacks_is_not_sent_again() -> None:
    async with serving(of_value("v2")) as (server, origin):
        harvested = 0

        async def harvest() -> Session:
            nonlocal harvested
            harvested += 1
            headers = {"User-Agent": "x", "X-Mine": "a", **({"X-Old": "1", "X-Mine": "b"} if harvested == 1 else {})}
            cookie = make_cookie(value=f"v{harvested}")
            return make_session(origin, cookies=(cookie,), headers=headers, harvested_at=float(harvested))

        site = Site(f"{origin}/")
        manager = SessionManager(site, MemoryStore(), SessionKey(origin), harvest=harvest, prove=take_as_it_is)
        async with aiohttp.ClientSession(middlewares=(SessionMiddleware(manager),)) as http:
            await manager.get()
            async with http.get(f"{origin}/x", headers={"X-Mine": "mine"}) as response:
                assert response.status == 200
        await manager.aclose()
    sent = [(seen.headers.get("X-Old"), seen.headers["X-Mine"]) for seen in server.seen]
    assert sent == [("1", "mine"), (None, "mine")]


@pytest.mark.parametrize(
    ("status", "kind", "dropped", "patience_s"),
    [
        (503, "text/html", (), 10.0),
        (200, "text/html", (), 0.25),
        (200, "text/html", ("200 body:who",), 10.0),
        (200, "text/plain", ("200 body:who",), 10.0),
        (200, "text/plain", (), None),
        (404, "text/html", (), None),
    ],
)
async def test_how_long_an_answer_is_looked_at_before_it_is_handed_on(
    status: int, kind: str, dropped: tuple[str, ...], patience_s: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[tuple[int, float]] = []

    async def look(content: aiohttp.StreamReader, limit: int, timeout_s: float) -> bytes:
        looked.append((limit, timeout_s))
        return await peek(content, limit, timeout_s)

    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, text="hi", content_type=kind)

    monkeypatch.setattr("aura_browser.http.middleware.peek", look)
    async with serving(handle) as (_, origin):
        site = Site(f"{origin}/", dropped=dropped)
        async with SiteClient(site, store="memory", session=make_session(origin)) as client, client.get("/x") as answer:
            assert (answer.status, await answer.text()) == (status, "hi")
    assert looked == ([] if patience_s is None else [(256 * 1024, patience_s)])


async def test_a_cookie_is_sent_until_it_expires() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=request.headers["Cookie"])

    clock = Clock()
    async with serving(handle) as (_, origin):
        cookies = [make_cookie(name, "1", expires=clock.now + after) for name, after in (("a", 10.0), ("b", 20.0))]
        session = make_session(origin, cookies=(*cookies, make_cookie("c", "1"), make_cookie("d", "1", expires=1.0)))

        async def harvest() -> Session:
            return session

        site = Site(f"{origin}/")
        manager = SessionManager(
            site, MemoryStore(), SessionKey(origin), harvest=harvest, prove=take_as_it_is, clock=clock
        )
        sent = []
        async with aiohttp.ClientSession(middlewares=(SessionMiddleware(manager),)) as http:
            for clock.now in (5000.0, 5009.5, 5010.0, 5019.5, 5020.0):
                async with http.get(f"{origin}/x") as response:
                    sent.append(await response.text())
        await manager.aclose()
    assert sent == ["a=1; b=1; c=1", "a=1; b=1; c=1", "b=1; c=1", "b=1; c=1", "c=1"]


async def test_a_connection_is_given_back_with_what_the_proxy_answers() -> None:
    async def refuse(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=407, text="log in")

    async with serving(refuse) as (server, proxy):
        manager = assemble(
            page_site("http://a.invalid"), store="memory", session=make_session("http://a.invalid", proxy=proxy)
        )
        connector = aiohttp.TCPConnector(limit=1)
        async with (
            asyncio.timeout(20),
            aiohttp.ClientSession(middlewares=(SessionMiddleware(manager),), connector=connector) as http,
        ):
            for _ in range(2):
                with pytest.raises(ConnectionFailed, match=r"the proxy refused the user and password.*\(407\)"):
                    await http.get("http://a.invalid/x")
        await manager.aclose()
    assert len(server.seen) == 2


def test_a_middleware_takes_a_manager_alone() -> None:
    manager = assemble(page_site("https://a.example"), store=MemoryStore())
    for arguments in ((page_site("https://a.example"),), (manager, "more")):
        with pytest.raises(TypeError, match=r"write SessionMiddleware\(manager\)"):
            SessionMiddleware(*arguments)


class Rotating:
    """Gives the login another value with each answer, whatever its status, and takes no older one.

    Attributes:
        number: of the value in force.
        done: what was done, with the number that it was asked with.
    """

    def __init__(self) -> None:
        self.number = 1
        self.done: list[str] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Cookie") != f"sid=v{self.number}":
            return web.Response(status=401, headers={"Set-Cookie": "sid=guest; Path=/"})
        self.done.append(f"{request.method} {request.path} {self.number}")
        self.number += 1
        statuses = {"/save": 302, "/admin": 403, "/strict": 401}
        headers = {"Set-Cookie": f"sid=v{self.number}; Path=/", "Location": "/list"}
        return web.Response(text="welcome", status=statuses.get(request.path, 200), headers=headers)


@pytest.mark.parametrize("path", ["/save", "/admin", "/strict"])
async def test_a_login_that_an_answer_changed_is_not_taken_for_ended(path: str) -> None:
    site = Rotating()
    async with serving(site.handle) as (_, origin):
        login = make_session(
            origin,
            cookies=(make_cookie(value="v1"),),
            is_login=True,
            proof="distinguished",
            evidence=("200", "401", "GET /me"),
        )
        asked = Site(f"{origin}/", probe=Probe("/me"))
        async with SiteClient(asked, store="memory", session=login, refresh="never") as client:
            async with client.request("POST", f"{origin}{path}", allow_redirects=False) as response:
                assert response.status != 200
            async with client.request("GET", f"{origin}/list") as response:
                assert await response.text() == "welcome"
    assert [each.rpartition(" ")[0] for each in site.done] == [f"POST {path}", "GET /me", "GET /list"]
