"""The client of any site: every method, bodies both ways, redirects, WebSockets, renewal."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiohttp import web

from aura_browser import Counters, Probe, Session, Site, SiteClient, assembly, site_at
from aura_browser.assembly import using_store
from aura_browser.errors import ConnectionFailed, InvalidInput, RateLimited, SessionRefused, SiteFailed
from aura_browser.store import MemoryStore
from tests.parts.generic_site import COOKIE, GenericSite, serving_generic
from tests.parts.servers import serving
from tests.parts.sessions import make_cookie, make_session


@asynccontextmanager
async def using(generic: GenericSite, site: Site) -> AsyncIterator[SiteClient]:
    """Open a client whose harvests log in."""

    async def harvest() -> Session:
        cookies = (make_cookie(COOKIE, generic.value, http_only=True),)
        return make_session(site.origin, url=site.url, cookies=cookies)

    async with SiteClient(site, store="memory", harvest=harvest) as client:
        yield client


async def test_every_method_and_body_reaches_the_site() -> None:
    async with serving_generic() as (generic, server, site), using(generic, site) as client:
        async with client.get("/api/me") as response:
            assert (response.status, await response.json()) == (200, {"user": "ann"})
        async with client.post("/api/echo", json={"a": [1, "ё"]}) as response:
            assert await response.json() == {"got": {"a": [1, "ё"]}, "type": "application/json"}
        async with client.request("put", f"{site.origin}/files/one", data=b"\x00\xff") as response:
            assert response.status == 201

        async def pieces() -> AsyncIterator[bytes]:
            yield b"one "
            yield b"two"

        async with client.request("PUT", "/files/one", data=pieces()) as response:
            assert response.status == 201
        assert generic.uploads == [b"\x00\xff", b"one two"]
        async with client.request("PURGE", "/nothing", headers={"X-Why": "because"}) as response:
            assert (response.status, await response.text()) == (404, "nothing here")
            assert repr(response) == f"SiteResponse(404, '{site.origin}/nothing')"
            with pytest.raises(SiteFailed, match="answered 404"):
                response.raise_for_status()
        assert (server.seen[-1].method, server.seen[-1].headers["X-Why"]) == ("PURGE", "because")
        assert client.counters.harvests == 1


@pytest.mark.parametrize(
    ("data", "body", "type_"),
    [
        ("Привет", "Привет".encode(), "text/plain; charset=utf-8"),
        ({"a": "1 2", "b": "ё&="}, b"a=1+2&b=%D1%91%26%3D", "application/x-www-form-urlencoded"),
        (b"raw", b"raw", "application/octet-stream"),
    ],
)
async def test_each_kind_of_body_has_its_type(data: object, body: bytes, type_: str) -> None:
    async with serving_generic() as (generic, server, site), using(generic, site) as client:
        async with client.post("/x", data=data):  # type: ignore[arg-type]
            pass
        assert (server.bodies[-1], server.seen[-1].headers["Content-Type"]) == (body, type_)
        async with client.post("/x", data=data, headers={"content-type": "text/mine"}):  # type: ignore[arg-type]
            pass
        assert server.seen[-1].headers.getall("Content-Type") == ["text/mine"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"data": 5},
        {"data": "half \ud800"},
        {"json": {1, 2}},
        {"json": 1, "data": b"x"},
    ],
)
async def test_a_body_that_cannot_be_sent_is_named_before_anything_is(wrong: dict[str, object]) -> None:
    async with serving_generic() as (generic, server, site), using(generic, site) as client:
        with pytest.raises(InvalidInput):
            async with client.post("/api/echo", **wrong):  # type: ignore[arg-type]
                pass
        assert server.seen == []


@pytest.mark.parametrize("url", ["http://elsewhere.invalid/", "http://[", "ftp://127.0.0.1/"])
async def test_a_session_never_goes_to_another_site(url: str) -> None:
    async with serving_generic() as (generic, server, site), using(generic, site) as client:
        with pytest.raises(InvalidInput, match="url"):
            async with client.get(url):
                pass
        assert server.seen == []


async def test_redirects_are_followed_within_the_site_and_no_further() -> None:
    async with serving_generic() as (generic, server, site), using(generic, site) as client:
        async with client.get("/old") as response:
            assert (response.url, await response.json()) == (f"{site.origin}/api/me", {"user": "ann"})
        async with client.post("/form", data={"a": "b"}) as response:
            assert await response.json() == {"user": "ann"}
        assert (server.seen[-1].method, server.bodies[-1]) == ("GET", b"")
        assert "Content-Type" not in server.seen[-1].headers
        async with client.get("/old", allow_redirects=False) as response:
            assert (response.status, response.headers["location"]) == (302, "/api/me")
        async with client.get("/away") as response:
            assert (response.status, response.headers["Location"]) == (302, "http://elsewhere.invalid/")
            with pytest.raises(SiteFailed, match="302"):
                response.raise_for_status()
        with pytest.raises(SiteFailed, match="more than 20 redirects"):
            async with client.get("/round"):
                pass


async def test_a_long_download_takes_no_more_memory_than_a_short_one() -> None:
    async with serving_generic() as (generic, _server, site), using(generic, site) as client:
        async with client.get("/download?mib=1") as response:
            assert len(await response.read()) == 2**20
        tracemalloc.start()
        try:
            length = 0
            async with client.get("/download?mib=100") as response:
                async for piece in response:
                    length += len(piece)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert length == 100 * 2**20
        assert peak < 8 * 2**20


async def test_a_body_that_is_read_whole_has_a_bound() -> None:
    async with serving_generic() as (generic, _server, site), using(generic, site) as client:
        with pytest.raises(SiteFailed, match="over 64 MiB"):
            async with client.get("/download?mib=65") as response:
                await response.read()


async def test_a_websocket_opens_with_the_session() -> None:
    async with serving_generic() as (generic, server, site), using(generic, site) as client:
        for address in ("/ws", f"{site.origin}/ws", f"{site.origin}/ws".replace("http", "ws")):
            async with client.ws_connect(address) as socket:
                await socket.send_str("hello")
                assert (await socket.receive()).data == f"{site.origin} said hello"
        assert server.seen[-1].headers["User-Agent"] == "Chrome/1 test"
        generic.value = "second"
        async with client.ws_connect("/ws") as socket:
            await socket.send_str("again")
            assert (await socket.receive()).data == f"{site.origin} said again"
        with pytest.raises(SiteFailed, match="refused the WebSocket handshake"):
            async with client.ws_connect("/nothing"):
                pass


async def test_a_refused_session_is_renewed_and_the_request_sent_again() -> None:
    async with serving_generic() as (generic, server, site), using(generic, site) as client:
        async with client.get("/api/me"):
            pass
        generic.value = "second"
        answers = await asyncio.gather(*(_user(client) for _ in range(20)))
        assert answers == ["ann"] * 20
        assert client.counters.renewals == {"missing": 1, "refused": 1}
        assert server.seen[-1].headers["Cookie"] == f"{COOKIE}=second"


async def _user(client: SiteClient) -> str:
    async with client.post("/api/echo", json="ann") as response:
        user: str = (await response.json())["got"]
        return user


async def test_a_callers_own_error_within_the_context_is_not_taken_for_the_sites() -> None:
    async with serving_generic() as (generic, _server, site), using(generic, site) as client:
        with pytest.raises(OSError, match="my disk"):
            async with client.get("/api/me"):
                raise OSError("my disk is full")


async def test_an_answer_that_breaks_off_or_is_not_json_is_named() -> None:
    async def cut(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/limited":
            return web.Response(status=429, headers={"Retry-After": "7"})
        if request.path == "/text":
            return web.Response(text="no json")
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    async with AsyncExitStack() as exits:
        _server, origin = await exits.enter_async_context(serving(cut))
        client = SiteClient(origin, store="memory", session=make_session(origin))
        await exits.enter_async_context(client)
        with pytest.raises(ConnectionFailed, match="closed during the response"):
            async with client.get("/cut") as response:
                await response.read()
        with pytest.raises(SiteFailed, match="not JSON"):
            async with client.get("/text") as response:
                await response.json()
        async with client.get("/limited") as response:
            with pytest.raises(RateLimited) as limited:
                response.raise_for_status()
        assert limited.value.retry_after_s == 7


async def test_api_paths_no_longer_ask_a_generic_site_for_openchats_models() -> None:
    async with serving_generic() as (generic, server, site):
        unproven = Site(site.url, api_paths=("/api/",))
        async with using(generic, unproven) as client, client.get("/api/me") as response:
            assert response.status == 200
        assert [request.path for request in server.seen] == ["/enter", "/enter", "/api/me"]


async def test_a_client_that_is_not_open_says_how_to_open_it() -> None:
    client = SiteClient("https://example.com", store="memory", session=make_session("https://example.com"))
    with pytest.raises(RuntimeError, match="async with"):
        async with client.get("/"):
            pass
    assert isinstance(client.counters, Counters)
    assert client.site == site_at("https://example.com")


async def test_a_session_that_the_probe_refuses_is_never_used() -> None:
    async with serving_generic() as (_generic, server, site):

        async def harvest() -> Session:
            return make_session(site.origin, cookies=())

        async with SiteClient(site, store="memory", harvest=harvest) as client:
            with pytest.raises(SessionRefused, match="status 401"):
                async with client.get("/download?mib=1"):
                    pass
        assert {request.path for request in server.seen} == {"/api/me"}


@pytest.mark.usefixtures("shared_chrome")
@pytest.mark.chrome
async def test_a_generic_site_is_harvested_proven_and_used() -> None:
    async with serving_generic() as (generic, server, site):
        async with SiteClient(site, store="memory") as client:
            async with client.get("/api/me") as response:
                assert await response.json() == {"user": "ann"}
            async with client.post("/api/echo", json=[1]) as response:
                assert (await response.json())["got"] == [1]
            async with client.request("PUT", "/files/one", data=b"bytes") as response:
                assert response.status == 201
            async with client.ws_connect("/ws") as socket:
                await socket.send_str("hello")
                assert (await socket.receive()).data == f"{site.origin} said hello"
            session = await client.session()
            assert session.verified_at is not None
            generic.value = "second"
            async with client.get("/api/me") as response:
                assert response.status == 200
        assert generic.enters == 2
        assert not [request for request in server.seen if request.path == "/api/models"]


def test_a_probe_shows_no_body() -> None:
    assert "s3cret" not in repr(Probe("/me", method="POST", headers={"X": "s3cret"}, body=b"s3cret"))


class ClosedStore(MemoryStore):
    """Counts how often it is closed."""

    closed = 0

    async def aclose(self) -> None:
        self.closed += 1


async def test_a_store_is_closed_by_who_opened_it(monkeypatch: pytest.MonkeyPatch) -> None:
    store = ClosedStore()
    async with using_store(store) as used:
        assert used is store
    assert store.closed == 0
    monkeypatch.setattr(assembly, "MemoryStore", lambda: store)
    with pytest.raises(KeyError):
        async with using_store("memory"):
            raise KeyError
    assert store.closed == 1
