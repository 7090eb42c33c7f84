"""Pages that change their own JavaScript world, or store what no session can hold, with a real Chrome."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from yarl import URL

from aura_browser import Condition, page_site
from aura_browser.errors import AuraError
from aura_browser.webdriver.harvest import harvest
from tests.parts.servers import page, serving

pytestmark = [pytest.mark.chrome, pytest.mark.usefixtures("shared_chrome")]

_TIMEOUT_S = 60.0
_FORGED = """<script>
const forge = 'http://victim.localhost:%d/stolen';
Object.hasOwn = () => true;
Object.prototype.hasOwnProperty = () => true;
Object.keys = () => ['href'];
JSON.stringify = () => '{"href":"' + forge + '"}';
for (const name of ['querySelector', 'getElementById']) Document.prototype[name] = () => document.documentElement;
try { Object.defineProperty(window, 'location', {value: {href: forge, origin: new URL(forge).origin}}) } catch (e) {}
Object.defineProperty(document, 'URL', {value: forge});
</script>"""


@asynccontextmanager
async def served_hostile(script: str) -> AsyncIterator[tuple[str, int]]:
    """Serve a page with this script, and another site whose cookie it is after; yield its origin and the port."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        port = request.url.port or 0
        if request.host.startswith("victim"):
            headers = {"Set-Cookie": "victim=s3cret; HttpOnly; SameSite=Strict; Path=/"}
            return web.Response(text="mine", headers=headers)
        body = (script % port if "%d" in script else script) + f"<img src='http://victim.localhost:{port}/x'>"
        headers = {"Set-Cookie": "own=1; Path=/"}
        return web.Response(text=f"<!doctype html><body>{body}</body>", content_type="text/html", headers=headers)

    async with serving(handle) as (_server, origin):
        port = URL(origin).port or 0
        yield f"http://site.localhost:{port}", port


async def test_a_page_can_not_pass_itself_off_as_another_site() -> None:
    async with served_hostile(_FORGED) as (origin, _port):
        session = await harvest(page_site(origin), timeout_s=_TIMEOUT_S)
    assert session.origin == origin
    assert session.url == f"{origin}/"
    assert [cookie.name for cookie in session.cookies] == ["own"]


@pytest.mark.parametrize(
    "script",
    [
        "var performance = {}; var navigator = null; var localStorage = {};",
        "Array.prototype.map = () => []; Array.prototype[Symbol.iterator] = () => { throw 1 };",
        "Object.hasOwn = () => { throw new Error('no') }; JSON.parse = JSON.stringify = () => 'x';",
        "window.Promise = function () {}; delete window.Symbol;",
        "Storage.prototype.key = Storage.prototype.getItem = () => 'forged';",
    ],
    ids=["globals", "arrays", "json", "promises", "storage"],
)
async def test_a_page_that_replaces_what_scripts_use_is_harvested(script: str) -> None:
    body = f"<script>localStorage.setItem('theme', 'dark');{script}</script>"
    condition = Condition.parse("selector:script")
    async with serving(page(body)) as (_server, origin):
        session = await harvest(page_site(origin, (condition,)), timeout_s=_TIMEOUT_S)
    assert session.local_storage == {"theme": "dark"}
    assert "Chrome/" in session.user_agent


async def test_elements_named_like_the_documents_properties_hide_nothing() -> None:
    names = ("querySelector", "readyState", "body", "title", "documentElement", "forms", "scripts")
    body = "<p id=here>Hello</p>" + "".join(f"<img name={name}><form name={name}></form>" for name in names)
    conditions = (Condition.parse("selector:#here"), Condition.parse("text:Hello"))
    async with serving(page(body)) as (_server, origin):
        assert (await harvest(page_site(origin, conditions), timeout_s=_TIMEOUT_S)).origin == origin
        assert (await harvest(page_site(origin), timeout_s=_TIMEOUT_S)).origin == origin


async def test_odd_keys_are_kept_and_half_characters_left_out(caplog: pytest.LogCaptureFixture) -> None:
    entries = {
        "length": "1",
        "__proto__": "2",
        "constructor": "3",
        "key": "4",
        "": "5",
        "emoji": "\U0001f642",
        "t\u2028": "6",
    }
    script = f"""<script>
    for (const [key, value] of {json.dumps(list(entries.items()))})
      Storage.prototype.setItem.call(localStorage, key, value);
    localStorage.setItem('half', '\\ud83d'); localStorage.setItem('\\ude42', 'half a key');
    sessionStorage.setItem('\\ud83d token', 'x');
    </script>"""
    async with serving(page(script)) as (_server, origin):
        with caplog.at_level(logging.WARNING):
            session = await harvest(page_site(origin), timeout_s=_TIMEOUT_S)
    assert session.local_storage == entries
    assert caplog.text.count("not valid Unicode and is left out") == 3
    assert "session storage" in caplog.text
    session.to_json()


@pytest.mark.parametrize("name", ["firebaseLocalStorageDb", "auth-tokens"])
async def test_a_login_in_indexed_db_is_said(name: str, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(page(f"<script>indexedDB.open('{name}')</script>")) as (_server, origin):
        with caplog.at_level(logging.WARNING):
            await harvest(page_site(origin), timeout_s=_TIMEOUT_S)
    assert "IndexedDB" in caplog.text


async def test_a_page_that_leaves_for_another_site_while_it_is_read_is_never_taken_for_it() -> None:
    script = "<script>setInterval(() => { location.href = 'http://victim.localhost:%d/' }, 1)</script>"
    async with served_hostile(script) as (origin, port):
        try:
            session = await harvest(page_site(origin), timeout_s=3)
        except AuraError:
            return
    assert session.origin == origin
    assert str(port) in session.url
    assert "victim" not in session.to_json()
