"""Both transports, and the page over both carriers: the same requests have the same results, endings and errors."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from aura_browser import AttachChrome, Probe, Site, SiteClient
from aura_browser.errors import (
    AnswerTimeout,
    ConnectionFailed,
    InvalidInput,
    RateLimited,
    SiteFailed,
)
from aura_browser.webdriver.browsers import everyday, open_browser
from aura_browser.webdriver.everyday import inspect_folder
from aura_browser.webdriver.fetching import holding
from tests.parts.open_chrome import open_chrome
from tests.parts.servers import Server, serving
from tests.parts.sessions import make_cookie, make_session
from tests.parts.varied_site import BIG_BYTES, VariedSite
from tests.parts.waiting import eventually

pytestmark = [pytest.mark.chrome, pytest.mark.asyncio(loop_scope="module")]

READ_TIMEOUT_S = 2.0
MOST_AHEAD_BYTES = 96 * 2**20  # Chrome itself takes 64 MiB of a body that nobody reads


class Stand:
    """A site, and a client of it."""

    def __init__(self, site: VariedSite, server: Server, origin: str, client: SiteClient, transport: str) -> None:
        self.site, self.server, self.origin, self.client, self.transport = site, server, origin, client, transport

    async def ask(self, method: str = "GET", path: str = "/echo", **options: Any) -> dict[str, Any]:  # noqa: ANN401 - the client's
        async with self.client.request(method, path, **options) as response:
            answer: dict[str, Any] = await response.json()
        answer["names"] = {name.lower(): value for name, value in answer["headers"]}
        return answer


@contextmanager
def carried_by(carrier: str, folder: Path) -> Iterator[str]:
    """Have pages driven over the pipe of a new Chrome, or over the WebSocket of one that runs; yield the transport."""
    if carrier != "page over a WebSocket":
        yield carrier
        return
    with open_chrome(folder), pytest.MonkeyPatch.context() as patch:
        patch.setattr(everyday, "find_everyday", lambda _channel: inspect_folder(folder))
        patch.setattr(holding, "open_browser", lambda _engine, options: open_browser(AttachChrome(), options))
        yield "page"


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["http", "page", "page over a WebSocket"])
async def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    varied = VariedSite()
    with carried_by(request.param, tmp_path_factory.mktemp("config")) as transport:
        async with serving(varied.handle) as (server, origin):
            session = make_session(origin, cookies=(make_cookie(),), proof="distinguished")
            site = Site(f"{origin}/", probe=Probe("/me"))
            options: dict[str, Any] = {"transport": transport, "refresh": "never", "read_timeout": READ_TIMEOUT_S}
            async with SiteClient(site, session=session, **options) as client:
                yield Stand(varied, server, origin, client, transport)


async def test_headers_and_cookies_arrive(stand: Stand) -> None:
    seen = await stand.ask(headers={"X-Mine": "a b", "X-Umlaut": "ü€", "Authorization": "Bearer t"})
    assert seen["names"]["x-mine"] == "a b"
    assert seen["names"]["x-umlaut"].encode("latin-1").decode() == "ü€"
    assert seen["names"]["authorization"] == "Bearer t"
    assert "sid=s3cret+/==" in seen["names"]["cookie"]
    assert seen["path"] == "/echo"


@pytest.mark.parametrize(
    ("data", "kind"), [(b"\x00\xff bytes", "application/octet-stream"), ("tëxt", "text/plain; charset=utf-8")]
)
async def test_a_body_arrives_byte_for_byte(stand: Stand, data: str | bytes, kind: str) -> None:
    seen = await stand.ask("POST", data=data)
    assert seen["body"].encode("latin-1") == (data.encode() if isinstance(data, str) else data)
    assert (seen["method"], seen["names"]["content-type"]) == ("POST", kind)


async def test_json_and_a_stream_are_sent(stand: Stand) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"one ", b"two"):
            yield piece

    assert json.loads((await stand.ask("PUT", json={"ü": [1]}))["body"]) == {"ü": [1]}
    assert (await stand.ask("POST", data=pieces()))["body"] == "one two"
    assert (await stand.ask("PATCH", data={"a b": "c&d"}))["body"] == "a+b=c%26d"
    assert (await stand.ask("DELETE"))["method"] == "DELETE"


async def test_a_response_has_its_headers_and_its_cookies_are_kept(stand: Stand) -> None:
    async with stand.client.get("/cookies") as response:
        assert (response.status, await response.text()) == (200, "set")
        assert response.headers["x-twice"] in {"1", "2"}
        assert response.headers.getall("X-Twice") == ["1", "2"]  # type: ignore[attr-defined]
    session = await stand.client.session()
    assert {"turn", "theme"} <= {cookie.name for cookie in session.cookies}
    assert "turn=1" in (await stand.ask())["names"]["cookie"]


async def test_a_redirect_is_followed_or_given_to_the_caller(stand: Stand) -> None:
    assert (await stand.ask(path="/moved"))["path"] == "/echo?moved=1"
    async with stand.client.get("/moved", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (302, "/echo?moved=1")
        assert await response.read() == b""
    assert "hop" in {cookie.name for cookie in (await stand.client.session()).cookies}


async def test_redirects_without_an_end_are_an_error(stand: Stand) -> None:
    before = len(stand.server.seen)
    with pytest.raises(SiteFailed, match="more than 20 redirects"):
        await stand.ask(path="/round")
    assert [request.path for request in stand.server.seen[before:]].count("/round") == 21


async def test_what_is_not_http_is_an_error_of_the_site(stand: Stand) -> None:
    with pytest.raises(SiteFailed, match="not valid HTTP"):
        await stand.ask(path="/no-http")
    assert (await stand.ask())["method"] == "GET"


@pytest.mark.parametrize("status", [200, 204, 400, 404, 500, 503])
async def test_any_status_is_the_callers(stand: Stand, status: int) -> None:
    async with stand.client.get(f"/status/{status}") as response:
        assert response.status == status
        assert await response.text() == ("" if status == 204 else "a text")
        if status >= 400:
            with pytest.raises(SiteFailed, match="So bad") as caught:
                response.raise_for_status()
            assert caught.value.status == status


async def test_a_limit_is_said(stand: Stand) -> None:
    async with stand.client.get("/status/429") as response:
        with pytest.raises(RateLimited) as caught:
            response.raise_for_status()
    assert caught.value.retry_after_s == 7.0


async def test_a_body_is_decompressed_and_comes_in_pieces(stand: Stand) -> None:
    async with stand.client.get("/zip") as response:
        assert await response.read() == b"long " * 5000
    loop, times, text = asyncio.get_running_loop(), [], b""
    async with stand.client.get("/pieces") as response:
        async for piece in response:
            times.append(loop.time())
            text += piece
    assert text == b"piece0 piece1 piece2 piece3 piece4 "
    assert times[-1] - times[0] > 0.1


async def test_a_connection_that_breaks_off_is_an_error_after_what_came(stand: Stand) -> None:
    came = bytearray()

    async def read() -> None:
        async with stand.client.get("/cut") as response:
            async for piece in response:
                came.extend(piece)

    with pytest.raises(ConnectionFailed, match="closed during the response"):
        await read()
    assert came == b"only this"


async def test_silence_is_a_time_out(stand: Stand) -> None:
    with pytest.raises(AnswerTimeout):
        await stand.ask(path="/silent")
    assert (await stand.ask())["method"] == "GET"  # and the next request works


async def test_leaving_a_response_ends_the_request(stand: Stand) -> None:
    before = stand.site.broken_off
    async with stand.client.get("/endless") as response:
        assert await anext(aiter(response))
    await eventually(lambda: stand.site.broken_off == before + 1)


async def test_cancelling_ends_the_request(stand: Stand) -> None:
    before, has_begun = stand.site.broken_off, asyncio.Event()

    async def read() -> None:
        async with stand.client.get("/endless") as response:
            async for _ in response:
                has_begun.set()

    task = asyncio.create_task(read())
    await has_begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: stand.site.broken_off == before + 1)
    assert (await stand.ask())["method"] == "GET"


async def test_cancelling_ends_a_request_whose_answer_is_still_looked_at(stand: Stand) -> None:
    before, pieces = stand.site.broken_off, stand.site.pieces
    task = asyncio.create_task(stand.ask(path="/endless-page"))
    await eventually(lambda: stand.site.pieces >= pieces + 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: stand.site.broken_off == before + 1, 5)


async def test_a_big_body_arrives_whole(stand: Stand) -> None:
    received = 0
    async with stand.client.get("/big") as response:
        async for piece in response:
            received += len(piece)
    assert received == BIG_BYTES


async def test_a_body_waits_for_its_reader(stand: Stand) -> None:
    async with stand.client.get("/flood") as response:
        assert await anext(aiter(response))

        async def has_stopped() -> bool:
            before = stand.site.written
            await asyncio.sleep(0.5)
            return stand.site.written == before

        await eventually(has_stopped)
    assert 0 < stand.site.written < MOST_AHEAD_BYTES


async def test_other_sites_are_refused(stand: Stand) -> None:
    with pytest.raises(InvalidInput, match="its session is sent only there"):
        async with stand.client.get("https://example.com/"):
            pytest.fail("it was sent")


async def test_a_refused_session_is_an_error_once_nothing_renews_it(stand: Stand) -> None:
    before = len(stand.server.seen)
    async with stand.client.get("/status/403") as response:  # the probe takes it
        assert response.status == 403
    assert "/me" in {request.path for request in stand.server.seen[before:]}
