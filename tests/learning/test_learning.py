"""What is learned of sites of several kinds, from what a browser was seen to ask for."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from aiohttp import web

from aura_browser import Session, SiteClient
from aura_browser.errors import RateLimited
from aura_browser.http.proof import prove
from aura_browser.learning.probes import MAX_REQUESTS
from aura_browser.learning.proposal import Proposal, check_definition, propose
from aura_browser.webdriver.network_log import SeenRequest
from aura_browser.webdriver.watching import Watched
from tests.parts.servers import Handler, Server, serving
from tests.parts.sessions import make_cookie, make_session

SECRET = "s3cret-token-of-a-person"


def jwt(claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{body}.c2lnbmF0dXJl"


def seen(url: str, *, mime: str = "application/json", method: str = "GET", **facts: Any) -> SeenRequest:  # noqa: ANN401
    kind = facts.pop("kind", "Document" if "html" in mime else "Fetch")
    status, sent = facts.pop("status", 200), {"Host": "".join(url.split("/")[2:3])} | facts.pop("sent", {})
    return SeenRequest(url=url, method=method, kind=kind, status=status, mime_type=mime, sent=[sent], **facts)


def session_at(origin: str, page: str = "/app", **facts: Any) -> Session:  # noqa: ANN401
    cookies = (make_cookie("lang", "en", http_only=False), make_cookie("sid", SECRET, http_only=True))
    return make_session(origin, url=f"{origin}{page}", **{"cookies": cookies, "local_storage": {}, **facts})


@dataclass
class Scene:
    """A site, and what a browser was seen to ask of it."""

    server: Server
    origin: str


@asynccontextmanager
async def site_of(handle: Handler) -> AsyncIterator[Scene]:
    async with serving(handle) as (server, origin):
        yield Scene(server, origin)


def is_member(request: web.BaseRequest) -> bool:
    return f"sid={SECRET}" in request.headers.get("Cookie", "").split("; ")


async def learn(scene: Scene, session: Session, *requests: SeenRequest) -> Proposal:
    """Return what was learned; nothing of it holds a value, and nothing was sent but what may be."""
    proposal = await propose(session.url, Watched(session, requests))
    shown = json.dumps(proposal.definition) + repr(proposal.findings) + repr(proposal)
    assert SECRET not in shown
    assert proposal.sent == len(scene.server.seen) <= MAX_REQUESTS
    assert {request.method for request in scene.server.seen} <= {"GET", "HEAD"}
    return proposal


async def check_works(proposal: Proposal, session: Session) -> None:
    """Check that the definition works unedited: it proves the login, refuses nobody's session, and a client uses it."""
    site = check_definition("learned", proposal)
    assert (await prove(site, proposal.session)).proof == "distinguished"
    assert site.probe is not None
    async with (
        SiteClient(site, session=proposal.session, refresh="never") as client,
        client.get(site.probe.path) as got,
    ):
        assert got.status == 200


async def test_a_cookie_and_an_api() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/app":
            return web.Response(text="<p>App</p>", content_type="text/html")
        if request.path == "/api/config":
            return web.json_response({"theme": "dark"})
        if not is_member(request):
            return web.json_response({"error": "who are you?"}, status=401)
        return web.json_response({"username": "boss", "id": 5})

    async with site_of(handle) as scene:
        session = session_at(scene.origin)
        requests = [
            seen(f"{scene.origin}/app", mime="text/html"),
            seen(f"{scene.origin}/api/config"),
            seen(f"{scene.origin}/api/me"),
        ]
        proposal = await learn(scene, session, *requests)
        assert proposal.definition == {
            "url": f"{scene.origin}/app",
            "probe": {"get": "/api/me", "good": "200 application/json", "dropped": "401", "identity": "json:username"},
            "until": ["probe"],
        }
        found = {finding.what: (finding.found, finding.sureness) for finding in proposal.findings}
        assert found["cookies"] == ("sid", "tested")
        assert found["probe"][1] == "tested"
        await check_works(proposal, session)


async def test_a_login_that_each_answer_changes_is_learned_and_not_lost() -> None:
    """Cookies have other values with each answer, a counter is no account, and a cookie that stands in is spent."""
    number, served = 1, 0

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal number, served
        sent = set(request.headers.get("Cookie", "").split("; "))
        served += 1
        if not sent & {f"{name}={SECRET}{number}" for name in ("sid", "remember")}:
            return web.json_response({}, status=401)
        number += 1
        response = web.json_response({"id": served, "account": "boss"})
        for name in ("sid", "remember"):
            response.set_cookie(name, f"{SECRET}{number}", httponly=True)
        return response

    async with site_of(handle) as scene:
        cookies = tuple(make_cookie(name, f"{SECRET}1", http_only=True) for name in ("sid", "remember"))
        session = session_at(scene.origin, cookies=cookies)
        proposal = await learn(scene, session, seen(f"{scene.origin}/api/me"))
        assert proposal.definition["probe"]["identity"] == "json:account"
        assert (await prove(check_definition("learned", proposal), proposal.session)).proof == "distinguished"


async def test_a_strangers_cookie_takes_no_logins_place() -> None:
    """Without its cookie a login is answered with 200, and with a cookie for a stranger, as PHP does it."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if is_member(request):
            return web.json_response({"username": "boss"})
        response = web.json_response({"error": "log in"})
        response.set_cookie("sid", "strangers", httponly=True)
        return response

    async with site_of(handle) as scene:
        session = session_at(scene.origin)
        proposal = await learn(scene, session, seen(f"{scene.origin}/api/me"))
        assert proposal.session.cookies == session.cookies
        await check_works(proposal, session)


@pytest.mark.parametrize("where", ["storage", "memory", "other origin"])
async def test_a_bearer_token(where: str) -> None:
    token = jwt({"exp": 4e9, "sub": SECRET})

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/app":
            return web.Response(text="<p>App</p>", content_type="text/html")
        is_good = request.headers.get("Authorization") == f"Bearer {token}"
        return web.json_response({"user": {"name": "boss"}} if is_good else {}, status=200 if is_good else 403)

    async with AsyncExitStack() as exits:
        scene = await exits.enter_async_context(site_of(handle))
        api = await exits.enter_async_context(site_of(handle)) if where == "other origin" else scene
        storage = {} if where == "memory" else {"auth": json.dumps({"tokens": [{"access": token}]}), "x": "y" * 20}
        session = session_at(scene.origin, local_storage=storage, cookies=())
        sent = {"Authorization": f"Bearer {token}", "Accept": "application/json", "sec-ch-ua": "x"}
        proposal = await propose(session.url, Watched(session, (seen(f"{api.origin}/v1/user", sent=sent),)))
        place = "{captured}" if where == "memory" else "Bearer {local_storage.auth.tokens.0.access}"
        assert proposal.definition["auth"] == {"header": "Authorization", "value": place}
        assert proposal.definition["probe"]["identity"] == "json:user.name"
        assert proposal.definition.get("origins", []) == ([api.origin] if where == "other origin" else [])
        assert token not in json.dumps(proposal.definition) + repr(proposal)
        assert ("end", "the token says it") in {(f.what, f.found) for f in proposal.findings}
        await check_works(proposal, session)


@pytest.mark.parametrize("way", ["later request", "redirect"])
async def test_a_token_that_went_to_another_site_is_never_taken(way: str) -> None:
    """A page may ask others too, with tokens of theirs; a redirected request has the headers of each host."""
    mine, others = f"Bearer {'m' * 20}", f"Bearer {'o' * 20}"

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        is_good = request.headers.get("Authorization") == mine
        return web.json_response({"user": {"name": "boss"}} if is_good else {}, status=200 if is_good else 403)

    async with site_of(handle) as scene:
        session = session_at(scene.origin, cookies=())
        ours = seen(f"{scene.origin}/v1/user", sent={"Authorization": mine})
        theirs = seen("https://cdn.example/token", sent={"Authorization": others})
        if way == "redirect":
            ours.sent.append(theirs.sent[0])
        requests = (ours, theirs) if way == "later request" else (ours,)
        proposal = await propose(session.url, Watched(session, requests))
        assert proposal.session.tokens == {"captured": mine}
        assert others not in proposal.session.to_json()


async def test_a_token_that_may_renew_the_other_is_named() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        is_good = request.headers.get("Authorization") == f"Bearer {SECRET}"
        return web.json_response({}, status=200 if is_good else 401)

    async with site_of(handle) as scene:
        stored = json.dumps({"access_token": SECRET, "refresh_token": f"r{SECRET}"})
        session = session_at(scene.origin, cookies=(), local_storage={"my.tokens": stored})
        proposal = await learn(scene, session, seen(f"{scene.origin}/a", sent={"Authorization": f"Bearer {SECRET}"}))
        told = {finding.what: finding.found for finding in proposal.findings}
        assert told["refresh"].startswith("local_storage.my.tokens.refresh_token may renew it")


async def test_a_redirect_that_names_no_login_is_the_probes_mark_only() -> None:
    """An application that answers at one path redirects there after each change too."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if not is_member(request):
            target = "/index.php?title=Special:UserLogin&x=y" if request.path == "/prefs" else "/index.php?back=x"
            return web.Response(status=302, headers={"Location": target})
        return web.Response(text="Members", content_type="text/html")

    async with site_of(handle) as scene:
        session = session_at(scene.origin)
        named = await learn(scene, session, seen(f"{scene.origin}/prefs", mime="text/html"))
        assert named.definition["dropped"] == ["302 *title=Special:UserLogin*"]
        scene.server.seen.clear()
        unnamed = await learn(scene, session, seen(f"{scene.origin}/other", mime="text/html"))
        assert "dropped" not in unnamed.definition
        assert unnamed.definition["probe"]["dropped"] == "302 /index.php*"
        await check_works(unnamed, session)


async def test_the_address_that_names_the_account_is_the_probe() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"username": "boss"}, status=200 if is_member(request) else 401)

    async with site_of(handle) as scene:
        paths = ("user", "settings", "messages", "rest")
        requests = [seen(f"{scene.origin}/{path}") for path in paths]
        proposal = await learn(scene, session_at(scene.origin), *requests)
        assert proposal.definition["probe"]["get"] == "/user"


async def test_a_probe_that_names_the_account_is_better_than_the_first() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        body = {"username": "boss"} if request.path == "/settings" else {"theme": "dark"}
        return web.json_response(body) if is_member(request) else web.json_response({}, status=401)

    async with site_of(handle) as scene:
        paths = ("rest", "settings", "user")
        proposal = await learn(scene, session_at(scene.origin), *(seen(f"{scene.origin}/{path}") for path in paths))
        assert proposal.definition["probe"]["get"] == "/settings"
        assert proposal.definition["probe"]["identity"] == "json:username"
        scene.server.seen.clear()
        others = [seen(f"{scene.origin}/{path}") for path in ("rest", "user")]
        without = await learn(scene, session_at(scene.origin), *others)
        assert without.definition["probe"]["get"] == "/user"
        assert "/rest" not in {request.path for request in scene.server.seen}


@pytest.mark.parametrize(
    ("body", "identity"),
    [
        ({"identity": {"username": "e4f2" * 8, "name": "Anonymous Himalia", "display_name": "x"}}, None),
        ({"identity": {"username": "e4f2" * 8, "name": "Himalia"}}, None),
        ({"username": "e4f2" * 8, "name": "Himalia"}, None),
        ({"data": {"id": "5e4a4a34-fd3c-41cf-83f4-788f0f8e8d03", "email": "boss@example.com"}}, "json:data.email"),
        ({"name": "Guest 5"}, None),
        ({"user": {"login": "guestbook"}}, "json:user.login"),
        ({"name": "Visitor"}, None),
        ({"login": "e4f2" * 8, "name": "Himalia"}, None),
        ({"user": "e4f2" * 8, "name": "Himalia"}, None),
        ({"username": "e" * 20}, None),
        ({"username": "e" * 19}, "json:username"),
        ({"identifier": "boss", "id": 5, "account": "a"}, "json:identifier"),
        ({"email": "boss", "name": "Boss"}, "json:email"),
        ({"name": "Boss", "identifier": "boss"}, "json:name"),
        ({"user": True, "username": "", "id": 5, "identity": "i"}, "json:id"),
        ({"identity": "i", "account": "a"}, "json:identity"),
        ({"account": "a", "data": "d"}, "json:account"),
        ({"data": {"user": {"name": "boss"}}}, "json:data.user.name"),
        ({"data": {"data": {"user": {"name": "boss"}}}}, None),
    ],
)
async def test_a_name_that_each_login_gets_anew_is_no_account(body: object, identity: str | None) -> None:
    """Else no later login would be taken for the same person's."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response(body) if is_member(request) else web.json_response({}, status=401)

    async with site_of(handle) as scene:
        proposal = await learn(scene, session_at(scene.origin), seen(f"{scene.origin}/me"))
        assert proposal.definition["probe"].get("identity") == identity


async def test_redirects_to_a_login_and_a_token_against_forgery() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if not is_member(request):
            return web.Response(status=302, headers={"Location": f"/login/?next={request.path}"})
        return web.Response(text="<p>Members</p>", content_type="text/html")

    async with site_of(handle) as scene:
        cookies = (make_cookie("csrftoken", "c" * 32, http_only=False), make_cookie("sid", SECRET, http_only=True))
        session = session_at(scene.origin, cookies=cookies)
        posted = seen(f"{scene.origin}/save", method="POST", sent={"X-CSRFToken": "c" * 32})
        proposal = await learn(scene, session, seen(f"{scene.origin}/app", mime="text/html"), posted)
        assert proposal.definition["probe"] == {"get": "/app", "good": "200 text/html", "dropped": "302 /login/*"}
        assert proposal.definition["dropped"] == ["302 /login/*"]
        assert proposal.definition["csrf"] == {"header": "X-CSRFToken", "cookie": "csrftoken"}
        await check_works(proposal, session)


async def test_a_token_against_forgery_from_a_pages_meta_element() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if not is_member(request):
            return web.Response(status=403)
        if request.method == "POST":
            return web.Response(text=request.headers.get("X-CSRF-Token", "none"))
        return web.Response(text=f'<meta name="csrf-token" content="{"k" * 20}">Hi', content_type="text/html")

    async with site_of(handle) as scene:
        session = session_at(scene.origin)
        posted = seen(f"{scene.origin}/save", method="POST", sent={"X-CSRF-Token": "k" * 20})
        odd = [SeenRequest(url=url, method="GET", kind="Fetch") for url in ("http://[", "data:,x", "about:blank", "")]
        proposal = await learn(scene, session, *odd, seen(f"{scene.origin}/app", mime="text/html"), posted)
        csrf = {"header": "X-CSRF-Token", "get": "/app", "meta": "csrf-token"}
        assert proposal.definition["csrf"] == csrf
        site = check_definition("learned", proposal)
        async with SiteClient(site, session=session, refresh="never") as client, client.post("/save") as response:
            assert await response.text() == "k" * 20


@pytest.mark.parametrize("shown", ["page", "another page", "nowhere"])
async def test_a_form_field_against_forgery(shown: str) -> None:
    """Its value is in an input of a page that the browser showed; a new one is asked for with each request."""
    saved: list[str] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if not is_member(request):
            return web.Response(status=403)
        if request.method == "POST":
            saved.append(str((await request.post())["sectok"]))
            return web.Response(text="saved")
        is_shown = (request.path == "/app") == (shown == "page") and shown != "nowhere"
        field = f'<input type=hidden name=sectok value="t{len(saved)}{"k" * 20}">' if is_shown else ""
        return web.Response(text=f"<input name=id value=start>{field}", content_type="text/html")

    async with site_of(handle) as scene:
        session = session_at(scene.origin)
        posted = seen(f"{scene.origin}/save", method="POST", fields=("id", "password", "sectok"), mime="text/html")
        pages = [seen(f"{scene.origin}/{page}", mime="text/html") for page in ("edit", "app")]
        proposal = await learn(scene, session, *pages, posted)
        found = next(finding for finding in proposal.findings if finding.what == "csrf")
        if shown == "nowhere":
            assert "csrf" not in proposal.definition
            assert (found.sureness, "sectok was sent" in found.found) == ("not found", True)
            return
        page = "/app" if shown == "page" else "/edit"
        assert proposal.definition["csrf"] == {"field": "sectok", "get": page, "input": "sectok"}
        site = check_definition("learned", proposal)
        async with SiteClient(site, session=session, refresh="never") as client:
            for _ in range(2):
                async with client.post("/save", data={"text": "x"}) as response:
                    assert response.status == 200
        assert saved == [f"t0{'k' * 20}", f"t1{'k' * 20}"]


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"indexedDB": [{"name": "firebaseLocalStorageDb", "stores": [{"v": "TOKEN"}]}]}, "IndexedDB (firebaseL"),
        ({"sessionStorage": [{"name": "auth", "value": "TOKEN"}]}, "its session storage (auth)"),
        ({}, "its memory"),
    ],
)
async def test_it_is_said_where_a_token_is_kept_that_only_requests_show(where: dict[str, Any], told: str) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        is_good = request.headers.get("Authorization") == f"Bearer {SECRET}"
        return web.json_response({"user": "boss"} if is_good else {}, status=200 if is_good else 401)

    async with site_of(handle) as scene:
        kept = json.loads(json.dumps(where).replace("TOKEN", SECRET))
        storage = {"origins": [{"origin": scene.origin, **kept}]}
        session = session_at(scene.origin, cookies=(), extra_storage=storage)
        asked = seen(f"{scene.origin}/me", sent={"Authorization": f"Bearer {SECRET}"})
        proposal = await learn(scene, session, asked)
        assert proposal.definition["auth"] == {"header": "Authorization", "value": "{captured}"}
        found = next(finding for finding in proposal.findings if finding.what == "auth")
        assert told in found.found
        assert found.found.endswith("taken from the page's requests")
        await check_works(proposal, session)


async def test_a_site_that_answers_everybody_with_the_same_status_and_type() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        member = "<a href=/start?do=logout>Log out</a>" if is_member(request) else "<input type=password>"
        return web.Response(text=f"<p>Wiki</p>{member}", content_type="text/html")

    async with site_of(handle) as scene:
        session = session_at(scene.origin)
        proposal = await learn(scene, session, seen(f"{scene.origin}/app", mime="text/html"))
        assert proposal.definition["probe"]["good"] == "body:do=logout"
        await check_works(proposal, session)


async def test_a_redirect_by_its_query_and_an_error_in_a_header() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/index.php":
            headers = {} if is_member(request) else {"Location": "/index.php?title=Login&returnto=x"}
            return web.Response(status=302 if headers else 200, headers=headers, text="x", content_type="text/html")
        headers = {} if is_member(request) else {"MediaWiki-API-Error": "assertuserfailed"}
        return web.json_response({}, headers=headers)

    async with site_of(handle) as scene:
        session = session_at(scene.origin)
        page = await learn(scene, session, seen(f"{scene.origin}/index.php?title=Preferences", mime="text/html"))
        assert page.definition["dropped"] == ["302 *title=Login*"]
        await check_works(page, session)
        scene.server.seen.clear()
        api = await learn(scene, session, seen(f"{scene.origin}/api.php"))
        assert api.definition["probe"]["good"] == "no header MediaWiki-API-Error"
        assert api.definition["probe"]["dropped"] == "header MediaWiki-API-Error: assertuserfailed"
        await check_works(api, session)


async def test_a_cookie_that_is_a_token_says_the_end_and_others_are_ignored_for_it() -> None:
    token = jwt({"exp": 4e9, "secret": SECRET})

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        is_good = f"access={token}" in request.headers.get("Cookie", "")
        return web.json_response({"identifier": "boss"}, status=200 if is_good else 401)

    async with site_of(handle) as scene:
        cookies = (make_cookie("access", token, http_only=True), make_cookie("position", "1", http_only=True))
        session = session_at(scene.origin, cookies=cookies)
        proposal = await learn(scene, session, seen(f"{scene.origin}/user"))
        assert proposal.definition["expires"] == "cookie.access jwt"
        assert proposal.definition["ignore_cookies"] == ["position"]
        assert check_definition("a", proposal).expires is not None
        await check_works(proposal, session)


async def test_a_redirect_that_can_not_be_read_is_no_mark() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if not is_member(request):
            return web.Response(status=302, headers={"Location": "http://[bad"})
        return web.json_response({"username": "boss"})

    async with site_of(handle) as scene:
        session = session_at(scene.origin)
        proposal = await learn(scene, session, seen(f"{scene.origin}/api/me"))
        assert proposal.definition["probe"]["dropped"] == "302"


async def test_where_nobody_logged_in_nothing_is_proposed_as_proven() -> None:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"public": True})

    async with site_of(handle) as scene:
        proposal = await learn(
            scene, session_at(scene.origin), seen(f"{scene.origin}/api/a"), seen(f"{scene.origin}/b")
        )
        assert not proposal.is_proven
        assert "probe" not in proposal.definition
        assert ("probe", "not found") in {(finding.what, finding.sureness) for finding in proposal.findings}


async def test_a_hostile_page_makes_nothing_be_sent_that_changes_anything_or_leads_elsewhere() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": f"{elsewhere.origin}/"})

    async with site_of(handle) as scene, site_of(handle) as elsewhere:
        own, other = scene.origin, elsewhere.origin.replace("127.0.0.1", "localhost")
        session = session_at(own, local_storage={"{": SECRET, "a.b": json.dumps({"c.d": SECRET, "": SECRET})})
        requests = [
            *(seen(f"{own}/{word}") for word in ("logout", "sign-out", "delete/5", "a?token=x", "cancel", "revoke")),
            *(seen(f"{own}/post{n}", method=method) for n, method in enumerate(("POST", "DELETE", "PUT", "PATCH"))),
            *(seen(f"{other}/x{n}", sent={"Authorization": "Bearer x"}) for n in range(100)),
            *(seen(f"{own}/many/{n}", kind="Image") for n in range(100)),
            seen("javascript:alert(1)"), seen("http://[::1"), seen("file:///etc/passwd"), seen("data:,x"),
            *(seen(f"{own}/{n}") for n in range(100)),
        ]  # fmt: skip
        proposal = await learn(scene, session, *requests)
        assert elsewhere.server.seen == []
        assert all(request.path.strip("/").isdigit() for request in scene.server.seen), scene.server.seen
        assert not proposal.is_proven


async def test_a_limit_ends_it() -> None:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": "60"})

    async with site_of(handle) as scene:
        session = session_at(scene.origin)
        with pytest.raises(RateLimited) as caught:
            await propose(session.url, Watched(session, (seen(f"{scene.origin}/a"), seen(f"{scene.origin}/b"))))
        assert (caught.value.url, caught.value.retry_after_s) == (f"{scene.origin}/b", 60)
        assert len(scene.server.seen) == 1


async def test_the_page_where_the_browser_ended_is_learned() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({}, status=200 if is_member(request) else 401)

    async with site_of(handle) as scene:
        session = session_at(scene.origin, "/home")
        watched = Watched(session, (seen(f"{scene.origin}/api"),))
        proposal = await propose("http://example.com/", watched)
        assert proposal.definition["url"] == f"{scene.origin}/home"
        assert proposal.definition["probe"]["get"] == "/api", "what is asked is asked there"
        assert msgspec.structs.replace(proposal.session, tokens={}) == session
