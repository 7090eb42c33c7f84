"""Bearer tokens and tokens against forgery, through real clients and servers."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from aura_browser import Probe, Session, Site, SiteClient
from aura_browser.assembly import assemble
from aura_browser.errors import InteractionRequired, InvalidInput
from aura_browser.http.forgery import fetch_token, needs_token, write_token
from aura_browser.http.transport import HttpTransport
from aura_browser.site.place import Template
from aura_browser.site.tokens import Auth, Csrf
from tests.parts.servers import Handler, Server, serving
from tests.parts.sessions import make_cookie, make_session

SECRET = "s3cret-token"
BEARER = Auth("Authorization", Template("Bearer {local_storage.tokens.access}"))


@asynccontextmanager
async def client_at(handle: Handler, define: Callable[[str], Site]) -> AsyncIterator[tuple[Server, SiteClient, str]]:
    """Open a client whose nth harvest gives the nth token, in a cookie and in the local storage."""
    async with serving(handle) as (server, origin):
        count = 0

        async def harvest() -> Session:
            nonlocal count
            count += 1
            cookies = (make_cookie("sid", f"v{count}"), make_cookie("csrf", f"c{count}", http_only=False))
            storage = {"tokens": json.dumps({"access": f"{SECRET}-{count}"})}
            return make_session(origin, cookies=cookies, local_storage=storage, harvested_at=float(count))

        async with SiteClient(define(origin), store="memory", harvest=harvest) as client:
            yield server, client, origin


async def text_of(client: SiteClient, method: str, path: str, **options: object) -> str:
    async with client.request(method, path, **options) as response:  # type: ignore[arg-type]
        return await response.text()


async def test_a_bearer_token_is_made_anew_for_a_replay_and_proves_the_session() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if "Authorization" not in request.headers:
            return web.Response(status=401)
        good = f"Bearer {SECRET}-{'2' if dropped else '1'}"
        return web.Response(text="welcome", status=200 if request.headers["Authorization"] == good else 401)

    dropped: list[bool] = []
    async with client_at(handle, lambda origin: Site(f"{origin}/", auth=BEARER, probe=Probe("/me"))) as (_, client, _o):
        assert await text_of(client, "GET", "/x") == "welcome"
        assert (await client.session()).proof == "distinguished"
        dropped.append(True)
        assert await text_of(client, "POST", "/x", headers={"Authorization": "Bearer old"}) == "welcome"
        assert client.counters.harvests == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_token_never_leaves_the_listed_origins(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def elsewhere(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="elsewhere")

    async with serving(elsewhere) as (other, away):

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            if request.path == "/":
                return web.Response(text="page")
            return web.Response(status=status, headers={"Location": f"{away}/"})

        def define(origin: str) -> Site:
            return Site(f"{origin}/", auth=BEARER, csrf=Csrf(header="X-CSRF", cookie="csrf"))

        async with client_at(handle, define) as (server, client, _):
            for method in ("GET", "POST", "PUT"):
                async with client.request(method, "/x", data=b"1" if method != "GET" else None) as response:
                    assert response.status == status
            with pytest.raises(InvalidInput) as caught:
                await text_of(client, "GET", f"{away}/")
            assert len([request for request in server.seen if request.path == "/x"]) == 3
            assert all("Authorization" in request.headers for request in server.seen if request.path == "/x")
            assert SECRET not in repr(await client.session()) + str(caught.value)
        assert other.seen == []
    assert SECRET not in caplog.text


async def test_a_token_goes_to_a_further_origin_that_is_listed() -> None:
    async def api(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=request.headers.get("Authorization", "none"))

    async with serving(api) as (_, api_origin):

        async def handle(_request: web.BaseRequest) -> web.StreamResponse:
            return web.Response(text="page")

        async with client_at(handle, lambda origin: Site(f"{origin}/", auth=BEARER, origins=(api_origin,))) as (
            _,
            c,
            _o,
        ):
            assert await text_of(c, "GET", f"{api_origin}/me") == f"Bearer {SECRET}-1"
        async with client_at(handle, lambda origin: Site(f"{origin}/", auth=BEARER)) as (_, c, _o):
            with pytest.raises(InvalidInput):
                await text_of(c, "GET", f"{api_origin}/me")


def page_with(token: str) -> web.StreamResponse:
    return web.Response(text=f"<form><input type=hidden name=sectok value={token}></form>", content_type="text/html")


async def test_a_field_from_a_page_is_in_each_form_and_follows_a_renewal() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Cookie", "").partition(";")[0] != f"sid=v{generation}":
            return web.Response(status=401)
        if request.method == "GET":
            return page_with(f"page-v{generation}")
        body = (await request.read()).decode()
        return web.Response(text=body)

    generation = 1

    def define(origin: str) -> Site:
        return Site(f"{origin}/", csrf=Csrf(field="sectok", get="/form", input="sectok"))

    async with client_at(handle, define) as (server, client, origin):
        assert await text_of(client, "POST", "/save", data={"a": "1", "sectok": "old"}) == "a=1&sectok=page-v1"
        assert await text_of(client, "POST", "/save") == "sectok=page-v1"
        assert await text_of(client, "POST", "/save", json={"a": 1}) == '{"a": 1}'
        sent = server.seen[-3].headers
        assert (sent["Origin"], sent["Content-Type"]) == (origin, "application/x-www-form-urlencoded")
        generation = 2
        assert await text_of(client, "POST", "/save", data={"a": "1"}) == "a=1&sectok=page-v2"
        assert client.counters.harvests == 2


async def test_a_field_is_in_a_form_with_files_too() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "GET":
            return web.json_response({"query": {"tokens": {"csrftoken": f"t{len(posted)}"}}})
        posted.append(await request.read())
        return web.Response(status=401 if len(posted) == 1 else 200)

    posted: list[bytes] = []
    body = b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--XX--\r\n'

    def define(origin: str) -> Site:
        return Site(f"{origin}/", csrf=Csrf(field="token", get="/api.php", json="query.tokens.csrftoken"))

    async with client_at(handle, define) as (_, client, _o):
        kind = {"Content-Type": "multipart/form-data; boundary=XX"}
        await client.session()
        await text_of(client, "POST", "/save", data=body, headers=kind)
        parts = [f'--XX\r\nContent-Disposition: form-data; name="token"\r\n\r\nt{n}\r\n'.encode() for n in (0, 1)]
        assert posted == [part + body for part in parts]

        async def stream() -> AsyncIterator[bytes]:
            yield body

        with pytest.raises(InvalidInput, match="the site wants the field token"):
            await text_of(client, "POST", "/save", data=stream(), headers=kind)


async def test_a_token_that_the_site_does_not_give_is_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=(await request.read()).decode() or "nothing")

    def define(origin: str) -> Site:
        return Site(f"{origin}/", csrf=Csrf(field="sectok", get="/form", input="sectok"))

    async with client_at(handle, define) as (_, client, _o):
        assert await text_of(client, "POST", "/save", data={"a": "1"}) == "a=1"
    assert "gave no token against forgery" in caplog.text


async def test_a_web_socket_begins_with_its_message() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"first: {message.data}")
            break
        return socket

    def define(origin: str) -> Site:
        first = {"/comms": Template('{"auth":"{local_storage.tokens.access}"}'), "/gone": Template("{cookie.none}")}
        return Site(f"{origin}/", first_messages=first)

    async with client_at(handle, define) as (_, client, _o):
        async with client.ws_connect("/comms") as socket:
            assert await socket.receive_str(timeout=10) == f'first: {{"auth":"{SECRET}-1"}}'
        async with client.ws_connect("/other") as socket:
            await socket.send_str("mine")
            assert await socket.receive_str(timeout=10) == "first: mine"
        with pytest.raises(InteractionRequired, match="nothing that the WebSocket"):
            async with client.ws_connect("/gone"):
                pass


async def test_a_first_message_goes_to_the_listed_origins_only() -> None:
    site, sent = Site("http://a.example/", first_messages={"/ws": Template("{cookie.sid}")}), []

    class Socket:
        async def send_str(self, text: str) -> None:
            sent.append(text)

    session = make_session(site.origin, cookies=(make_cookie("sid", "mine", domain="a.example"),))
    socket: Any = Socket()
    async with aclosing(assemble(site, session=session, store="memory", refresh="never")) as manager:
        transport = HttpTransport(manager, 5.0)
        for host, so_far in (("www.a.example", []), ("a.example", ["mine"])):
            await transport._send_first_message(socket, URL(f"ws://{host}/ws"))
            assert sent == so_far


async def test_a_token_page_without_end_is_read_only_so_far() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path != "/form":
            return web.Response(text="sent")
        response = web.StreamResponse()
        await response.prepare(request)
        while request.transport is not None and not request.transport.is_closing():
            await response.write(b"x" * 2**16)
        return response

    def define(origin: str) -> Site:
        return Site(f"{origin}/", csrf=Csrf(field="t", get="/form", input="t"))

    async with asyncio.timeout(20), client_at(handle, define) as (_, client, _o):
        assert await text_of(client, "POST", "/save") == "sent"


async def test_the_page_with_the_token_is_not_followed_elsewhere() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/form":
            return web.Response(status=302, headers={"Location": "/form/"})
        return page_with("abc") if request.method == "GET" else web.Response(text=await request.text() or "none")

    def define(origin: str) -> Site:
        return Site(f"{origin}/", csrf=Csrf(field="sectok", get="/form", input="sectok"))

    async with client_at(handle, define) as (_, client, _o):
        assert await text_of(client, "POST", "/save") == "none"


async def test_the_page_with_the_token_may_take_as_long_as_it_sends() -> None:
    asked: list[dict[str, Any]] = []

    def get(_url: URL, **options: Any) -> None:  # noqa: ANN401 - aiohttp's
        asked.append(options)
        raise TimeoutError

    request: Any = SimpleNamespace(session=SimpleNamespace(get=get))
    csrf = Csrf(field="t", get="/form", input="t")
    with pytest.raises(TimeoutError):
        await fetch_token(Site("http://a.example/", csrf=csrf), csrf, make_session("http://a.example"), request)
    (options,) = asked
    assert options["timeout"] == aiohttp.ClientTimeout(total=None, sock_connect=30.0, sock_read=30.0)


BODY = b'--X Y\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--X Y--\r\n'
PART = b'--X Y\r\nContent-Disposition: form-data; name="t"\r\n\r\n'


@pytest.mark.parametrize(
    ("kind", "content", "written"),
    [
        ("", b"", ("application/x-www-form-urlencoded", b"t=abc")),
        ("text/plain", b"", ("application/x-www-form-urlencoded", b"t=abc")),
        ("", b"a=1", None),
        ("text/plain", b"a=1", None),
        (
            "Application/X-WWW-Form-Urlencoded ; charset=utf-8",
            b"a=1",
            ("application/x-www-form-urlencoded", b"a=1&t=abc"),
        ),
        (
            'multipart/form-data; Boundary="X Y"',
            BODY,
            ('multipart/form-data; Boundary="X Y"', PART + b"abc\r\n" + BODY),
        ),
        (
            "multipart/form-data; boundary=X Y; charset=utf-8",
            PART + b"old\r\n" + BODY,
            ("multipart/form-data; boundary=X Y; charset=utf-8", PART + b"abc\r\n" + BODY),
        ),
        ("multipart/form-data", BODY, None),
        ("multipart/mixed; boundary=X Y", BODY, None),
    ],
)
def test_a_token_is_written_into_forms_only(kind: str, content: bytes, written: tuple[str, bytes] | None) -> None:
    assert write_token(Csrf(field="t", get="/form", input="t"), kind, content, "abc") == written


@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=X"]
)
async def test_a_stream_is_sent_as_it_is_unless_it_is_a_form(kind: str) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return page_with("abc") if request.method == "GET" else web.Response(text=await request.text())

    async def stream() -> AsyncIterator[bytes]:
        yield b"whole"

    def define(origin: str) -> Site:
        return Site(f"{origin}/", csrf=Csrf(field="sectok", get="/form", input="sectok"))

    async with client_at(handle, define) as (_, client, _o):
        sending = text_of(client, "POST", "/save", data=stream(), headers={"Content-Type": kind})
        if kind == "application/json":
            assert await sending == "whole"
            return
        with pytest.raises(InvalidInput) as caught:
            await sending
        assert caught.value.name == "data"


@pytest.mark.parametrize(
    ("csrf", "method", "url", "needed"),
    [
        (Csrf(field="t", get="/form", input="t"), "POST", "http://a.example/x", True),
        (Csrf(field="t", cookie="csrf"), "POST", "http://a.example/x", True),
        (Csrf(header="X-CSRF", get="/form", meta="t"), "POST", "http://a.example/x", True),
        (Csrf(header="X-CSRF", cookie="csrf"), "POST", "http://a.example/x", False),
        (Csrf(field="t", get="/form", input="t"), "GET", "http://a.example/x", False),
        (Csrf(field="t", get="/form", input="t"), "POST", "http://www.a.example/x", False),
        (None, "POST", "http://a.example/x", False),
    ],
)
def test_which_requests_wait_for_a_token(csrf: Csrf | None, method: str, url: str, *, needed: bool) -> None:
    site = Site("http://a.example/", csrf=csrf)
    assert needs_token(site, make_session("http://a.example"), method, URL(url)) is needed


async def test_a_request_that_changes_something_comes_from_the_sites_own_page() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        named = (request.headers.get(name, "none") for name in ("Origin", "Referer", "X-CSRF"))
        return web.Response(text=" ".join(named))

    async with client_at(handle, lambda origin: Site(f"{origin}/", csrf=Csrf(header="X-CSRF", cookie="csrf"))) as (
        _,
        client,
        origin,
    ):
        assert await text_of(client, "POST", "/x") == f"{origin} {origin}/ c1"
        assert await text_of(client, "GET", "/x") == "none none none"
        own = {"Origin": "http://mine.example", "referer": "http://mine.example/a"}
        assert await text_of(client, "DELETE", "/x", headers=own) == "http://mine.example http://mine.example/a c1"
