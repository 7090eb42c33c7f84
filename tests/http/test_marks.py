"""Marks of a site's own: which answers mean that its session has ended."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
import pytest
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from aura_browser import Probe, Session, Site, SiteClient
from aura_browser.http.verdict import Ruling, Verdict, judge, needs_first_bytes
from tests.parts.servers import serving
from tests.parts.sessions import make_cookie, make_session

PAGE = URL("https://example.com/x")


def site_with(dropped: tuple[str, ...] = (), not_dropped: tuple[str, ...] = ()) -> Site:
    return Site("https://example.com/", dropped=dropped, not_dropped=not_dropped)


@pytest.mark.parametrize(
    ("site", "status", "headers", "body", "verdict"),
    [
        (site_with(("302 /login*",)), 302, {"Location": "/login?next=/x"}, b"", Verdict.STALE),
        (site_with(("302 *title=Login*",)), 302, {"Location": "/x?title=Login"}, b"", Verdict.STALE),
        (site_with(("302 /login*",)), 302, {"Location": "/other"}, b"", Verdict.SUSPECT),
        (site_with(("header X-Error: expired",)), 200, {"X-Error": "expired"}, b"", Verdict.STALE),
        (site_with(("header X-Error: expired",)), 200, {"X-Error": "other"}, b"", Verdict.OK),
        (site_with(("no header X-Login",)), 200, {}, b"", Verdict.STALE),
        (site_with(("no header X-Login",)), 200, {"x-login": "ann"}, b"", Verdict.OK),
        (site_with(("200 text/html",)), 200, {"Content-Type": "Text/HTML; charset=utf-8"}, b"", Verdict.STALE),
        (site_with(("200 text/html",)), 200, {}, b"", Verdict.OK),
        (site_with(("body:who are you",)), 200, {"Content-Type": "text/plain"}, b"who are you?", Verdict.STALE),
        (site_with(("json:error=1",)), 200, {"Content-Type": "application/json"}, b'{"error": 1}', Verdict.STALE),
        (site_with(("401",), ("401 body:csrf",)), 401, {}, b"csrf missing", Verdict.FAILED),
        (site_with(not_dropped=("401",)), 401, {}, b"", Verdict.FAILED),
        (site_with(not_dropped=("403",)), 403, {}, b"", Verdict.FAILED),
        (site_with(not_dropped=("302 /login*",)), 302, {"Location": "/login"}, b"", Verdict.OK),
        (site_with(("429",)), 429, {}, b"", Verdict.LIMITED),
        (site_with(("418",)), 401, {}, b"", Verdict.STALE),
    ],
)
def test_marks_decide(site: Site, status: int, headers: dict[str, str], body: bytes, verdict: Verdict) -> None:
    ruling = judge(site, PAGE, status, CIMultiDict(headers), first_bytes=body, now=0.0)
    assert ruling.verdict is verdict


@pytest.mark.parametrize(
    ("site", "status", "location", "ruling"),
    [
        (site_with(("401",)), 401, "", Ruling(Verdict.STALE, "status 401, as the site answers a dropped session")),
        (
            site_with(("302",)),
            302,
            "http://[",
            Ruling(Verdict.STALE, "status 302, as the site answers a dropped session"),
        ),
        (site_with(not_dropped=("400",)), 400, "", Ruling(Verdict.FAILED, "status 400")),
        (site_with(not_dropped=("302",)), 302, "/login", Ruling(Verdict.OK, "status 302")),
    ],
)
def test_what_a_mark_decided_is_said(site: Site, status: int, location: str, ruling: Ruling) -> None:
    decided = judge(site, PAGE, status, CIMultiDict({"Location": location}), now=0.0)
    assert decided == msgspec.structs.replace(ruling, is_marked=True)


@pytest.mark.parametrize(
    ("kind", "looks"),
    [
        *((f"{kind}; charset=utf-8", True) for kind in ("text/plain", "Text/HTML", "application/json")),
        *((kind, True) for kind in ("application/ld+json", "text/xml", "application/xml", "image/svg+xml")),
        *((kind, True) for kind in ("application/javascript", "text/css")),
        *((kind, False) for kind in ("text/event-stream", "text/event-stream; charset=utf-8", "image/png")),
        *((kind, False) for kind in ("application/jsonp", "application/zip", "")),
    ],
)
def test_a_body_is_looked_at_if_its_type_is_one_of_text(kind: str, *, looks: bool) -> None:
    site, headers = site_with(("body:who",)), CIMultiDict({"Content-Type": kind} if kind else {})
    assert needs_first_bytes(site, 202, headers) is looks


def test_a_body_is_looked_at_only_where_a_mark_of_that_status_asks_for_it() -> None:
    site = site_with(("200 body:who",))
    text, image = ({"Content-Type": kind} for kind in ("application/problem+json; charset=utf-8", "image/png"))
    events = {"Content-Type": "text/event-stream"}
    cases = ((200, text), (401, text), (200, image), (200, events))
    looks = [needs_first_bytes(site, status, CIMultiDict(headers)) for status, headers in cases]
    assert looks == [True, False, False, False]
    assert not needs_first_bytes(site_with(("401",)), 200, CIMultiDict(text))


@dataclass
class Scene:
    """A site that answers everything with 200, and what was done for it."""

    origin: str
    harvests: int = 0
    ends: bool = False


@asynccontextmanager
async def scene(dropped: str, probe: Probe | None) -> AsyncIterator[tuple[Scene, SiteClient]]:
    """Open a client at a site of which only the text says that a session has ended; ``/forbidden`` says so for ever."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        is_good = request.headers.get("Cookie") == f"sid=v{it.harvests}" and not it.ends
        is_good &= request.path != "/forbidden"
        return web.Response(text="x" * 1000 + ("welcome" if is_good else "who are you?"))

    async with serving(handle) as (_server, origin):
        it = Scene(origin)

        async def harvest() -> Session:
            it.harvests += 1
            it.ends = False
            return make_session(origin, cookies=(make_cookie(value=f"v{it.harvests}"),), harvested_at=it.harvests)

        site = Site(f"{origin}/", dropped=dropped, probe=probe)
        async with SiteClient(site, store="memory", harvest=harvest) as client:
            yield it, client


async def text_of(client: SiteClient, path: str) -> str:
    async with client.get(path) as response:
        return await response.text()


@pytest.mark.parametrize("probe", [None, Probe("/me", good="body:welcome")])
async def test_an_answer_that_only_its_text_gives_away_is_renewed_and_handed_on_whole(probe: Probe | None) -> None:
    async with scene("body:who are you", probe) as (site, client):
        assert (await text_of(client, "/x")) == "x" * 1000 + "welcome"
        site.ends = True
        assert (await text_of(client, "/x")) == "x" * 1000 + "welcome"
        assert site.harvests == 2


async def test_a_marked_answer_to_a_good_session_is_the_callers() -> None:
    """For want of a right: the probe takes the session."""
    async with scene("body:who are you", Probe("/me", good="body:welcome")) as (site, client):
        for _ in range(3):
            assert (await text_of(client, "/forbidden")).endswith("who are you?")
        assert site.harvests == 1


async def test_stated_headers_go_out_unless_the_caller_gives_them() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=request.headers.get("X-Api-Version", "none"))

    async with serving(handle) as (_server, origin):

        async def harvest() -> Session:
            return make_session(origin)

        site = Site(f"{origin}/", stated_headers={"X-Api-Version": "v2"})
        async with SiteClient(site, store="memory", harvest=harvest) as client:
            assert await text_of(client, "/x") == "v2"
            async with client.get("/x", headers={"X-Api-Version": "v1"}) as response:
                assert await response.text() == "v1"
