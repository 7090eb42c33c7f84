"""When a page is ready, and what is said of one that is not: real pages in a real Chrome, without a person."""

import asyncio
import logging
import shlex
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from yarl import URL

from aura_browser import Condition, OwnDriver, Session, Site, page_site
from aura_browser.errors import LoginNeeded, NotReady, PageFailed, RateLimited, SiteFailed
from aura_browser.webdriver.harvest import harvest
from tests.parts.command import run
from tests.parts.command_lines import parse_command
from tests.parts.drivers import own_driver
from tests.parts.hurry import Hurry
from tests.parts.servers import Handler, page, serving

pytestmark = [pytest.mark.chrome, pytest.mark.usefixtures("shared_chrome")]

_TIMEOUT_S = 60.0
_SOON_S = 25.0  # start of Chrome included, on a machine that does other things too
_FIELD = "<input type=password>"
_FORM = "<form><input name=user><input type=password name=p></form>"


def answer(body: str = "<p>Hello</p>", **options: object) -> web.Response:
    return web.Response(text=f"<!doctype html><body>{body}</body>", content_type="text/html", **options)  # type: ignore[arg-type]


def paths(pages: dict[str, Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]]) -> Handler:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return await pages.get(request.path, pages["/"])(request)

    return handle


async def test_a_cookie_set_a_moment_after_load_is_waited_for() -> None:
    script = "<script>onload = () => setTimeout(() => { document.cookie = 'late=1' }, 400)</script>"
    async with serving(page(script)) as (_server, origin):
        session = await harvest(page_site(origin), timeout_s=_TIMEOUT_S)
    assert [cookie.name for cookie in session.cookies] == ["late"]


@pytest.mark.parametrize("way", ["meta", "header"])
async def test_a_page_that_refreshes_itself_is_waited_out(way: str) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if "pass=1" in request.headers.get("Cookie", ""):
            return answer("<p id=app>Welcome</p>", headers={"Set-Cookie": "sid=1; Path=/"})
        headers = {"Set-Cookie": "pass=1; Path=/"} | ({"Refresh": "1"} if way == "header" else {})
        return answer('<meta http-equiv="refresh" content="1">' if way == "meta" else "One moment", headers=headers)

    async with serving(handle) as (_server, origin):
        session = await harvest(page_site(origin), timeout_s=_TIMEOUT_S)
    assert {cookie.name for cookie in session.cookies} == {"pass", "sid"}


async def test_a_page_that_refreshes_itself_for_ever_is_ready_all_the_same() -> None:
    async with serving(page('<meta http-equiv="refresh" content="1"><p>News</p>')) as (_server, origin):
        assert (await harvest(page_site(origin), timeout_s=_TIMEOUT_S)).origin == origin


@pytest.mark.parametrize("status", [403, 429, 503])
async def test_a_check_page_that_passes_by_itself_is_waited_out(status: int) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if "pass=1" in request.headers.get("Cookie", ""):
            return answer("<p id=app>Welcome</p>")
        script = "setTimeout(() => { document.cookie = 'pass=1'; location.reload() }, 4000)"
        body = f"<title>Just a moment...</title><script>{script}</script>"
        return answer(body, status=status, headers={"Retry-After": "100"})

    async with serving(handle) as (_server, origin):
        session = await harvest(page_site(origin), timeout_s=_TIMEOUT_S)
    assert [cookie.name for cookie in session.cookies] == ["pass"]


@pytest.mark.parametrize(
    ("status", "body", "headers", "error"),
    [
        (401, _FORM, {}, LoginNeeded),
        (401, "<p>Who are you?</p>", {}, LoginNeeded),
        (429, "<p>Slow down</p>", {"Retry-After": "17"}, RateLimited),
        (429, "<script>window.x = 1</script>", {}, RateLimited),
        (502, "<h1>Bad gateway</h1>", {}, SiteFailed),
        (503, "<h1>Maintenance</h1>", {}, SiteFailed),
    ],
)
async def test_what_a_status_says_is_named_within_seconds(
    status: int, body: str, headers: dict[str, str], error: type[Exception]
) -> None:
    async with serving(page(body, status=status, headers=headers)) as (_server, origin):
        with pytest.raises(error) as caught:
            async with asyncio.timeout(_SOON_S):
                await harvest(page_site(origin), timeout_s=_TIMEOUT_S)
    assert origin in str(caught.value)
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_after_s == (17.0 if headers else None)
    if isinstance(caught.value, SiteFailed):
        assert (caught.value.status, caught.value.message) == (status, body[4:-5])


async def test_a_redirect_to_a_login_on_the_same_host_ends_at_once() -> None:
    async def root(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "/login?next=%2F"})

    async def login(_request: web.BaseRequest) -> web.StreamResponse:
        return answer(_FORM)

    async with serving(paths({"/": root, "/login": login})) as (_server, origin):
        assert await _expect_login(origin, f"{origin}/login") == "a password field"


@pytest.mark.parametrize("host", ["login.site.localhost", "site.localhost"])
async def test_a_redirect_to_a_login_on_another_host_or_port_ends_at_once(host: str) -> None:
    async with serving(page(_FORM)) as (_there, other):
        target = f"http://{host}:{URL(other).port}"

        async def root(_request: web.BaseRequest) -> web.StreamResponse:
            return web.Response(status=302, headers={"Location": f"{target}/sso"})

        async with serving(root) as (_server, origin):
            mark = await _expect_login(f"http://site.localhost:{URL(origin).port}", f"{target}/sso")
            assert mark == "a password field"


@pytest.mark.parametrize(
    "body",
    [
        _FORM,
        "<script>setTimeout(() => { document.body.innerHTML = '<input type=password>' }, 200)</script>",
        f"<div id=a></div><script>a.attachShadow({{mode: 'closed'}}).innerHTML = '{_FIELD}'</script>",
        "<iframe srcdoc='<input type=password>'></iframe>",
    ],
    ids=["form", "late", "closed shadow root", "frame"],
)
async def test_a_login_form_at_the_sites_own_address_ends_at_once(body: str) -> None:
    async with serving(page(body)) as (_server, origin):
        assert await _expect_login(origin, origin) == "a password field"


async def test_a_hidden_password_field_is_no_login_page() -> None:
    body = "<p>Public</p><form style='display: none'><input type=password></form><script></script>"
    async with serving(page(body)) as (_server, origin):
        assert (await harvest(page_site(origin), timeout_s=_TIMEOUT_S)).origin == origin


async def test_a_password_field_on_a_page_whose_conditions_hold_is_the_sites_own_matter() -> None:
    async with serving(page(f"<p id=app>Welcome</p>{_FORM}")) as (_server, origin):
        site = page_site(origin, (Condition.parse("selector:#app"),))
        assert (await harvest(site, timeout_s=_TIMEOUT_S)).origin == origin


async def _expect_login(url: str, at: str) -> str:
    """Return what was taken for a login page at *at*."""
    site = page_site(url)
    with pytest.raises(LoginNeeded) as caught:
        async with asyncio.timeout(_SOON_S):
            await harvest(site, timeout_s=_TIMEOUT_S)
    assert caught.value.url.rstrip("/") == at.rstrip("/")
    assert caught.value.command == f"aura-browser harvest {site.url} --interactive"
    parse_command(shlex.split(caught.value.command))
    return caught.value.mark


@pytest.mark.parametrize("kind", ["image", "body"])
async def test_a_page_that_never_finishes_loading_is_ready_when_its_conditions_hold(kind: str) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/never":
            await asyncio.Event().wait()
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        await response.write(b"<!doctype html><body><p id=app>Welcome</p>" + b" " * 2048)
        if kind == "image":
            await response.write(b"<img src=/never></body>")
        else:
            await asyncio.Event().wait()
        return response

    async with serving(handle) as (_server, origin):
        site = page_site(origin, (Condition.parse("selector:#app"), Condition.parse("js:document.body !== null")))
        assert (await harvest(site, timeout_s=_TIMEOUT_S)).origin == origin


async def test_a_page_with_a_long_poll_is_ready() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/poll":
            await asyncio.Event().wait()
        return answer("<p>Hello</p><script>onload = () => fetch('/poll')</script>")

    async with serving(handle) as (_server, origin):
        assert (await harvest(page_site(origin), timeout_s=_TIMEOUT_S)).origin == origin


async def test_a_login_that_ends_in_a_second_tab_while_the_first_closes() -> None:
    async def root(_request: web.BaseRequest) -> web.StreamResponse:
        return answer("<script>window.open('/second'); setTimeout(() => window.close(), 300)</script>")

    async def second(_request: web.BaseRequest) -> web.StreamResponse:
        script = "setTimeout(() => { document.cookie = 'sid=1'; document.body.id = 'app' }, 700)"
        return answer(f"<script>{script}</script>")

    async with serving(paths({"/": root, "/second": second})) as (_server, origin):
        site = page_site(origin, (Condition.parse("selector:body#app"), Condition.parse("cookie:sid")))
        session = await harvest(site, timeout_s=_TIMEOUT_S)
    assert session.url == f"{origin}/second"


async def test_the_tabs_that_a_browser_had_before_do_not_count(hurry: Hurry) -> None:
    async with serving(page("<p id=app>Welcome</p>")) as (_server, origin), serving(page("<p>Wait</p>")) as (_s, other):
        site = Site(other, ready=(Condition.parse("selector:#app"),))
        with own_driver() as driver:
            await asyncio.to_thread(driver.get, origin.replace("127.0.0.1", "localhost"))
            await asyncio.to_thread(driver.get, f"{other}/")
            await asyncio.to_thread(driver.switch_to.new_window, "tab")
            with pytest.raises(NotReady, match="selector:#app"):
                await harvest(site, engine=OwnDriver(driver), on_wait=hurry("selector:#app"))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("setInterval(() => { alert('again'); late() }, 500)", "closed: alert “again”"),
        ("late(confirm('Delete all?'))", "answered with Cancel: confirm “Delete all?”"),
        ("late(prompt('Your \\u001b[31mname'))", "answered with Cancel: prompt “Your [31mname”"),
    ],
)
async def test_dialogs_are_named(call: str, told: str, caplog: pytest.LogCaptureFixture) -> None:
    late = "const late = () => { document.body.id = 'late' };"
    async with serving(page(f"<p>x</p><script>{late}{call}</script>")) as (_server, origin):
        site = page_site(
            origin, (Condition.parse("selector:body#late"), Condition.parse("js:typeof late == 'function'"))
        )
        with caplog.at_level(logging.WARNING):
            assert (await harvest(site, timeout_s=_TIMEOUT_S)).origin == origin
    assert told in caplog.text


async def test_a_site_that_moves_to_www_is_still_the_site() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if not request.host.startswith("www."):
            return web.Response(status=301, headers={"Location": f"http://www.site.localhost:{request.url.port}/"})
        return answer(headers={"Set-Cookie": "sid=1; Path=/"})

    async with serving(handle) as (_server, origin):
        port = URL(origin).port
        site = page_site(f"http://site.localhost:{port}/")
        session = await harvest(site, timeout_s=_TIMEOUT_S)
    assert session.origin == f"http://www.site.localhost:{port}"
    assert site.owns(URL(session.url))


async def test_a_domain_that_does_not_exist_is_said_with_chromes_code() -> None:
    with pytest.raises(PageFailed, match="ERR_"):
        await harvest(page_site("http://nowhere.invalid/"), timeout_s=_TIMEOUT_S)


async def _basic(request: web.BaseRequest) -> web.StreamResponse:
    if request.headers.get("Authorization") != "Basic YW5uOnBAc3M6d8O2cmQ=":
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
    if request.path == "/api":
        return web.json_response({"user": "ann"})
    script = "fetch('/api').then((r) => r.json()).then((j) => { document.body.id = j.user })"
    return answer(f"<script>{script}</script>", headers={"Set-Cookie": "sid=1; Path=/"})


async def test_basic_authentication_without_a_password_ends_at_once_with_the_command() -> None:
    async with serving(_basic) as (_server, origin):
        site = page_site(origin, (Condition.parse("cookie:sid"),))
        with pytest.raises(LoginNeeded, match="HTTP basic authentication") as caught:
            async with asyncio.timeout(_SOON_S):
                await harvest(site, timeout_s=_TIMEOUT_S)
        assert caught.value.command == f"aura-browser harvest {site.url} --basic --until cookie:sid"
        with pytest.raises(LoginNeeded, match="refused this user and password") as caught:
            async with asyncio.timeout(2 * _SOON_S):
                await harvest(site, timeout_s=_TIMEOUT_S, basic="ann:wr0ng")
        assert "wr0ng" not in str(caught.value)


async def test_a_password_is_sent_and_kept_for_the_sites_own_origin() -> None:
    async with serving(_basic) as (_server, origin):
        site = page_site(origin, (Condition.parse("selector:body#ann"),))
        session = await harvest(site, timeout_s=_TIMEOUT_S, basic="ann:p@ss:wörd")
    assert session.headers["Authorization"] == "Basic YW5uOnBAc3M6d8O2cmQ="
    assert session.url == f"{origin}/"
    assert "p@ss" not in session.to_json()


async def test_the_command_takes_the_password_from_the_environment() -> None:
    async with serving(_basic) as (_server, origin):
        environment = {"AURA_BROWSER_BASIC": "ann:p@ss:wörd"}
        shown = await asyncio.to_thread(lambda: run("harvest", origin, "--basic", "--store", "memory", **environment))
        assert shown.returncode == 0, shown.stderr
        assert Session.from_json(shown.stdout).headers["Authorization"].startswith("Basic ")
        assert "p@ss" not in shown.stderr


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "image/svg+xml", "application/xml", "sandbox"])
async def test_a_page_that_is_no_html_and_one_without_scripts_are_pages_too(kind: str) -> None:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        headers = {"Set-Cookie": "sid=1; Path=/"}
        if kind == "sandbox":
            return answer("<script>1</script>", headers=headers | {"Content-Security-Policy": "sandbox"})
        text = "<svg xmlns='http://www.w3.org/2000/svg'/>" if kind.endswith("xml") else "{}"
        return web.Response(text=text, content_type=kind, headers=headers)

    async with serving(handle) as (_server, origin):
        session = await harvest(page_site(origin), timeout_s=_TIMEOUT_S)
    assert [cookie.name for cookie in session.cookies] == ["sid"]


async def test_the_session_holds_lasting_headers_only_and_what_a_probe_can_be_learned_from() -> None:
    calls = """<script>(async () => {
      const extra = {RSC: '1', 'HX-Request': 'true', 'Idempotency-Key': 'k', 'X-CSRF-Token': 't', 'X-App': 'own',
        'X-HTTP-Method-Override': 'DELETE'};
      for (const path of ['/text', '/api/me?lang=de', '/logout', '/api/items/delete', '/api/x?token=s3cret',
        '/api/y?k=aaaaaaaaaaaaaaaaaaaaaaaa', '/missing']) await fetch(path, {headers: extra});
      await fetch('/api/post', {method: 'POST', headers: extra});
      document.body.id = 'done';
    })()</script>"""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/":
            return answer(calls)
        if request.path == "/text":
            return web.Response(text="hi")
        return web.json_response({}, status=404 if request.path == "/missing" else 200)

    async with serving(handle) as (_server, origin):
        site = Site(origin, ready=(Condition.parse("selector:#done"),), headers=("x-app", "Host"))
        session = await harvest(site, timeout_s=_TIMEOUT_S)
    names = {name.lower() for name in session.headers}
    assert names == {"user-agent", "accept-language", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform"}
    assert session.page_requests == ("/api/me?lang=de", "/", "/text")
    assert Session.from_json(session.to_json()) == session


async def test_a_time_out_carries_the_command_of_this_harvest(hurry: Hurry) -> None:
    async with serving(page("<p>Wait</p>")) as (_server, origin):
        site = page_site(origin, (Condition.parse("text:it's here"),))
        options = ("--profile", "my profile", "--session", "work")
        with pytest.raises(NotReady) as caught:
            await harvest(site, on_wait=hurry("text:it's here"), command_options=options)
    words = shlex.split(caught.value.command)
    assert words[:3] == ["aura-browser", "harvest", site.url]
    assert words[3:] == ["--interactive", "--until", "text:it's here", "--profile", "my profile", "--session", "work"]
    parse_command(words)


async def test_a_page_that_a_header_calls_a_check_is_waited_for() -> None:
    loads = 0

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal loads
        loads += request.path == "/"
        if loads > 1:
            return web.Response(text="Welcome", headers={"Set-Cookie": "sid=1; Path=/"}, content_type="text/html")
        response = answer("<p>One moment</p><script>setTimeout(() => location.reload(), 2500)</script>")
        response.headers["cf-mitigated"] = "challenge"
        return response

    async with serving(handle) as (_server, origin):
        session = await harvest(page_site(origin), timeout_s=_TIMEOUT_S)
    assert [cookie.name for cookie in session.cookies] == ["sid"]
