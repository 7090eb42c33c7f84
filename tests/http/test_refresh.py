"""Sessions that a request renews, without a browser: refresh grants, and endpoints that set a new cookie."""

import asyncio
import base64
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from aiohttp import web

from aura_browser import FileStore, MemoryStore, Probe, Session, SessionKey, Site, SiteClient
from aura_browser.errors import (
    AnswerTimeout,
    AuraError,
    ConnectionFailed,
    HarvestCoolingDown,
    InteractionRequired,
    InvalidInput,
    RateLimited,
    SessionRefused,
    SiteFailed,
)
from aura_browser.http import asking
from aura_browser.http.refresh import refresh_session
from aura_browser.http.refreshing import build_kept_refresh, build_refresh
from aura_browser.keeping.counters import Counters
from aura_browser.keeping.manager import SessionManager
from aura_browser.keeping.refresher import Refresher
from aura_browser.session.session import Proof
from aura_browser.site.place import Template
from aura_browser.site.refresh_request import RefreshRequest
from aura_browser.site.tokens import Auth
from tests.parts.clock import Clock
from tests.parts.servers import serving
from tests.parts.sessions import make_cookie, make_session, take_as_it_is
from tests.parts.waiting import eventually

FORM: dict[str, str | Template] = {
    "grant_type": "refresh_token",
    "refresh_token": Template("{local_storage.tokens.refresh_token}"),
}
AUTH = Auth("Authorization", Template("Bearer {local_storage.tokens.access_token}"))


def jwt(exp: float, number: int) -> str:
    body = base64.urlsafe_b64encode(json.dumps({"exp": exp, "n": number}).encode()).decode().rstrip("=")
    return f"e30.{body}.sig"


@dataclass
class OAuthSite:
    """A site whose access tokens last *life_s* seconds and whose refresh tokens are used up by each use."""

    origin: str = ""
    life_s: float = 3600.0
    number: int = 0
    grants: int = 0
    has_probe: bool = True
    is_dead: bool = False
    opens: bool = False
    gives_refused: bool = False
    refused: set[str] = field(default_factory=set)

    def issue(self) -> dict[str, object]:
        self.number += 1
        access = jwt(time.time() + self.life_s, self.number)
        return {"access_token": access, "refresh_token": f"r{self.number}", "expires_in": self.life_s}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/token":
            self.grants += 1
            form = dict(part.split("=") for part in (await request.text()).split("&"))
            if self.is_dead or form != {"grant_type": "refresh_token", "refresh_token": f"r{self.number}"}:
                return web.json_response({"error": "invalid_grant"}, status=400)
            issued = self.issue()
            if self.gives_refused:
                self.refused.add(str(issued["access_token"]))
            return web.json_response(issued)
        if request.path == "/me" and self.opens and self.grants > 0:
            return web.Response(text="hello, anybody")
        if request.path == "/me" and not self.has_probe:
            return web.Response(status=503)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        except (IndexError, ValueError):
            return web.Response(status=401)
        is_good = claims["n"] == self.number and claims["exp"] > time.time() and token not in self.refused
        return web.Response(status=200 if is_good else 401, text="welcome")

    def refuse_current(self, session: Session) -> None:
        self.refused.add(json.loads(session.local_storage["tokens"])["access_token"])

    async def log_in(self) -> Session:
        storage = {"tokens": json.dumps(self.issue())}
        return make_session(self.origin, cookies=(), local_storage=storage, harvested_at=time.time())

    @property
    def site(self) -> Site:
        refresh = RefreshRequest("/token", form=FORM, into="tokens")
        probe = Probe("/me", good="200", dropped="401")
        return Site(f"{self.origin}/", auth=AUTH, probe=probe, refresh_request=refresh)


@pytest.fixture
async def app() -> AsyncIterator[OAuthSite]:
    app = OAuthSite()
    async with serving(app.handle) as (_, app.origin):
        yield app


async def text_of(client: SiteClient, path: str = "/x") -> str:
    async with client.get(path) as response:
        return await response.text()


async def test_a_refused_token_is_renewed_by_the_grant_and_no_browser_opens(app: OAuthSite) -> None:
    async with SiteClient(app.site, store="memory", harvest=app.log_in) as client:
        first = await client.session()
        assert first.proof == "distinguished"
        assert first.expires_at == pytest.approx(time.time() + 3600, abs=5)
        for _ in range(2):
            app.refuse_current(await client.session())
            assert await text_of(client) == "welcome"
        last = await client.session()
        assert (client.counters.harvests, client.counters.refreshes, app.grants) == (1, 2, 2)
        assert (last.proof, last.generation, last.is_protected) == ("distinguished", 3, True)


async def test_a_grant_renews_under_the_policy_never_too(app: OAuthSite) -> None:
    session = await app.log_in()
    async with SiteClient(app.site, session=session, refresh="never") as client:
        app.refuse_current(session)
        assert await text_of(client) == "welcome"
        assert client.counters.refreshes == 1
        app.is_dead = True
        app.refuse_current(await client.session())
        with pytest.raises(InteractionRequired):
            await text_of(client)


async def test_a_dead_grant_is_asked_once_and_then_a_browser_opens(app: OAuthSite) -> None:
    async with SiteClient(app.site, store="memory", harvest=app.log_in) as client:
        await client.session()
        app.is_dead = True
        app.refuse_current(await client.session())
        assert await text_of(client) == "welcome"
        assert (client.counters.harvests, client.counters.refreshes, app.grants) == (2, 0, 1)


async def test_a_dead_grant_and_no_browser_ask_the_site_once(app: OAuthSite) -> None:
    session = await app.log_in()
    async with SiteClient(app.site, session=session, refresh="never") as client:
        app.is_dead = True
        app.refuse_current(session)
        for _ in range(3):
            with pytest.raises(InteractionRequired):
                await text_of(client)
        assert app.grants == 1


async def test_a_renewed_login_is_kept_where_the_probe_gives_no_answer(app: OAuthSite, tmp_path: Path) -> None:
    """Its former refresh token is used up, so the login would be lost."""
    store = FileStore(tmp_path)
    async with SiteClient(app.site, store=store, harvest=app.log_in) as client:
        app.refuse_current(await client.session())
        app.has_probe = False
        assert await text_of(client) == "welcome"
        assert client.counters.harvests == 1
    stored = await store.load(SessionKey(app.origin))
    assert stored is not None
    assert json.loads(stored.local_storage["tokens"])["refresh_token"] == "r2"
    assert stored.proof == "distinguished"
    app.has_probe = True
    async with SiteClient(app.site, store=store, harvest=app.log_in) as client:
        assert await text_of(client) == "welcome"
        assert client.counters.harvests == 0


async def test_a_grant_whose_token_the_probe_refuses_is_followed_by_a_login(app: OAuthSite, tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    async with SiteClient(app.site, store=store, harvest=app.log_in) as client:
        app.refuse_current(await client.session())
        app.gives_refused = True
        assert await text_of(client) == "welcome"
        assert (client.counters.refreshes, client.counters.harvests, app.grants) == (0, 2, 1)
    stored = await store.load(SessionKey(app.origin))
    assert stored is not None
    assert json.loads(stored.local_storage["tokens"])["refresh_token"] == "r3"


async def test_a_grant_after_which_strangers_get_the_same_answer_is_no_login(app: OAuthSite) -> None:
    site = replace(app.site, probe=Probe("/me"))
    async with SiteClient(site, store="memory", harvest=app.log_in) as client:
        before = await client.session()
        assert before.proof == "distinguished"
        app.refuse_current(before)
        app.opens = True
        with pytest.raises(InteractionRequired, match="gives anybody the same answer"):
            await text_of(client)
        assert (client.counters.refreshes, app.grants) == (0, 1)
        assert (await client.session()).local_storage == before.local_storage


@pytest.mark.slow
async def test_short_tokens_are_renewed_before_they_end(app: OAuthSite) -> None:
    """In the background: no request waits for a refused one."""
    app.life_s = 2.0
    async with SiteClient(app.site, store="memory", harvest=app.log_in) as client:

        async def is_renewed() -> bool:
            assert await text_of(client) == "welcome"
            return client.counters.refreshes >= 3

        await eventually(is_renewed, 30)
        assert client.counters.harvests == 1
        assert client.counters.renewals.get("early", 0) >= 1


async def test_many_who_are_refused_at_once_share_a_grant(app: OAuthSite) -> None:
    async with SiteClient(app.site, store="memory", harvest=app.log_in) as client:
        app.refuse_current(await client.session())
        assert await asyncio.gather(*(text_of(client) for _ in range(30))) == ["welcome"] * 30
        assert (app.grants, client.counters.harvests) == (1, 1)


async def test_an_endpoint_that_sets_a_new_cookie_renews() -> None:
    number = 1

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal number
        if (request.method, request.path) == ("POST", "/auth/refresh"):
            assert await request.json() == {"mode": "session"}
            number += 1
            headers = {"Set-Cookie": f"sid=v{number}; HttpOnly; Path=/; Max-Age=60"}
            return web.json_response({}, headers=headers)
        is_good = request.headers.get("Cookie") == f"sid=v{number}"
        return web.Response(status=200 if is_good else 401, text="welcome")

    async with serving(handle) as (_, origin):
        asked = RefreshRequest("/auth/refresh", json={"mode": "session"})
        site = Site(f"{origin}/", probe=Probe("/me"), refresh_request=asked)
        first = make_session(origin, cookies=(make_cookie(value="v1"),))
        async with SiteClient(site, session=first, refresh="never") as client:
            assert await text_of(client) == "welcome"
            number = 2  # another holder refreshed: this one is refused
            assert await text_of(client) == "welcome"
            assert client.counters.refreshes == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, SessionRefused), (302, SessionRefused), (200, SessionRefused), (429, RateLimited), (502, SiteFailed)],
)
async def test_an_answer_that_renews_nothing_is_an_error(status: int, kind: type[Exception]) -> None:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": "/login"} if status == 302 else {})

    async with serving(handle) as (_, origin):
        site = Site(f"{origin}/", refresh_request=RefreshRequest("/r"))
        with pytest.raises(kind):
            await refresh_session(site, make_session(origin))


@pytest.mark.parametrize("is_stated", [False, True])
async def test_a_request_goes_to_the_listed_origins_only_and_a_password_to_its_own(is_stated: bool) -> None:  # noqa: FBT001
    async def give(_request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"a": "2"})

    password = {"Authorization": "Basic czNjcmV0"}
    stated = password if is_stated else {}
    async with serving(give) as (other, elsewhere):
        asked = RefreshRequest(f"{elsewhere}/t", json={"a": "b"}, into="t")
        headers = {"User-Agent": "x", **({} if is_stated else password)}
        session = make_session("http://127.0.0.1:9", headers=headers)
        with pytest.raises(InvalidInput, match="not at an origin"):
            await refresh_session(Site("http://127.0.0.1:9/", refresh_request=asked), session)
        assert other.seen == []
        site = Site("http://127.0.0.1:9/", origins=(elsewhere,), refresh_request=asked, stated_headers=stated)
        assert json.loads((await refresh_session(site, session)).local_storage["t"]) == {"a": "2"}
        assert "Authorization" not in other.seen[0].headers


async def test_an_answer_without_an_end_is_read_only_so_far() -> None:
    async def give(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while request.transport is not None and not request.transport.is_closing():
            await response.write(b"x" * 2**16)
        return response

    async with asyncio.timeout(20), serving(give) as (_, origin):
        site = Site(f"{origin}/", refresh_request=RefreshRequest("/t", json={"a": "b"}, into="t"))
        with pytest.raises(SessionRefused, match="renews nothing"):
            await refresh_session(site, make_session(origin))


@dataclass
class Limiting:
    """A site that limits refresh requests.

    Attributes:
        retry_after_s: what it says of that; None if it says nothing.
        asked: how often it was asked to renew.
        is_limiting: whether it does so now.
    """

    retry_after_s: int | None
    asked: int = 0
    is_limiting: bool = True

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != "/renew":
            return web.Response(status=200 if "sid=v2" in request.headers.get("Cookie", "") else 401)
        self.asked += 1
        if not self.is_limiting:
            return web.Response(headers={"Set-Cookie": "sid=v2"})
        headers = {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}
        return web.Response(status=429, headers=headers)


async def open_nothing() -> Session:
    raise AssertionError("a browser was opened")


@pytest.mark.parametrize("retry_after_s", [120, None])
@pytest.mark.parametrize("opens_browser", [True, False])
async def test_a_limited_request_is_honoured_and_no_browser_opens_meanwhile(
    retry_after_s: int | None,
    opens_browser: bool,  # noqa: FBT001
) -> None:
    limiting, clock, limited = Limiting(retry_after_s), Clock(), list[Exception]()
    async with serving(limiting.handle) as (_, origin):
        site = Site(f"{origin}/", refresh_request=RefreshRequest("/renew"))
        manager = SessionManager(
            site,
            MemoryStore(),
            SessionKey(origin),
            harvest=open_nothing,
            prove=take_as_it_is,
            clock=clock,
            first=make_session(origin, cookies=(make_cookie("sid", "v1"),)),
            opens_browser=opens_browser,
            refresh=partial(refresh_session, site, clock=clock),
        )
        async with aclosing(manager):
            for _ in range(3):
                with pytest.raises((RateLimited, HarvestCoolingDown), match="429") as caught:
                    await manager.renew(await manager.get())
                assert isinstance(caught.value, RateLimited | HarvestCoolingDown)
                left_s = (retry_after_s or 30) - (clock.now - 5000)
                assert caught.value.retry_after_s == (left_s if retry_after_s or limited else None)
                limited.append(caught.value)
                clock.now += 1
            assert limiting.asked == 1
            limiting.is_limiting = False
            clock.now = 5000 + (retry_after_s or 30)
            assert (await manager.renew(await manager.get())).cookies[0].value == "v2"
        assert (limiting.asked, manager.counters.failures) == (2, 0)


async def test_a_limit_is_no_failure_of_a_browser() -> None:
    """Limited requests, and then one that is refused: a browser is opened at once."""
    limiting, clock = Limiting(1), Clock()
    async with serving(limiting.handle) as (_, origin):

        async def refresh(session: Session) -> Session:
            if limiting.is_limiting:
                return await refresh_session(Site(f"{origin}/", refresh_request=RefreshRequest("/renew")), session)
            raise SessionRefused(origin, 401, "status 401", "")

        async def harvest() -> Session:
            return make_session(origin, cookies=(make_cookie("sid", "v2"),), harvested_at=clock.now)

        manager = SessionManager(
            Site(f"{origin}/"),
            MemoryStore(),
            SessionKey(origin),
            harvest=harvest,
            prove=take_as_it_is,
            clock=clock,
            first=make_session(origin),
            refresh=refresh,
        )
        async with aclosing(manager):
            for _ in range(8):
                with pytest.raises(RateLimited):
                    await manager.renew(await manager.get())
                clock.now += 2
            limiting.is_limiting = False
            assert (await manager.renew(await manager.get())).cookies[0].value == "v2"
            assert limiting.asked == 8


async def test_no_site_is_left_alone_for_days(app: OAuthSite) -> None:
    clock, asked = Clock(), list[float]()

    async def refresh(_session: Session) -> Session:
        asked.append(clock.now)
        raise RateLimited(app.origin, 999_999.0)

    live = cast("Any", SimpleNamespace(correct=None))
    refresher = Refresher(refresh, live=live, counters=Counters(), clock=clock, budget=None)
    for seconds in (0, 3599, 3601):
        clock.now = 5000 + seconds
        with pytest.raises(RateLimited):
            await refresher.try_refresh(make_session(), "refused")
    assert asked == [5000, 8601]


@pytest.mark.parametrize(
    ("error", "opens_browser"),
    [
        (ConnectionFailed("http://127.0.0.1:9/r", "refused"), False),
        (AnswerTimeout("http://127.0.0.1:9/r", 60.0), False),
        (SiteFailed("http://127.0.0.1:9/r", 503, "Maintenance"), False),
        (SiteFailed("http://127.0.0.1:9/r", 500, "Broken"), True),  # as some answer a token that is over
        (SiteFailed("http://127.0.0.1:9/r", 404, "Not Found"), True),
    ],
)
async def test_while_the_site_is_away_no_browser_is_opened_and_no_person_asked_for(
    error: AuraError, *, opens_browser: bool
) -> None:
    async def refresh(_session: Session) -> Session:
        raise error

    live = cast("Any", SimpleNamespace(correct=None))
    refresher = Refresher(refresh, live=live, counters=Counters(), clock=Clock(), budget=None)
    if opens_browser:
        assert await refresher.try_refresh(make_session(), "refused") is None
    else:
        with pytest.raises(type(error)):
            await refresher.try_refresh(make_session(), "refused")


async def test_a_page_that_is_kept_does_not_renew_what_the_site_limits() -> None:
    async def by_site(_session: Session) -> Session:
        raise RateLimited("http://127.0.0.1:9/renew", 60.0)

    renew = build_kept_refresh(by_site, take_as_it_is, cast("Any", None))
    with pytest.raises(RateLimited):
        await renew(make_session())


class RenewingPage:
    """Stands in for pages: its page gives a new session."""

    async def renew(self, session: Session) -> Session:
        return msgspec.structs.replace(session, cookies=(make_cookie("sid", "from-the-page"),))


async def test_a_page_that_is_kept_renews_what_the_request_does_not(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def by_site(_session: Session) -> Session:
        raise SiteFailed("http://127.0.0.1:9/renew", 502, "Bad Gateway")

    renew = build_kept_refresh(by_site, take_as_it_is, cast("Any", RenewingPage()))
    assert (await renew(make_session())).cookies[0].value == "from-the-page"
    assert "http://127.0.0.1:8080 failed" in caplog.text
    assert "502" in caplog.text


@pytest.mark.parametrize("before", ["distinguished", "unproven"])
async def test_a_page_that_lost_its_login_renews_no_session_that_had_one(before: Proof) -> None:
    async def prove(session: Session) -> Session:
        return msgspec.structs.replace(session, proof="open")

    session, renew = make_session(proof=before), build_kept_refresh(None, prove, cast("Any", RenewingPage()))
    if before == "unproven":
        assert (await renew(session)).proof == "open"
        return
    with pytest.raises(SessionRefused, match="a stranger gets the same answer"):
        await renew(session)


async def test_an_answer_may_come_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the site has rotated meanwhile would be lost; of a probe's answer nothing is."""
    monkeypatch.setattr(asking, "BODY_TIMEOUT_S", 0.05)

    async def give(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(0.3)
        await response.write(b'{"a": "2"}')
        return response

    async with serving(give) as (_, origin):
        site = Site(f"{origin}/", refresh_request=RefreshRequest("/t", json={"a": "b"}, into="t"))
        assert json.loads((await refresh_session(site, make_session(origin))).local_storage["t"]) == {"a": "2"}


async def test_a_site_that_limits_refresh_requests_is_opened_for_no_other_session() -> None:
    limiting, store = Limiting(120), MemoryStore()
    async with serving(limiting.handle) as (_, origin):
        site = Site(f"{origin}/", refresh_request=RefreshRequest("/renew"))
        await store.save(SessionKey(origin), make_session(origin))
        async with SiteClient(site, store=store, harvest=open_nothing) as client:
            with pytest.raises(RateLimited):
                await text_of(client)
        async with SiteClient(site, store=store, session="other", harvest=open_nothing) as client:
            with pytest.raises(HarvestCoolingDown, match="429"):
                await text_of(client)


@pytest.mark.parametrize(
    ("site", "name", "problem"),
    [
        (Site("http://a.example/"), "refresh_request", "the site has none"),
        (
            Site("http://a.example/", refresh_request=RefreshRequest("http://b.example/t?key=s3cret")),
            "refresh_request",
            "http://b.example/t is not at an origin that the site lists",
        ),
    ],
)
async def test_a_request_that_can_not_be_sent_is_named(site: Site, name: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await refresh_session(site, make_session("http://a.example"))
    assert (caught.value.name, caught.value.problem) == (name, problem)


@pytest.mark.parametrize(
    ("status", "kind", "facts"),
    [
        (300, SessionRefused, {"mark": "status 300: it is not renewed"}),
        (499, SessionRefused, {"mark": "status 499: it is not renewed"}),
        (299, SessionRefused, {"mark": "the answer renews nothing"}),
        (500, SiteFailed, {"message": "So bad", "retry_after_s": None}),
        (429, RateLimited, {"retry_after_s": 7.0}),
    ],
)
async def test_why_nothing_is_renewed_is_told(status: int, kind: type[Exception], facts: dict[str, object]) -> None:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, reason="So bad", headers={"Retry-After": "7"})

    async with serving(handle) as (_, origin):
        with pytest.raises(kind) as caught:
            await refresh_session(
                Site(f"{origin}/", refresh_request=RefreshRequest("/r?t=s3cret")), make_session(origin)
            )
    told = vars(caught.value)
    assert told["url"] == f"{origin}/r"
    assert {name: told[name] for name in facts} == facts
    if kind is SessionRefused:
        assert told["status"] == status
        command = f"aura-browser harvest {origin}/ --interactive"
        assert told["advice"] == f"A person has to log in again: {command}"


async def test_a_session_without_what_renews_it_is_refused_unasked() -> None:
    site = Site("http://127.0.0.1:9/", refresh_request=RefreshRequest("/t", form=FORM))
    with pytest.raises(SessionRefused) as caught:
        await refresh_session(site, make_session("http://127.0.0.1:9"))
    assert (caught.value.status, caught.value.mark) == (0, "the session does not hold what renews it")


async def test_the_request_looks_like_a_pages_but_for_what_the_site_states() -> None:
    async def give(_request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"a": "2"}, headers={"Set-Cookie": "sid=new"})

    async with serving(give) as (server, origin):
        headers = {"accept": "mine", "content-type": "text/odd", "X-Own": "1"}
        asked = RefreshRequest("/t#part", json={"a": "b"}, headers=headers, into="t")
        site = Site(f"{origin}/", refresh_request=asked, stated_headers={"sec-fetch-mode": "stated"})
        renewed = await refresh_session(site, make_session(origin, rotation=7), clock=lambda: 7000.0)
    (seen,) = server.seen
    sent = {name: seen.headers.getall(name) for name in ("Accept", "Content-Type", "X-Own", "Sec-Fetch-Mode")}
    assert sent == {
        "Accept": ["mine"],
        "Content-Type": ["application/json"],
        "X-Own": ["1"],
        "Sec-Fetch-Mode": ["stated"],
    }
    fetched = {name: seen.headers[name] for name in ("Origin", "Referer", "Sec-Fetch-Site", "Sec-Fetch-Dest")}
    assert fetched == {
        "Origin": origin,
        "Referer": f"{origin}/",
        "Sec-Fetch-Site": "same-origin",
        "Sec-Fetch-Dest": "empty",
    }
    assert (seen.method, server.bodies) == ("POST", [b'{"a": "b"}'])
    assert (renewed.harvested_at, renewed.rotation) == (7000.0, 0)


async def test_a_new_cookie_ends_by_the_servers_clock() -> None:
    async def give(_request: web.BaseRequest) -> web.StreamResponse:
        date = {"Date": "Thu, 01 Jan 1970 01:00:00 GMT"}
        return web.Response(headers={"Set-Cookie": "sid=new; Expires=Thu, 01 Jan 1970 02:00:00 GMT", **date})

    async with serving(give) as (_, origin):
        site = Site(f"{origin}/", refresh_request=RefreshRequest("/t"))
        renewed = await refresh_session(site, make_session(origin), clock=lambda: 100_000.0)
    assert [cookie.expires for cookie in renewed.cookies] == [103_600.0]


@pytest.mark.parametrize(
    ("before", "proof", "kept"),
    [
        ("distinguished", "unproven", "distinguished"),
        ("distinguished", "distinguished", "distinguished"),
        ("unproven", "open", "open"),
        ("open", "unproven", "open"),
    ],
)
async def test_a_proof_that_says_nothing_takes_none_away(before: Proof, proof: Proof, kept: Proof) -> None:
    async def by_site(session: Session) -> Session:
        return session

    async def prove(session: Session) -> Session:
        return msgspec.structs.replace(session, proof=proof)

    renew = build_refresh(Site("http://a.example/", refresh_request=RefreshRequest("/t")), prove, by_site)
    assert renew is not None
    assert (await renew(make_session(proof=before))).proof == kept


async def test_a_login_that_became_anybodys_is_refused_by_name() -> None:
    async def by_site(session: Session) -> Session:
        return session

    async def prove(session: Session) -> Session:
        return msgspec.structs.replace(session, proof="open")

    renew = build_refresh(Site("http://a.example/", refresh_request=RefreshRequest("/t")), prove, by_site)
    assert renew is not None
    with pytest.raises(SessionRefused) as caught:
        await renew(make_session("http://a.example", proof="distinguished"))
    assert (caught.value.url, caught.value.status) == ("http://a.example", 200)
    assert caught.value.advice == "Log in again."
