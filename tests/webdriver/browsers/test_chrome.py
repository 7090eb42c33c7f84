"""The engine ``chrome``: what ``selenium`` does, without ChromeDriver; and the default engine, which chooses."""

import asyncio
import json
import logging
from pathlib import Path

import pytest
from aiohttp import web

from aura_browser import Chrome, Condition, Selenium, harvest, openchat_site, page_site
from aura_browser.errors import (
    BrowserDied,
    BrowserNotFound,
    DriverMismatch,
    LaunchFailed,
    NotReady,
    PageFailed,
    SiteFailed,
)
from aura_browser.playground import Playground
from tests.parts.mismatched_driver import mismatched_driver
from tests.parts.programs import program
from tests.parts.servers import page, serving

pytestmark = pytest.mark.chrome

FACTS = """<script>
localStorage.setItem('theme', 'dark');
// Before the page has loaded, Chrome's window may have no size yet, with either engine.
addEventListener('load', () => document.cookie = 'facts=' + encodeURIComponent(JSON.stringify([
  navigator.webdriver, navigator.language, navigator.languages, navigator.plugins.length, innerWidth, innerHeight,
  screen.width, devicePixelRatio, Notification.permission, document.hidden,
  document.hasFocus(), typeof window.chrome, navigator.cookieEnabled,
])));
</script>"""


async def test_both_engines_bring_the_same_session() -> None:
    headers = {"Set-Cookie": "sid=1; HttpOnly; SameSite=Lax; Max-Age=600; Path=/"}
    async with serving(page(FACTS, headers=headers)) as (_server, origin):
        chrome, selenium = [await harvest(page_site(origin), engine=engine) for engine in (Chrome(), Selenium())]
    assert [(cookie.name, cookie.value) for cookie in chrome.cookies] == [
        (cookie.name, cookie.value) for cookie in selenium.cookies
    ]
    assert {cookie.name for cookie in chrome.cookies} == {"sid", "facts"}
    assert (chrome.headers, chrome.user_agent, chrome.local_storage, chrome.browser, chrome.page_requests) == (
        selenium.headers,
        selenium.user_agent,
        selenium.local_storage,
        selenium.browser,
        selenium.page_requests,
    )


@pytest.mark.usefixtures("shared_pages")
async def test_a_check_page_is_waited_for_and_a_refusal_is_named() -> None:
    async with Playground("check-503", check_delay=0.2) as server:
        session = await harvest(openchat_site(server.origin), engine=Chrome())
        assert [cookie.name for cookie in session.cookies] == [server.cookie_name]
    async with serving(page(status=500)) as (_server, origin):
        with pytest.raises(SiteFailed, match="500"):
            await harvest(page_site(origin), engine=Chrome())
    with pytest.raises(PageFailed, match="ERR_UNSAFE_PORT"):
        await harvest(page_site("http://127.0.0.1:9/"), engine=Chrome())


async def test_dialogs_and_a_busy_page_do_not_hold_a_harvest() -> None:
    script = """<script>alert('a'); confirm('b'); prompt('c');
    const end = Date.now() + 1200; while (Date.now() < end); document.title = 'idle';</script>"""
    done = (Condition.parse("js:document.title === 'idle'"),)
    async with serving(page(script)) as (_server, origin):
        assert (await harvest(page_site(origin, done), engine=Chrome())).origin == origin


@pytest.mark.soak
async def test_a_page_that_is_busy_for_ever_ends_with_the_time() -> None:
    async with serving(page("<script>for (;;);</script>")) as (_server, origin):
        with pytest.raises(NotReady):
            await harvest(page_site(origin), engine=Chrome(), timeout_s=4)


async def test_a_crash_of_the_page_is_said() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/":
            return web.Response(text="<script>location = '/next'</script>", content_type="text/html")
        return web.Response(status=302, headers={"Location": "chrome://crash/"})

    async with serving(handle) as (_server, origin):
        with pytest.raises((BrowserDied, PageFailed)):
            await harvest(page_site(origin), engine=Chrome(), timeout_s=10)


async def test_a_kept_profile_keeps_a_session_cookie_and_its_own_settings(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    engine = Chrome(profile=profile)
    async with serving(page(headers={"Set-Cookie": "sid=1; Path=/"})) as (server, origin):
        await harvest(page_site(origin), engine=engine)
        settings = profile / "Default" / "Preferences"
        changed = json.loads(settings.read_bytes())
        changed["of_the_person"] = {"kept": True}
        settings.write_text(json.dumps(changed), "utf-8")
        await harvest(page_site(origin), engine=engine)
    assert "sid=1" in server.seen[-1].headers.get("Cookie", "")
    assert json.loads(settings.read_bytes())["of_the_person"] == {"kept": True}
    settings.write_bytes(b"{damaged")
    with pytest.raises(LaunchFailed, match="Remove the file Default/Preferences"):
        await harvest(page_site("http://127.0.0.1:9"), engine=engine)
    assert settings.read_bytes() == b"{damaged"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 7", "exited during its start (code 7)"),
        ("echo 'No usable sandbox!' >&2; exit 1", "Chrome may not make its sandbox here"),
        ("exec 3<&- 4>&-; sleep 60", "closed the connection"),
        ("echo '{}' >&4; sleep 60", "it had not started after 2 s"),
        ("printf '{}\\0' >&4; sleep 60", "neither an answer nor an event"),
    ],
)
async def test_a_chrome_that_does_not_start_is_said_with_its_reason(tmp_path: Path, script: str, said: str) -> None:
    broken = program(tmp_path, "chrome", f"#!/bin/sh\n{script}\n")
    with pytest.raises(LaunchFailed) as caught:
        await harvest(page_site("http://127.0.0.1:9"), engine=Chrome(broken), timeout_s=2)
    assert said in str(caught.value)


async def test_no_chrome_is_said_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrowserNotFound, match=r"AURA_BROWSER_CHROME.*apt install chromium"):
        await harvest(page_site("http://127.0.0.1:9"), engine=Chrome())


async def test_without_a_chromedriver_the_default_starts_chrome_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    program(tmp_path, "chromium", '#!/bin/sh\nPATH=/usr/bin:/bin exec chromium "$@"\n')
    monkeypatch.setenv("PATH", str(tmp_path))
    caplog.set_level(logging.INFO)
    async with serving(page()) as (_server, origin):
        assert (await harvest(page_site(origin))).origin == origin
    assert caplog.text.count("no ChromeDriver here, so Chrome is started without one") == 1


async def test_a_chromedriver_of_another_version_is_left_aside_unless_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AURA_BROWSER_DRIVER", str(mismatched_driver(tmp_path)))
    async with serving(page()) as (_server, origin):
        assert (await harvest(page_site(origin))).origin == origin
        assert "Chrome is started without it" in caplog.text
        with pytest.raises(DriverMismatch):
            await harvest(page_site(origin), engine=Selenium())


async def test_a_cancelled_harvest_ends_its_chrome_at_once() -> None:
    never = (Condition.parse("cookie:never"),)
    async with serving(page()) as (_server, origin):
        waits = asyncio.Event()
        loop = asyncio.get_running_loop()

        def tell(*_: object) -> None:
            loop.call_soon_threadsafe(waits.set)

        harvesting = asyncio.ensure_future(harvest(page_site(origin, never), engine=Chrome(), on_wait=tell))
        await waits.wait()
        harvesting.cancel()
        async with asyncio.timeout(20):
            with pytest.raises(asyncio.CancelledError):
                await harvesting
