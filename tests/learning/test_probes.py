"""Which requests of a page may be a probe, which answers tell a login, and how many are asked."""

from typing import Any

import pytest
from aiohttp import web

from aura_browser import Site
from aura_browser.learning.basic import asks_basic, propose_basic
from aura_browser.learning.findings import Finding
from aura_browser.learning.probes import list_candidates, names_login
from aura_browser.learning.proposal import Proposal, propose
from aura_browser.site.mark import Mark
from aura_browser.webdriver.network_log import SeenRequest
from aura_browser.webdriver.watching import Watched
from tests.parts.servers import Handler, serving
from tests.parts.sessions import make_cookie, make_session

ORIGIN = "https://app.example.com"
MISSING = "was sent, and where its value is from was not seen; open a page with a form"
SITE = Site(f"{ORIGIN}/", origins=("https://api.example.com",))


def seen(url: str, mime: str = "application/json", **facts: Any) -> SeenRequest:  # noqa: ANN401 - fields of any type
    defaults: dict[str, Any] = {"method": "GET", "kind": "Fetch", "status": 200}
    return SeenRequest(url=url, mime_type=mime, **(defaults | facts))


@pytest.mark.parametrize(
    ("telling", "other"),
    [
        *((word, "profile") for word in ("me", "whoami", "user", "account", "session", "identity")),
        *((word, "rest") for word in ("profile", "settings", "preferences")),
    ],
)
def test_an_address_that_tells_an_account_is_asked_first(telling: str, other: str) -> None:
    requests = [seen(f"{ORIGIN}/{path}") for path in (telling, other)]
    assert list_candidates(SITE, requests) == [f"/{telling}", f"/{other}"]


def test_data_is_asked_before_pages_and_what_was_seen_last_before_the_rest() -> None:
    requests = [
        seen(f"{ORIGIN}/a?b=c"),
        seen("https://api.example.com/d#e", kind="XHR"),
        seen(f"{ORIGIN}/user", "text/html", kind="Document"),
        *(seen(f"{ORIGIN}/x", **facts) for facts in ({"method": "POST"}, {"status": 304}, {"kind": "Image"})),
        *(seen(url) for url in ("https://other.example/x", f"{ORIGIN}/logout", "http://[::1", "data:,x")),
    ]
    assert list_candidates(SITE, requests) == ["https://api.example.com/d", "/a?b=c", "/user"]
    many = [seen(f"{ORIGIN}/{number}") for number in range(11)]
    assert list_candidates(SITE, many) == [f"/{number}" for number in range(10, 0, -1)]


@pytest.mark.parametrize(
    ("location", "is_login"),
    [
        *((f"/{word}*", True) for word in ("login", "log-in", "logon", "sign_in", "oauth", "sso", "SAML")),
        *((location, False) for location in ("/index.php*", "/ssour*", "")),
    ],
)
def test_an_address_of_a_login_is_known_by_its_words(location: str, *, is_login: bool) -> None:
    assert names_login(Mark(302, location=location)) is is_login


async def learn(handle: Handler, paths: tuple[str, ...], **facts: Any) -> Proposal:  # noqa: ANN401 - fields of any type
    """Return what is learned of a site whose page asked for *paths*; *facts* of the last one may differ."""
    async with serving(handle) as (_, origin):
        cookies = facts.pop("cookies", (make_cookie("sid", "good", http_only=True),))
        requests = [seen(f"{origin}{path}") for path in paths]
        posted = seen(f"{origin}/save", method="POST", fields=facts.get("fields", ()))
        session = make_session(origin, url=f"{origin}{facts.get('page', '/')}", cookies=cookies, local_storage={})
        return await propose(session.url, Watched(session, (*requests, posted)))


def is_member(request: web.BaseRequest) -> bool:
    return "sid=good" in request.headers.get("Cookie", "")


@pytest.mark.parametrize(
    "text",
    [
        *("Logged in as", "Signed in as", "do=logout", "action=logout", "/logout", "/signout", "/sign_out", "/log_out"),
        *("logout", "signout", "Log out", "Sign out", "Abmelden", "D\u00e9connexion", "Cerrar sesi\u00f3n"),
    ],
)
async def test_what_a_page_shows_to_members_only_is_its_mark(text: str) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=f"<p>{text if is_member(request) else 'Welcome'}", content_type="text/html")

    proposal = await learn(handle, ("/x",))
    assert proposal.definition["probe"] == {"get": "/x", "good": f"body:{text}"}


@pytest.mark.parametrize("name", ["X-Error", "x-user-error-code", "X-Auth", "X-Login", "App-API-Error"])
async def test_a_header_that_only_strangers_get_is_a_mark_if_its_name_tells(name: str) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        others = {} if is_member(request) else {"X-Version": "2", "X-Error-Id": "no", name: "who"}
        return web.Response(text="x", headers={"Content-Type": "Text/Plain; charset=utf-8", **others})

    known = name in {"X-Error", "X-Auth", "X-Login", "App-API-Error"}
    proposal = await learn(handle, ("/x",))
    good = {"get": "/x", "good": f"no header {name}", "dropped": f"header {name}: who"}
    assert proposal.definition.get("probe") == (good if known else None)


async def test_the_type_of_data_is_written_in_small_letters_without_its_charset() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        kind = "Application/JSON; charset=utf-8" if is_member(request) else "text/html"
        return web.Response(body=b"{}", headers={"Content-Type": kind})

    proposal = await learn(handle, ("/x",))
    assert proposal.definition["probe"] == {"get": "/x", "good": "200 application/json"}
    told = "GET /x: 200 application/json; without the login it is not"
    assert Finding("probe", told, "tested") in proposal.findings


async def test_a_long_answer_is_read_to_where_it_names_the_account() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/away" and request.transport is not None:
            request.transport.abort()
        facts = {"padding": "x" * 100_000, "username": "boss"} if is_member(request) else {}
        return web.json_response(facts, status=200 if facts else 401)

    proposal = await learn(handle, ("/x", "/away"))
    assert (proposal.definition["probe"]["get"], proposal.definition["probe"]["identity"]) == ("/x", "json:username")


async def test_all_that_was_found_is_said_with_how_sure_it_is() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"email": "boss"}, status=200 if is_member(request) else 401)

    cookies = (
        make_cookie("csrftoken", "c" * 32, http_only=False),
        make_cookie("sid", "good", http_only=True, expires=3e9),
    )
    proposal = await learn(handle, ("/x",), cookies=cookies)
    assert proposal.findings == (
        Finding("probe", "GET /x: 200 application/json; without the login: 401", "tested"),
        Finding("until", "probe: the page is ready once the site takes its session", "tested"),
        Finding("cookies", "sid", "tested"),
        Finding("end", "the cookie sid expires", "seen"),
    )
    nothing = await learn(handle, ("/x",), cookies=(make_cookie("sid", "bad"),))
    told = "no request of the page was answered differently without the login; log in, and click where you work"
    assert nothing.findings == (Finding("end", "nothing says it", "not found"), Finding("probe", told, "not found"))


async def test_it_is_said_if_no_single_cookie_is_needed() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({}, status=200 if "=good" in request.headers.get("Cookie", "") else 401)

    proposal = await learn(handle, ("/x",), cookies=(make_cookie("a", "good"), make_cookie("b", "good")))
    assert Finding("cookies", "no single one is needed", "tested") in proposal.findings
    assert "ignore_cookies" not in proposal.definition


async def test_thirty_requests_are_enough_and_eight_cookies_are_left_out() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        is_good = is_member(request) or request.path != "/0"
        return web.json_response({}, status=200 if is_good else 401)

    cookies = (*(make_cookie(f"c{number}") for number in range(8)), make_cookie("sid", "good"))
    few = await learn(handle, ("/0",), cookies=cookies)
    assert few.sent == 2 + 8
    assert Finding("cookies", "no single one is needed", "tested") in few.findings
    paths = tuple(f"/{number}" for number in range(10))
    enough = await learn(handle, paths, cookies=cookies, fields=("sectok",))
    assert enough.sent == 2 * 10 + 1 + 8
    pages = tuple(f"/p{number}" for number in range(2))
    spent = await learn_pages(handle, paths, pages, cookies)
    assert spent.sent == 30
    assert Finding("budget", "not all was tried: enough requests were sent", "not found") in spent.findings


async def learn_pages(
    handle: Handler, paths: tuple[str, ...], pages: tuple[str, ...], cookies: tuple[Any, ...]
) -> Proposal:
    """Return what is learned where the browser showed *pages* too, and sent a form."""
    async with serving(handle) as (_, origin):
        shown = [seen(f"{origin}{page}", "text/html", kind="Document") for page in pages]
        requests = [*shown, *(seen(f"{origin}{path}") for path in paths)]
        posted = seen(f"{origin}/save", method="POST", fields=("sectok",))
        session = make_session(origin, cookies=cookies, local_storage={})
        return await propose(session.url, Watched(session, (*requests, posted)))


@pytest.mark.parametrize(
    ("page", "status", "found"),
    [
        ('<input name=sectok value="12345678">', 200, True),
        ('<input name=sectok value="1234567">', 200, False),
        ('<input name=sectok value="12345678">', 404, False),
        ('<meta name="csrf-token" content="12345678">', 200, False),
    ],
)
async def test_a_field_against_forgery_is_one_that_a_page_holds(page: str, status: int, *, found: bool) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/x":
            return web.json_response({}, status=200 if is_member(request) else 401)
        return web.Response(text=page, status=status, content_type="text/html")

    proposal = await learn(handle, ("/x",), fields=("id", "sectok"), page="/form")
    told = "the form's field sectok from the input of that name at /form"
    missing = f"the form's field sectok {MISSING}"
    finding = Finding("csrf", told, "seen") if found else Finding("csrf", missing, "not found")
    assert finding in proposal.findings
    assert ("csrf" in proposal.definition) == found


async def test_three_pages_are_looked_at_for_a_field_that_of_the_session_and_then_the_last_ones() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({}, status=200 if is_member(request) else 401)

    async with serving(handle) as (server, origin):
        page: dict[str, Any] = {"mime": "text/html", "kind": "Document"}
        requests = [
            *(seen(f"{origin}/{number}", **page) for number in range(3)),
            seen(f"{origin}/posted", **page | {"method": "POST", "fields": ("id", "nonce")}),
            seen(f"{origin}/missing", **page | {"status": 404}),
            *(seen(url, **page) for url in (f"{origin}/logout", "https://other.example/x", "data:,x")),
            seen(f"{origin}/x"),
        ]
        session = make_session(origin, cookies=(make_cookie("sid", "good"),), local_storage={})
        proposal = await propose(session.url, Watched(session, tuple(requests)))
        assert [request.path for request in server.seen] == ["/x", "/x", "/", "/2", "/1", "/x"]
    assert Finding("csrf", f"the form's field nonce {MISSING}", "not found") in proposal.findings


@pytest.mark.parametrize("name", ["my_csrf", "XSRF", "tok", "token]", "nonce", "antiForgery", "__RequestVerification"])
async def test_a_field_against_forgery_is_known_by_its_name(name: str) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/x":
            return web.json_response({}, status=200 if is_member(request) else 401)
        return web.Response(text=f'<input name="{name}" value="12345678">', content_type="text/html")

    proposal = await learn(handle, ("/x",), fields=("tokens", "id", name), page="/logout")
    assert "csrf" not in proposal.definition, "that page is not asked for"
    proposal = await learn(handle, ("/x",), fields=("tokens", "id", name))
    assert proposal.definition["csrf"] == {"field": name, "get": "/", "input": name}


@pytest.mark.parametrize(
    ("status", "challenge", "asks"),
    [
        (401, 'bAsIc realm="x"', True),
        (401, "Bearer", False),
        (401, None, False),
        (403, "Basic", False),
        (200, "Basic", False),
    ],
)
async def test_a_site_asks_for_a_password_if_its_401_says_so(status: int, challenge: str | None, *, asks: bool) -> None:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, headers={} if challenge is None else {"WWW-Authenticate": challenge})

    async with serving(handle) as (_, origin):
        assert await asks_basic(f"{origin}/") is asks


@pytest.mark.parametrize("password", ["right", "wrong"])
async def test_a_password_is_tried_at_the_address_that_is_given(password: str) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Authorization") != "Basic bWU6cmlnaHQ=":
            return web.Response(status=401, headers={"WWW-Authenticate": "Basic"})
        return web.json_response({"id": 5})

    async with serving(handle) as (server, origin):
        proposal = await propose_basic(f"{origin}/v2/?a=b", f"me:{password}")
        count = len([request for request in server.seen if request.method == "GET"])
    login = Finding("login", "basic: the site asks for a user and a password itself", "seen")
    facts = {"url": f"{origin}/v2/?a=b", "login": "basic"}
    if password == "right":
        probe = {"get": "/v2/?a=b", "good": "200 application/json", "dropped": "401", "identity": "json:id"}
        told = Finding("probe", "GET /v2/?a=b: 200 application/json; without the login: 401", "tested")
        assert (proposal.definition, proposal.findings) == (facts | {"probe": probe}, (login, told))
        assert (proposal.is_proven, proposal.sent, count) == (True, 3, 3)  # the account is looked at twice
    else:
        problem = "that address is not answered with data; check user and password, or name a page behind the login"
        assert (proposal.definition, proposal.findings) == (facts, (login, Finding("probe", problem, "not found")))
        assert (proposal.is_proven, proposal.sent, count) == (False, 1, 1)
