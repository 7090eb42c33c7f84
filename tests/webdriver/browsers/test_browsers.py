"""The engines beside the default one: a Chrome that runs already, a Selenium Grid, and a patched driver."""

import asyncio
import hashlib
import json
import sys
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web
from selenium.common.exceptions import NoSuchWindowException
from yarl import URL

from aura_browser import Attach, Condition, Grid, OwnDriver, Undetected, openchat_site, page_site
from aura_browser.errors import BrowserDied, BrowserNotFound, InvalidInput, NotReady
from aura_browser.playground import Playground
from aura_browser.webdriver.browsers.attach import _naming_what_ended, _open_tab
from aura_browser.webdriver.harvest import harvest
from aura_browser.webdriver.process.lifeline import Lifeline
from tests.parts.harvests import works
from tests.parts.hurry import Hurry
from tests.parts.open_chrome import open_chrome
from tests.parts.servers import page, serving, without_end
from tests.parts.waiting import until

pytestmark = pytest.mark.chrome


def tabs(address: str) -> list[str]:
    with urllib.request.urlopen(f"http://{address}/json/list", timeout=5) as answer:
        return [tab["url"] for tab in json.load(answer) if tab["type"] == "page" and "top-chrome" not in tab["url"]]


async def test_a_chrome_that_runs_already_lends_a_tab_and_stays(tmp_path: Path, hurry: Hurry) -> None:
    async with Playground("check-503", check_delay=0.2) as server:
        with open_chrome(tmp_path) as address:
            before = tabs(address)
            engine = Attach(address)
            first = await harvest(openchat_site(server.origin), engine=engine)
            assert await works(first)
            # In the same profile a check that was passed stays passed; and two at once don't mind each other.
            second, third = await asyncio.gather(
                *(harvest(openchat_site(server.origin), engine=engine) for _ in range(2))
            )
            assert first.cookies == second.cookies == third.cookies
            never = page_site(server.origin, (Condition.parse("cookie:never"),))
            with pytest.raises(NotReady):
                await harvest(never, engine=engine, on_wait=hurry("cookie:never"))
            # Chrome says "Target is closing" and closes it a moment later.
            await asyncio.to_thread(until, lambda: tabs(address) == before, "the tabs are as before", 5.0)


async def test_the_tab_is_opened_where_another_program_has_the_site_open(tmp_path: Path) -> None:
    """Such programs keep their pages in browser contexts of their own, as Playwright does."""
    async with serving(page("<p>plain")) as (_server, origin):
        with open_chrome(tmp_path) as address:
            async with aiohttp.ClientSession() as http, http.get(f"http://{address}/json/version") as answer:
                browser = (await answer.json())["webSocketDebuggerUrl"]
                async with http.ws_connect(browser) as ws:
                    context = (await ask(ws, "Target.createBrowserContext"))["browserContextId"]
                    cookie = {"name": "sid", "value": "theirs", "url": origin}
                    await ask(ws, "Storage.setCookies", cookies=[cookie], browserContextId=context)
                    await ask(ws, "Target.createTarget", url=origin, browserContextId=context)
                    await asyncio.to_thread(until, lambda: f"{origin}/" in tabs(address), "it is open")
                    before = sorted(tabs(address))
                    session = await harvest(page_site(origin), engine=Attach(address))
            assert [cookie.value for cookie in session.cookies] == ["theirs"]
            await asyncio.to_thread(until, lambda: sorted(tabs(address)) == before, "the tabs are as before", 5.0)


async def ask(ws: aiohttp.ClientWebSocketResponse, method: str, **params: object) -> dict[str, Any]:
    """Send a command of the DevTools protocol, and return its result."""
    await ws.send_json({"id": 1, "method": method, "params": params})
    result: dict[str, Any] = (await ws.receive_json(timeout=20))["result"]
    return result


async def test_no_chrome_to_attach_to_is_said_with_how_to_start_one() -> None:
    with pytest.raises(BrowserNotFound, match=r"127\.0\.0\.1:9 .*refused.*--remote-debugging-port=9222"):
        await harvest(page_site("http://127.0.0.1:9"), engine=Attach("127.0.0.1:9"))


@pytest.mark.parametrize("body", ["<p>Hello</p>", "{}", "[]", "null", '"id"', pytest.param("[" * 200_000, id="nested")])
async def test_what_answers_and_is_no_chrome_is_said(body: str) -> None:
    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=body)

    async with serving(answer) as (_server, origin):
        with pytest.raises(BrowserNotFound, match=r"what answers is no Chrome.*--remote-debugging-port=9222"):
            await harvest(page_site(origin), engine=Attach(urlsplit(origin).netloc))


@pytest.mark.parametrize(("piece", "patience_s"), [(b"x", 0.5), (b"x" * 2**20, 60.0)], ids=["slow", "long"])
async def test_an_answer_without_an_end_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, piece: bytes, patience_s: float
) -> None:
    monkeypatch.setattr("aura_browser.webdriver.browsers.attach._CALL_TIMEOUT_S", patience_s)
    async with serving(without_end(piece)) as (_server, origin):
        with pytest.raises(BrowserNotFound, match="its answer does not end"):
            await harvest(page_site(origin), engine=Attach(urlsplit(origin).netloc), timeout_s=30)


async def test_a_tab_that_is_gone_when_it_is_to_be_closed_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"id": "T1"}) if request.method == "PUT" else web.Response(status=404)

    def use_tab(debugger: URL) -> str:
        with Lifeline() as lifeline, _open_tab(debugger, lifeline) as tab:
            return tab

    with caplog.at_level("DEBUG"):
        async with serving(answer) as (server, origin):
            assert await asyncio.to_thread(use_tab, URL(origin)) == "T1"
    assert [(seen.method, seen.path) for seen in server.seen] == [("PUT", "/json/new"), ("GET", "/json/close/T1")]
    assert "The tab could not be closed (HTTPError): the tab or Chrome is gone." in caplog.text


def test_a_tab_that_the_person_closes_before_it_is_used_is_said() -> None:
    said = "its new tab was closed, or Chrome exited"
    with pytest.raises(BrowserDied, match=said), _naming_what_ended(Attach("127.0.0.1:9222")):
        raise NoSuchWindowException("no such window")


@pytest.mark.parametrize("address", ["", "9222", "http://127.0.0.1:9222", "127.0.0.1", "host:9222/x", "a:b@host:1"])
def test_what_is_no_address_to_attach_to(address: str) -> None:
    with pytest.raises(InvalidInput, match=r"host:port, such as 127\.0\.0\.1:9222"):
        Attach(address)


@pytest.mark.parametrize("url", ["", "host", "host:4444", "ftp://host", "http://", "http://host/?x=1"])
def test_what_is_no_address_of_a_grid(url: str) -> None:
    with pytest.raises(InvalidInput, match="such as http://127"):
        Grid(url)


def test_no_engine_shows_a_password() -> None:
    assert "s3cret" not in repr(Grid("http://me:s3cret@grid.example:4444"))
    assert "s3cret" not in repr(OwnDriver("s3cret"))  # type: ignore[arg-type]


async def test_what_only_works_on_this_machine_is_refused_for_a_grid() -> None:
    with pytest.raises(InvalidInput, match="password can't be used on a Grid"):
        await harvest(
            page_site("http://127.0.0.1:9"), engine=Grid("http://127.0.0.1:9"), proxy="http://a:b@127.0.0.1:9"
        )


TELLING = """<script>
document.title = `${navigator.webdriver} ${Object.keys(window).filter((key) => key.startsWith("cdc_"))}`.trim();
</script>"""


async def test_the_undetected_engine_hides_the_driver_and_leaves_the_found_one_as_it_is() -> None:
    before = digest_of_the_driver()
    async with serving(page(TELLING)) as (_server, origin):
        hidden = page_site(origin, (Condition.parse("js:document.title === 'false'"),))
        await harvest(hidden, engine=Undetected(), timeout_s=30)
        plain = page_site(origin, (Condition.parse("js:document.title.startsWith('true')"),))
        await harvest(plain, timeout_s=30)
    assert digest_of_the_driver() == before


def digest_of_the_driver() -> str:
    return hashlib.sha256(Path("/usr/bin/chromedriver").read_bytes()).hexdigest()


async def test_a_missing_package_of_the_undetected_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "undetected_chromedriver.patcher", None)
    with pytest.raises(InvalidInput, match="pip install 'undetected-chromedriver>="):
        await harvest(page_site("http://127.0.0.1:9"), engine=Undetected())
