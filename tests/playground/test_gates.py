"""The gates: what they refuse, how they are passed, and how long that holds."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import ClientResponse, ClientSession

from aura_browser.errors import InvalidInput
from aura_browser.playground import Playground
from aura_browser.playground.browser_gates import mix
from aura_browser.playground.gates import GATES, make_gate
from aura_browser.playground.sessions import Sessions, new_value

_CHAT = {"model": {"id": "openchat_3.6"}, "messages": [{"role": "user", "content": "Hello"}]}
_LOGIN = {"username": "demo", "password": "demo"}
_LIFE_S = 0.5


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    """A client that sends just the cookies that a test gives it, and follows no redirect."""
    async with ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
        yield client


async def _chat(http: ClientSession, site: Playground, cookie: str = "", **headers: str) -> ClientResponse:
    url, sent = f"{site.origin}/api/chat", {**headers, **({"Cookie": cookie} if cookie else {})}
    async with http.post(url, json=_CHAT, headers=sent, allow_redirects=False) as response:
        await response.read()
        return response


def _set_cookie(response: ClientResponse) -> str:
    """Return name=value as the one Set-Cookie header has it."""
    (header,) = response.headers.getall("Set-Cookie")
    return header.partition(";")[0]


async def _log_in(http: ClientSession, site: Playground) -> str:
    async with http.post(f"{site.origin}/login", data=_LOGIN, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/")
        return _set_cookie(response)


async def _take_check(http: ClientSession, site: Playground, **headers: str) -> str:
    """Read the cookie off the check page's script, as running the script would."""
    async with http.get(site.origin, headers=headers) as response:
        found = re.search(r'document\.cookie = "([^;]+);', await response.text())
    assert found
    return found[1]


def test_values_are_weird_and_unlike() -> None:
    values = [new_value() for _ in range(100)]
    assert len(set(values)) == 100
    assert all("+" in value and "/" in value and value.endswith("==") for value in values)


@pytest.mark.parametrize(("gate", "status", "retry"), [("check-503", 503, "1"), ("check-403", 403, None)])
async def test_a_check_is_answered_in_place_of_anything(
    http: ClientSession, gate: str, status: int, retry: str | None
) -> None:
    async with Playground(gate) as site:
        for path in ("/", "/api/chat", "/nowhere"):
            async with http.get(site.origin + path) as response:
                page = await response.text()
            assert (response.status, response.content_type) == (status, "text/html")
            assert response.headers.get("Retry-After") == retry
            assert "Set-Cookie" not in response.headers
            assert "<title>Just a moment...</title>" in page
            assert '<body class="no-js">' in page
        assert (await _chat(http, site)).status == status
        assert (site.page_loads, site.chats) == (0, 0)


@pytest.mark.parametrize("gate", ["check-503", "check-403"])
async def test_the_value_on_the_check_page_lets_in(http: ClientSession, gate: str) -> None:
    async with Playground(gate) as site:
        cookie = await _take_check(http, site)
        assert cookie.startswith(f"{site.cookie_name}=")
        assert (await _chat(http, site, cookie)).status == 200
        assert (await _chat(http, site, f"other=1; {cookie}; more=2")).status == 200
        assert (await _chat(http, site, f"{site.cookie_name}={new_value()}")).status != 200


async def test_the_403_check_binds_to_the_user_agent(http: ClientSession) -> None:
    async with Playground("check-403") as site:
        cookie = await _take_check(http, site, **{"User-Agent": "one"})
        assert (await _chat(http, site, cookie, **{"User-Agent": "two"})).status == 403
        assert (await _chat(http, site, cookie, **{"User-Agent": "one"})).status == 200
        assert (await _chat(http, site, cookie, **{"User-Agent": "two"})).status == 403
    async with Playground("check-503") as site:
        cookie = await _take_check(http, site, **{"User-Agent": "one"})
        assert (await _chat(http, site, cookie, **{"User-Agent": "two"})).status == 200


async def test_the_401_login_shows_its_form_everywhere(http: ClientSession) -> None:
    async with Playground("login-401") as site:
        for path in ("/", "/nowhere"):
            async with http.get(site.origin + path) as response:
                page = await response.text()
            assert (response.status, response.content_type) == (401, "text/html")
            assert 'name="password"' in page
            assert not {"WWW-Authenticate", "Set-Cookie"} & set(response.headers)
        assert (await _chat(http, site)).status == 401


async def test_the_redirecting_login_overwrites_the_cookie_with_a_worthless_one(http: ClientSession) -> None:
    async with Playground("login-redirect") as site:
        response = await _chat(http, site)
        assert (response.status, response.headers["Location"]) == (302, "/login?next=%2Fapi%2Fchat")
        worthless = _set_cookie(response)
        assert worthless.startswith(f"{site.cookie_name}=a+b/")
        assert (await _chat(http, site, worthless)).status == 302
        async with http.get(f"{site.origin}/login?next=%2F") as page:
            assert (page.status, page.content_type) == (200, "text/html")


@pytest.mark.parametrize("gate", ["login-401", "login-redirect"])
async def test_a_login_lets_in(http: ClientSession, gate: str) -> None:
    async with Playground(gate) as site:
        cookie = await _log_in(http, site)
        assert (await _chat(http, site, cookie)).status == 200
        async with http.get(site.origin, headers={"Cookie": cookie}) as page:
            assert page.status == 200
        assert (site.page_loads, site.chats) == (1, 1)


async def test_a_wrong_login_shows_the_form_again(http: ClientSession) -> None:
    async with Playground("login-redirect") as site:
        async with http.post(f"{site.origin}/login", data={"username": "demo"}) as response:
            page = await response.text()
        assert response.status == 401
        assert "Wrong name or password." in page
        assert "Set-Cookie" not in response.headers


async def test_a_quoted_value_is_refused(http: ClientSession) -> None:
    async with Playground("login-401") as site:
        name, _, value = (await _log_in(http, site)).partition("=")
        assert (await _chat(http, site, f'{name}="{value}"')).status == 401
        assert (await _chat(http, site, f"{name}={value.replace('+', '%2B')}")).status == 401
        assert (await _chat(http, site, f"{name}={value}")).status == 200


@pytest.mark.parametrize(("life", "age"), [(None, None), (90, "Max-Age=90"), (0.2, "Max-Age=1")])
async def test_only_a_given_life_makes_a_lasting_cookie(
    http: ClientSession, life: float | None, age: str | None
) -> None:
    async with (
        Playground("login-401", life=life) as site,
        http.post(f"{site.origin}/login", data=_LOGIN, allow_redirects=False) as response,
    ):
        attributes = response.headers["Set-Cookie"].split("; ")
    assert {"Path=/", "SameSite=Lax", "HttpOnly"} < set(attributes)
    assert [part for part in attributes if part.startswith("Max-Age")] == ([age] if age else [])


async def test_a_fixed_session_ends_and_does_not_slide(http: ClientSession) -> None:
    async with Playground("login-401", life=_LIFE_S) as site:
        ends, used = time.monotonic() + _LIFE_S, 0
        cookie = await _log_in(http, site)
        while (response := await _chat(http, site, cookie)).status == 200:
            assert "Set-Cookie" not in response.headers
            used += 1
        assert used
        assert time.monotonic() >= ends


async def test_a_sliding_session_lives_on_and_the_first_value_does_not(http: ClientSession) -> None:
    async with Playground("login-401", life=_LIFE_S, sliding=True) as site:
        first = cookie = await _log_in(http, site)
        begun = time.monotonic()
        while time.monotonic() < begun + 2 * _LIFE_S:
            response = await _chat(http, site, cookie)
            assert response.status == 200
            fresh = _set_cookie(response)
            assert fresh != cookie
            cookie = fresh
        assert (await _chat(http, site, first)).status == 401


async def test_an_old_value_stays_good_beside_the_fresh_one(http: ClientSession) -> None:
    async with Playground("check-403", sliding=True) as site:
        first = await _take_check(http, site)
        for _ in range(2):
            response = await _chat(http, site, first)
            assert response.status == 200
            assert (await _chat(http, site, _set_cookie(response))).status == 200
            assert "HttpOnly" not in response.headers["Set-Cookie"]


async def test_only_a_200_slides(http: ClientSession) -> None:
    async with Playground("login-401", sliding=True, answer="error Slow down") as site:
        response = await _chat(http, site, await _log_in(http, site))
        assert response.status == 500
        assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("sliding", [False, True])
async def test_revoking_ends_every_session_and_no_answer(http: ClientSession, *, sliding: bool) -> None:
    async with Playground("login-401", sliding=sliding, answer="slow 0.02 a b c d e f") as site:
        first, second = await _log_in(http, site), await _log_in(http, site)
        url = f"{site.origin}/api/chat"
        async with http.post(url, json=_CHAT, headers={"Cookie": first}) as response:
            begun = await response.content.readany()
            site.revoke_all()
            assert begun + await response.read() == b"a b c d e f"
        values = {first, second, *([_set_cookie(response)] if sliding else [])}
        assert [(await _chat(http, site, value)).status for value in values] == [401] * len(values)


async def test_revoking_counts_for_open_check_pages_too(http: ClientSession) -> None:
    async with Playground("check-503") as site:
        cookie = await _take_check(http, site)
        async with http.post(f"{site.origin}/playground/revoke") as response:
            assert response.status == 204
        assert (await _chat(http, site, cookie)).status == 503


async def test_a_few_paths_are_outside_every_gate(http: ClientSession) -> None:
    for gate in ("none", "check-503", "check-403", "login-401", "login-redirect"):
        async with Playground(gate) as site:
            async with http.get(f"{site.origin}/favicon.ico") as icon:
                assert icon.status == 204
            async with http.post(f"{site.origin}/playground/revoke") as revoked:
                assert revoked.status == 204


async def test_without_a_gate_there_are_no_cookies(http: ClientSession) -> None:
    async with Playground(sliding=True) as site:
        assert site.cookie_name is None
        site.revoke_all()
        response = await _chat(http, site)
        assert response.status == 200
        assert "Set-Cookie" not in response.headers


def test_an_unknown_gate_is_refused() -> None:
    with pytest.raises(InvalidInput, match="login-redirect"):
        Playground("turnstile")


def test_old_sessions_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_browser.playground.sessions._MAX_SESSIONS", 3)
    sessions = Sessions(life=60)
    for number in range(5):
        sessions.begin(str(number))
    assert [number for number in range(5) if sessions.is_valid(str(number))] == [2, 3, 4]


class Clock:
    """The clock of sessions, which stands still until a test moves it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("aura_browser.playground.sessions.time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr("aura_browser.playground.browser_gates.time", SimpleNamespace(time=lambda: self.now))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.mark.parametrize("name", [name for name in GATES if name != "none"])
@pytest.mark.parametrize("life", [None, 5.0])
def test_a_session_lasts_an_hour_if_no_life_is_given(clock: Clock, name: str, life: float | None) -> None:
    gate = make_gate(name, life, 1.0)
    assert gate is not None
    gate.sessions.begin("v")
    clock.now += 3600 if life is None or name == "script" else life  # a script's key outlives its values
    assert not gate.sessions.is_valid("v")
    clock.now -= 0.01
    assert gate.sessions.is_valid("v")


def test_ten_thousand_sessions_are_remembered() -> None:
    sessions = Sessions(life=60)
    for number in range(10_001):
        sessions.begin(str(number))
    assert [number for number in range(10_001) if not sessions.is_valid(str(number))] == [0]


async def test_a_check_page_is_good_for_five_minutes(http: ClientSession, clock: Clock) -> None:
    async with Playground("check-503", check_delay=0.25) as site:
        early, late = await _take_check(http, site), await _take_check(http, site)
        async with http.get(site.origin) as response:
            assert ("location.reload(); }, 250);" in await response.text(), response.headers["Cache-Control"]) == (
                True,
                "no-store",
            )
        clock.now += 299.9
        assert (await _chat(http, site, early)).status == 200
        clock.now += 0.1
        assert (await _chat(http, site, late)).status == 503
        assert (await _chat(http, site, early)).status == 200


async def test_the_life_of_a_checked_session_begins_with_its_first_use_only(http: ClientSession, clock: Clock) -> None:
    async with Playground("check-503", life=10) as site:
        cookie = await _take_check(http, site)
        statuses = []
        for later in (60, 6, 6):
            clock.now += later
            statuses.append((await _chat(http, site, cookie)).status)
        assert statuses == [200, 200, 503]


@pytest.mark.parametrize("gate", ["login-401", "login-redirect"])
async def test_no_login_page_is_kept_by_a_browser(http: ClientSession, gate: str) -> None:
    async with Playground(gate) as site, http.get(f"{site.origin}/login") as response:
        assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")


_CHROME = ("Host", "Connection", "sec-ch-ua", "User-Agent", "Accept-Encoding", "Accept-Language")


async def _ask_raw(site: Playground, names: tuple[str, ...], cookie: str = "", path: str = "/") -> tuple[str, str]:
    """Send a GET with headers in the order of *names*; return the head and the body of the answer."""
    values = {"Host": site.origin.removeprefix("http://"), "Connection": "close", "Cookie": cookie}
    lines = [f"{name}: {values.get(name, 'x')}" for name in (*names[:2], *(["Cookie"] if cookie else []), *names[2:])]
    reader, writer = await asyncio.open_connection("127.0.0.1", int(site.origin.rpartition(":")[2]))
    writer.write("\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().removesuffix("\r\n\r\n")
    body = await reader.readexactly(int(head.partition("Content-Length: ")[2].split()[0]))
    writer.close()
    return head, body.decode()


@pytest.mark.parametrize("sliding", [False, True])
async def test_a_browsers_own_connection_lets_in(*, sliding: bool) -> None:
    async with Playground("connection", life=90, sliding=sliding) as site:
        head, _ = await _ask_raw(site, _CHROME)
        found = re.search(r"Set-Cookie: (pass=\S+); Path=/; SameSite=Lax; Max-Age=90; HttpOnly", head)
        assert found
        assert head.startswith("HTTP/1.1 302 Found\r\nLocation: /\r\n")
        head, page = await _ask_raw(site, _CHROME, found[1])
        assert head.startswith("HTTP/1.1 200 OK")
        assert "Type a message" in page
        assert ("Set-Cookie: pass=" in head) == sliding
        for names in (_CHROME[::-1], _CHROME[:-1], ("Host", *_CHROME[2:]), (*_CHROME[:2], *_CHROME[3:])):
            head, text = await _ask_raw(site, names, found[1])
            assert (head.partition("\r\n")[0], text) == ("HTTP/1.1 403 Forbidden", "Forbidden")
        assert (await _ask_raw(site, _CHROME, path="/nowhere"))[0].startswith("HTTP/1.1 403 Forbidden")
        site.revoke_all()
        assert (await _ask_raw(site, _CHROME, found[1]))[0].startswith("HTTP/1.1 302 Found")


@pytest.mark.parametrize(("text", "number"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)])
def test_a_scripts_values_are_mixed_by_fnv_1a(text: str, number: int) -> None:
    """The vectors are those of its authors."""
    assert mix(text) == number


@pytest.mark.parametrize(("life", "age", "every_ms"), [(None, 4, 1000), (10, 10, 2500)])
async def test_a_scripts_value_is_good_for_a_moment(
    http: ClientSession, clock: Clock, life: float | None, age: int, every_ms: int
) -> None:
    async with Playground("script", life=life) as site:
        async with http.get(site.origin) as response:
            page = await response.text()
            assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
        assert f'cookie = "tick=; Path=/; SameSite=Lax; Max-Age={age}", name = "tick";' in page
        assert f"setInterval(renew, {every_ms});" in page
        assert page.index("Type a message") < page.index("setInterval") < page.index("</body>")
        found = re.search(r'const key = "(\S+)"', page)
        assert found
        made = f"{found[1]}.{round(clock.now * 1000)}"
        good = f"tick={made}.{mix(made)}"
        statuses = {}
        for later in (-age - 0.01, -age, age, age + 0.01):
            clock.now = 1000.0 + later
            statuses[later] = (await _chat(http, site, good)).status
        assert list(statuses.values()) == [401, 200, 200, 401]
        clock.now = 1000.0
        for bad in (
            f"tick={made}.1",
            f"tick={found[1]}.now.{mix(f'{found[1]}.now')}",
            "tick=",
            good.replace("=a", "=b", 1),
        ):
            assert (await _chat(http, site, bad)).status == 401
        site.revoke_all()
        assert (await _chat(http, site, good)).status == 401
