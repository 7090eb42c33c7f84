"""Proving a session through the real client, against real servers and gates."""

import asyncio
import socket
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from aura_browser.assembly import assemble
from aura_browser.errors import (
    AnswerTimeout,
    ChatError,
    ConnectionFailed,
    HarvestCoolingDown,
    InvalidInput,
    RateLimited,
    SessionRefused,
    SiteFailed,
)
from aura_browser.http.asking import resolve_probe
from aura_browser.http.comparison import ProbeAnswer
from aura_browser.http.proof import prove
from aura_browser.http.verdict import Ruling, Verdict
from aura_browser.playground import Playground
from aura_browser.session import Session
from aura_browser.site import Probe, Site, openchat_site, page_site
from aura_browser.store import FileStore, MemoryStore, SessionKey, Store
from tests.parts.clock import Clock
from tests.parts.harvests import Harvests
from tests.parts.servers import Handler, serving
from tests.parts.sessions import make_cookie, make_session


def answering(status: int = 200, text: str = "", **headers: str) -> Handler:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=text, headers=sent)

    return handle


async def refusal_of(session: Session, url: str, *, is_page: bool = False) -> SessionRefused:
    site = page_site(url) if is_page else openchat_site(url)
    with pytest.raises(SessionRefused) as caught:
        await prove(site, session)
    return caught.value


async def test_a_good_session_is_proven_and_rotated() -> None:
    async with Playground("login-401", sliding=True) as site:
        session, clock = await Harvests(site)(), Clock()
        proven = await prove(openchat_site(site.origin), session, clock=clock)
        assert proven.verified_at == clock.now
        [before], [after] = session.cookies, proven.cookies
        assert (after.name, after.http_only) == (before.name, True)
        assert after.value != before.value
        again = await prove(openchat_site(site.origin), proven)
        assert again.cookies != proven.cookies
        assert [request.path for request in site.requests[-2:]] == ["/api/models", "/api/models"]


async def test_a_session_that_is_not_rotated_is_proven_all_the_same() -> None:
    async with Playground("login-redirect") as site:
        session, clock = await Harvests(site)(), Clock()
        proven = await prove(openchat_site(site.origin), session, clock=clock)
        assert (proven.verified_at, proven.cookies) == (clock.now, session.cookies)


@pytest.mark.parametrize(
    ("gate", "status", "mark", "advice"),
    [
        ("check-503", 503, "status 503 with a check page", "pass the check yourself"),
        ("check-403", 403, "status 403", "not this client"),
        ("login-401", 401, "status 401", "a login that this session does not hold; or"),
        ("login-redirect", 302, "status 302 to {origin}/login", "It holds no login that the site takes. Log in again."),
    ],
)
async def test_each_gate_refuses_a_made_up_session(gate: str, status: int, mark: str, advice: str) -> None:
    async with Playground(gate) as site:
        refused = await refusal_of(make_session(site.origin), site.origin)
        assert (refused.status, refused.mark) == (status, mark.format(origin=site.origin))
        assert refused.url == f"{site.origin}/api/models"
        assert advice in str(refused)
        assert ("TLS" in str(refused)) == (gate != "login-redirect"), "only where it may be the cause"
        assert "s3cret" not in f"{refused} {refused!r}"


@pytest.mark.parametrize(
    ("facts", "advice"),
    [({"proof": "distinguished"}, "Its login has ended."), ({"expires_at": 2.0}, "Its cookies have expired.")],
)
async def test_what_is_known_of_a_session_is_the_cause_that_is_named(facts: dict[str, object], advice: str) -> None:
    async with Playground("login-401") as site:
        refused = await refusal_of(make_session(site.origin, **facts), site.origin)
        assert refused.advice == f"{advice} Log in again."


@pytest.mark.parametrize("gate", ["check-503", "check-403", "login-401", "login-redirect"])
async def test_each_gate_refuses_a_page_too(gate: str) -> None:
    async with Playground(gate) as site:
        refused = await refusal_of(make_session(site.origin), site.origin, is_page=True)
        assert refused.url == f"{site.origin}/"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_away_from_the_page_is_a_refusal_without_its_token(status: int) -> None:
    async with serving(answering(status, Location="/login?token=s3cret#s3cret")) as (server, origin):
        refused = await refusal_of(make_session(origin, url=f"{origin}/home?q=s3cret"), origin, is_page=True)
        assert (refused.url, refused.status) == (f"{origin}/home", status)
        assert refused.mark == f"status {status} to {origin}/login"
        assert "s3cret" not in str(refused)
        assert {request.path for request in server.seen} == {"/home"}


async def test_a_login_page_with_200_where_the_app_answers_is_a_refusal() -> None:
    async with serving(answering(text="<form>", Content_Type="text/html")) as (_server, origin):
        refused = await refusal_of(make_session(origin), origin)
        assert refused.status == 200


@pytest.mark.parametrize(("headers", "wait_s"), [({"Retry_After": "7"}, 7.0), ({}, None)])
async def test_a_limit_is_honoured(headers: dict[str, str], wait_s: float | None) -> None:
    async with serving(answering(429, **headers)) as (_server, origin):
        with pytest.raises(RateLimited) as caught:
            await prove(openchat_site(origin), make_session(origin))
        assert (caught.value.url, caught.value.retry_after_s) == (f"{origin}/api/models", wait_s)


@pytest.mark.parametrize("status", [404, 500, 503])
async def test_an_error_of_the_site_says_nothing_about_the_session(status: int) -> None:
    async with serving(answering(status, "<h1>Down</h1>", Content_Type="text/html")) as (_server, origin):
        with pytest.raises(SiteFailed) as caught:
            await prove(openchat_site(origin), make_session(origin))
        assert caught.value.status == status
        assert caught.value.message


async def test_nobody_listens() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        origin = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConnectionFailed) as caught:
            await prove(openchat_site(origin), make_session(origin))
        assert caught.value.url == f"{origin}/api/models"


async def test_a_silent_server_ends_the_probe() -> None:
    silence = asyncio.Event()

    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        await silence.wait()
        return web.Response()

    async with serving(handle) as (_server, origin):
        with pytest.raises(AnswerTimeout) as caught:
            await prove(openchat_site(origin), make_session(origin), read_timeout_s=0.1)
        assert caught.value.read_timeout_s == 0.1
        silence.set()


async def test_the_probe_goes_through_the_sessions_proxy() -> None:
    async with serving(answering(text="[]")) as (proxy, address):
        await prove(openchat_site("http://chat.invalid"), make_session("http://chat.invalid", proxy=address))
        request, control = sorted(proxy.seen, key=lambda seen: "Cookie" not in seen.headers)
        assert "Cookie" not in control.headers
        assert (request.method, request.raw_path) == ("POST", "http://chat.invalid/api/models")
        assert request.headers["Host"] == "chat.invalid"


async def test_a_proxy_that_is_away_is_told_apart() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConnectionFailed, match="the proxy can't be reached"):
            await prove(openchat_site("http://chat.invalid"), make_session("http://chat.invalid", proxy=proxy))


async def test_each_learned_probe_is_asked_with_what_the_one_before_it_rotated() -> None:
    value, count = "s3cret-0", 0

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal value, count
        if request.headers.get("Cookie") != f"sid={value}":
            return web.json_response({}, status=401 if request.path == "/me" else 200)
        count += 1
        value = f"s3cret-{count}"
        return web.json_response({}, headers={"Set-Cookie": f"sid={value}; Path=/"})

    async with serving(handle) as (_, origin):
        session = make_session(origin, cookies=(make_cookie(value=value),), page_requests=("/news", "/me"))
        proven = await prove(page_site(origin), session)
    assert (proven.proof, proven.probe, proven.cookies[0].value) == ("distinguished", "/me", "s3cret-3")


async def test_a_page_is_asked_for_just_as_the_browser_did() -> None:
    async with serving(answering(text="<p>hi", Content_Type="text/html")) as (server, origin):
        cookies = (
            make_cookie("old", 'a"+/=='),
            make_cookie("deep", "d", path="/home"),
            make_cookie("elsewhere", "s3cret", path="/other"),
            make_cookie("foreign", "s3cret", domain="example.com"),
            make_cookie("over", "s3cret", expires=1.0),
        )
        session = make_session(origin, url=f"{origin}/home?tab=1", cookies=cookies)
        await prove(page_site(origin), session)
        request, control = sorted(server.seen, key=lambda seen: "Cookie" not in seen.headers)
        assert (request.method, request.raw_path, server.bodies) == ("GET", "/home?tab=1", [b"", b""])
        without = [(name, value) for name, value in request.headers.items() if name != "Cookie"]
        assert list(control.headers.items()) == without
        assert request.headers.getall("Cookie") == ['deep=d; old=a"+/==']
        shown = {name: request.headers.getall(name) for name in session.headers}
        assert shown == {name: [value] for name, value in session.headers.items()}


async def test_a_session_without_cookies_sends_no_cookie_header() -> None:
    async with serving(answering(text="hi")) as (server, origin):
        await prove(page_site(origin), make_session(origin, cookies=()))
        assert "Cookie" not in server.seen[0].headers


class Logins:
    """A harvest that brings good sessions, until it is told to bring worthless ones."""

    def __init__(self, site: Playground) -> None:
        self.is_good = True
        self._log_in = Harvests(site)

    async def __call__(self) -> Session:
        session = await self._log_in()
        return session if self.is_good else session.with_cookies((make_cookie("session", "worthless"),))


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MemoryStore() if request.param == "memory" else FileStore(tmp_path / "sessions")


async def previous_of(store: Store, key: SessionKey) -> bytes | None:
    return await store.read(f"{key.slug}.previous")


async def test_a_harvest_that_is_refused_leaves_the_old_session_in_place(store: Store) -> None:
    async with Playground("login-401") as site:
        key, harvest = SessionKey(site.origin), Logins(site)
        manager = assemble(openchat_site(site.origin), store=store, harvest=harvest)
        good = await manager.get()
        before = await store.read(key.slug)
        harvest.is_good = False
        with pytest.raises(SessionRefused):
            await manager.renew(good)
        with pytest.raises(HarvestCoolingDown, match="status 401"):
            await manager.renew(good)
        assert (await store.read(key.slug), await previous_of(store, key)) == (before, None)
        assert await manager.get() == good
        await manager.aclose()
        assert await store.load(key) == good


async def test_a_good_harvest_keeps_what_it_replaced_as_the_previous_one(store: Store) -> None:
    async with Playground("login-401") as site:
        key = SessionKey(site.origin)
        manager = assemble(openchat_site(site.origin), store=store, harvest=Logins(site))
        first = await manager.get()
        assert await previous_of(store, key) is None
        replaced = await store.read(key.slug)
        second = await manager.renew(first)
        assert await previous_of(store, key) == replaced == first.to_json().encode()
        assert (await store.load(key), second.cookies != first.cookies) == (second, True)
        await manager.aclose()


@pytest.mark.parametrize("status", [429, 500])
async def test_a_session_that_could_not_be_proven_is_not_kept(status: int) -> None:
    async with serving(answering(status)) as (_server, origin):

        async def harvest() -> Session:
            return make_session(origin)

        store = MemoryStore()
        manager = assemble(openchat_site(origin), store=store, harvest=harvest)
        with pytest.raises(ChatError):
            await manager.get()
        assert await store.load(SessionKey(origin)) is None
        await manager.aclose()


async def test_a_redirect_to_no_address_is_a_refusal_too() -> None:
    async with serving(answering(302, Location="http://[")) as (_server, origin):
        with pytest.raises(SessionRefused, match="status 302 to a malformed URL"):
            await prove(page_site(origin), make_session(origin))


async def test_no_redirect_is_followed_with_the_session() -> None:
    async with serving(answering(text="hi")) as (other, elsewhere):
        async with serving(answering(302, Location=f"{elsewhere}/")) as (_server, origin):
            refused = await refusal_of(make_session(origin), origin)
            assert refused.mark == f"status 302 to {elsewhere}/"
        assert other.seen == []
        # The server would have answered.
        async with aiohttp.ClientSession() as http, http.get(elsewhere) as response:
            assert response.status == 200


ME = Probe("/api/me", identity="json:user")


def naming(user: str, filler: int = 0) -> Handler:
    """Name the account to who shows the cookie."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if "Cookie" not in request.headers:
            return web.json_response({"error": "who?"}, status=401)
        return web.json_response({"filler": "x" * filler, "user": user})

    return handle


def site_with(origin: str, probe: Probe | None = ME) -> Site:
    return Site(f"{origin}/", probe=probe)


async def test_a_cookie_is_sent_until_it_ends_by_the_given_clock() -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=200 if request.cookies else 401, content_type="application/json", text="{}")

    async with serving(answer) as (_server, origin):
        clock = Clock()
        session = make_session(origin, cookies=(make_cookie("sid", "good", expires=clock.now + 1),))
        assert (await prove(site_with(origin), session, clock=clock)).proof == "distinguished"
        clock.now += 2
        with pytest.raises(SessionRefused):
            await prove(site_with(origin), session, clock=clock)


async def test_a_proof_says_what_it_saw_without_a_value() -> None:
    async with serving(naming("ann@example.com")) as (_server, origin):
        proven = await prove(site_with(origin), make_session(origin, is_login=None))
        assert (proven.proof, proven.is_login) == ("distinguished", False)
        good, control, asked = proven.evidence
        assert good.startswith("200; application/json; ")
        assert (control, asked) == ("401; application/json", "asked GET /api/me")
        assert proven.identity is not None
        assert "ann" not in f"{proven.evidence} {proven.identity} {proven!r}"


async def test_an_account_is_read_from_a_mebibyte_too() -> None:
    async with serving(naming("ann", filler=2**20)) as (_server, origin):
        large = await prove(site_with(origin), make_session(origin))
    async with serving(naming("ann")) as (_server, origin):
        small = await prove(site_with(origin), make_session(origin))
    assert large.identity == small.identity is not None


async def test_a_session_that_became_another_accounts_is_refused() -> None:
    async with serving(naming("ann")) as (server, origin):
        session = await prove(site_with(origin), make_session(origin))
        server._handler = naming("bob")
        with pytest.raises(SessionRefused, match="another account"):
            await prove(site_with(origin), session)


class Control:
    """Answers the session well, and those without one as told."""

    def __init__(self) -> None:
        self.status = 401
        self.headers: dict[str, str] = {}
        self.hangs = False
        self.ended = asyncio.Event()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        if "Cookie" in request.headers:
            return web.json_response({"user": "ann"})
        if self.hangs:
            await self.ended.wait()
        return web.Response(status=self.status, headers=self.headers)


@pytest.mark.parametrize("how", ["hangs", "429", "503", "check", "redirect to itself"])
async def test_without_a_control_nothing_new_is_proven_and_nothing_lost(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aura_browser.http.prover._CONTROL_TIMEOUT_S", 0.05)
    control = Control()
    async with serving(control) as (_server, origin), asyncio.timeout(20):
        good = await prove(site_with(origin), make_session(origin))
        control.hangs = how == "hangs"
        control.status = {"429": 429, "503": 503, "check": 403, "redirect to itself": 302}.get(how, 401)
        control.headers = {"check": {"cf-mitigated": "challenge"}, "redirect to itself": {"Location": "/api/me"}}.get(
            how, {}
        )
        fresh = await prove(site_with(origin), make_session(origin, is_login=None))
        assert (fresh.proof, fresh.is_login) == ("unproven", None)
        again = await prove(site_with(origin), good)
        assert (again.proof, again.evidence, again.identity) == (good.proof, good.evidence, good.identity)
        control.ended.set()


async def test_what_was_a_login_stays_protected_where_the_site_lets_in_anybody() -> None:
    is_open = False

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=200 if is_open or "Cookie" in request.headers else 401, text="hi")

    async with serving(handle) as (_server, origin):
        good = await prove(site_with(origin, Probe("/x")), make_session(origin))
        is_open = True
        later = await prove(site_with(origin, Probe("/x")), good)
        assert (later.proof, later.is_login, later.is_protected) == ("open", True, True)
        # What another probe is answered is compared with nothing that this one saw.
        other = await prove(site_with(origin, Probe("/y")), good)
        assert (other.proof, other.is_protected) == ("open", True)


async def test_a_page_that_never_ends_is_judged_by_what_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_browser.http.asking.BODY_TIMEOUT_S", 0.1)
    ended = asyncio.Event()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if "Cookie" not in request.headers:
            return web.Response(status=401)
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        await response.write(b"<p>hi")
        await ended.wait()
        return response

    async with serving(handle) as (_server, origin), asyncio.timeout(10):
        assert (await prove(site_with(origin, None), make_session(origin))).proof == "distinguished"
        with pytest.raises(AnswerTimeout):  # an account can't be read from a part
            await prove(site_with(origin), make_session(origin))
        ended.set()


async def test_no_cookie_of_a_refused_or_a_reset_answer_is_kept() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        status = 200 if "Cookie" in request.headers else 401
        return web.Response(status=status, headers={"Set-Cookie": "sid=; Path=/; Max-Age=0"})

    async with serving(handle) as (_server, origin):
        session = make_session(origin)
        assert (await prove(site_with(origin, Probe("/x")), session)).cookies == session.cookies


async def test_what_an_answer_sets_anew_is_kept_though_it_deletes_another_cookie() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        response = web.Response(status=200 if "Cookie" in request.headers else 401)
        response.headers.add("Set-Cookie", "flash=; Path=/; Max-Age=0")
        response.headers.add("Set-Cookie", "sid=rotated; Path=/")
        return response

    async with serving(handle) as (_server, origin):
        cookies = (make_cookie("sid", "old"), make_cookie("flash", "hello"))
        proven = await prove(site_with(origin, Probe("/x")), make_session(origin, cookies=cookies))
    assert proven.proof == "distinguished"
    assert {cookie.name: cookie.value for cookie in proven.cookies} == {"sid": "rotated", "flash": "hello"}


async def test_an_answer_to_a_probe_shows_no_secret() -> None:
    answer = ProbeAnswer(
        URL("http://127.0.0.1/me?token=s3cret"), 200, {"X": "s3cret"}, b"s3cret", ("sid=s3cret",), "OK", judged_ok()
    )
    assert "s3cret" not in repr(answer)


def judged_ok() -> Ruling:
    return Ruling(Verdict.OK, "status 200")


async def test_a_token_in_the_path_of_a_redirect_is_no_difference() -> None:
    tokens = iter(range(100))

    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": f"/login;jsessionid=s3cret{next(tokens)}?t=s3cret"})

    async with serving(handle) as (_server, origin):
        proven = await prove(site_with(origin, Probe("/x", good="302")), make_session(origin))
        assert proven.proof == "open"
        assert "s3cret" not in str(proven.evidence)


@pytest.mark.parametrize("is_stated", [False, True])
async def test_a_password_is_shown_to_no_other_origin(is_stated: bool) -> None:  # noqa: FBT001
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({}, status=200 if "sid=v1" in request.headers.get("Cookie", "") else 401)

    async with serving(answer) as (server, api):
        origin = "http://127.0.0.1:9"
        password = {"Authorization": "Basic czNjcmV0"}
        stated = password if is_stated else {}
        site = Site(f"{origin}/", origins=(api,), probe=Probe(f"{api}/me"), stated_headers=stated)
        headers = {"User-Agent": "x", **({} if is_stated else password)}
        session = make_session(origin, cookies=(make_cookie("sid", "v1"),), headers=headers)
        assert (await prove(site, session)).proof == "distinguished"
    assert server.seen
    assert [request for request in server.seen if "Authorization" in request.headers] == []


async def test_a_stranger_has_no_password_that_the_site_states() -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=200 if "authorization" in request.headers else 401)

    async with serving(answer) as (_, origin):
        site = Site(f"{origin}/", probe=Probe("/me"), stated_headers={"authorization": "Basic czNjcmV0"})
        assert (await prove(site, make_session(origin))).proof == "distinguished"


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (
            "https://b.example/me?key=s3cret",
            "https://b.example/me is not at https://a.example; the session stays there",
        ),
        ("//b.example/me", "https://b.example/me is not at https://a.example; the session stays there"),
        ("https://[", "its path is not a path or a URL"),
    ],
)
def test_a_probe_elsewhere_is_refused_by_name(path: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        resolve_probe(page_site("https://a.example/"), Probe(path), make_session("https://a.example"))
    assert (caught.value.name, caught.value.problem) == ("probe", problem)
