"""A client's first request, which waits for its session: whatever goes wrong meanwhile, nothing is left behind."""

import aiohttp
import pytest
from aiohttp import web

from aura_browser import Session, Site, SiteClient
from aura_browser.errors import AnswerTimeout, ConnectionFailed
from tests.parts.servers import serving
from tests.parts.sessions import make_cookie, make_session


async def ask(client: SiteClient) -> int:
    async with client.get("/x") as response:
        return response.status


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (TimeoutError(), AnswerTimeout),
        (aiohttp.ClientConnectionError(), ConnectionFailed),
        (OSError(), ConnectionFailed),
    ],
)
@pytest.mark.parametrize("method", ["GET", "WebSocket"])
async def test_what_a_harvest_of_ones_own_raises_is_typed(
    raised: Exception, kind: type[Exception], method: str
) -> None:
    async def harvest() -> Session:
        raise raised

    async with SiteClient(Site("http://127.0.0.1:9/"), store="memory", harvest=harvest) as client:
        opened = client.get("/x") if method == "GET" else client.ws_connect("/x")
        with pytest.raises(kind):
            async with opened:
                pass


async def test_a_client_that_is_not_open_harvests_nothing_and_leaves_nothing_behind() -> None:
    harvested: list[Session] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        is_good = request.headers.get("Cookie") == f"sid=v{len(harvested)}"
        return web.Response(status=200 if is_good else 401)

    async with serving(handle) as (_, origin):

        async def harvest() -> Session:
            count = len(harvested) + 1
            harvested.append(
                make_session(origin, cookies=(make_cookie("sid", f"v{count}"),), harvested_at=float(count))
            )
            return harvested[-1]

        client = SiteClient(Site(f"{origin}/"), store="memory", harvest=harvest)
        for opened in (client.get("/x"), client.ws_connect("/x")):
            with pytest.raises(RuntimeError, match="not open"):
                async with opened:
                    pass
        assert harvested == []
        async with client, client.get("/x") as response:
            assert response.status == 200
        assert len(harvested) == 1


async def test_a_request_that_fails_after_a_harvest_is_over() -> None:
    """A later one to the same address is another matter, and its session is renewed when the site refuses it."""
    harvested, is_down = 0, True

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if is_down and request.path == "/x":
            assert request.transport is not None
            request.transport.close()
        is_good = request.path == "/" or request.headers.get("Cookie") == "sid=v2"
        return web.Response(status=200 if is_good else 401)

    async with serving(handle) as (_, origin):

        async def harvest() -> Session:
            nonlocal harvested
            harvested += 1
            cookie = make_cookie("sid", f"v{harvested}")
            return make_session(origin, cookies=(cookie,), harvested_at=float(harvested))

        async with SiteClient(Site(f"{origin}/"), store="memory", harvest=harvest) as client:
            with pytest.raises(ConnectionFailed):
                await ask(client)
            is_down = False
            assert await ask(client) == 200
    assert harvested == 2
