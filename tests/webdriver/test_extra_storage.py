"""Storage that no request uses is harvested whole: session storage and IndexedDB, and comes back the same."""

import asyncio
import time
from typing import Final

import pytest
from aiohttp import web
from multidict import CIMultiDict

from aura_browser import Condition, OwnDriver, Session, page_site
from aura_browser.formats import dump, load
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.harvest import harvest
from aura_browser.webdriver.restore import restore_session
from tests.parts.drivers import own_driver
from tests.parts.servers import page, serving

pytestmark = [pytest.mark.chrome, pytest.mark.usefixtures("shared_chrome")]

_FILL: Final = """<script>
sessionStorage.setItem('step', '2');
const request = indexedDB.open('app', 3);
request.onupgradeneeded = () => {
  const users = request.result.createObjectStore('users', {keyPath: 'id', autoIncrement: true});
  users.createIndex('by name', ['name', 'age'], {unique: true});
  users.add({name: 'Ann', age: 5, tags: ['a', {b: null}], __proto__: {x: 1}});
  const odd = request.result.createObjectStore('odd');
  const loop = {when: new Date(0), bytes: new Uint8Array([0, 255]), none: undefined, big: 10n, pattern: /a/g};
  loop.self = loop;
  odd.add(loop, 'first');
  odd.add('plain', new Date(5));
  request.result.createObjectStore('empty');
};
request.onsuccess = () => { request.result.close(); document.body.id = 'filled'; };
</script>"""
_HOLD: Final = """<script>
const request = indexedDB.open('%s', 1);
request.onupgradeneeded = () => {
  const store = request.result.createObjectStore('keys');
  store.add(%s, 'k');
};
request.onsuccess = () => { document.body.id = 'filled'; };
</script>"""
_PLAIN: Final = "<!doctype html><body id=filled>Welcome"
_COOKIES: Final = (
    "sid=a+b/c==; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600",
    "part=v; Path=/; Secure; SameSite=None; Partitioned; Max-Age=3600",
    "brief=v; Path=/",
)
_FILLED: Final = (Condition.parse("selector:#filled"),)


async def harvest_page(script: str) -> Session:
    async with serving(page(script)) as (_server, origin):
        return await harvest(page_site(origin, _FILLED), timeout_s=30)


async def test_session_storage_and_databases_are_read_in_playwrights_form() -> None:
    session = await harvest_page(_FILL)
    [origin] = session.extra_storage["origins"]
    assert origin["origin"] == session.origin
    assert origin["sessionStorage"] == [{"name": "step", "value": "2"}]
    [database] = origin["indexedDB"]
    assert (database["name"], database["version"]) == ("app", 3)
    stores = {store["name"]: store for store in database["stores"]}
    users = stores["users"]
    assert (users["keyPath"], users["autoIncrement"]) == ("id", True)
    assert users["records"] == [{"value": {"name": "Ann", "age": 5, "tags": ["a", {"b": None}], "id": 1}}]
    index = {"name": "by name", "keyPathArray": ["name", "age"], "multiEntry": False, "unique": True}
    assert users["indexes"] == [index]
    assert stores["empty"]["records"] == []
    dated, looped = stores["odd"]["records"]
    assert dated == {"keyEncoded": {"d": "1970-01-01T00:00:00.005Z"}, "value": "plain"}
    fields = {each["k"]: each["v"] for each in looped["valueEncoded"]["o"]}
    assert fields["self"] == {"ref": looped["valueEncoded"]["id"]}
    assert fields["bytes"] == {"ta": {"b": "AP8=", "k": "ui8"}}
    assert (fields["when"], fields["big"]) == ({"d": "1970-01-01T00:00:00.000Z"}, {"bi": "10"})
    assert Session.from_json(session.to_json()) == session
    assert load(dump(session, "storage-state").text.encode(), now=session.harvested_at).session == session


@pytest.mark.parametrize(
    "value",
    ["new Blob(['x'])", "'x'.repeat(2000000)", "JSON.parse('['.repeat(500) + ']'.repeat(500))"],
    ids=["blob", "large", "deep"],
)
async def test_a_database_that_is_no_text_is_left_out_and_said_if_it_seems_a_login(
    value: str, caplog: pytest.LogCaptureFixture
) -> None:
    session = await harvest_page(_HOLD % ("auth-keys", value))
    assert session.extra_storage == {}
    assert "a login in an IndexedDB that can't be read as text, so it is left out" in caplog.text


async def test_what_was_harvested_exported_and_put_back_is_harvested_the_same() -> None:
    headers: CIMultiDict[str] = CIMultiDict()
    for line in _COOKIES:
        headers.add("Set-Cookie", line)

    async def answer(request: web.BaseRequest) -> web.Response:
        body = f"{_FILL}<script>localStorage.setItem('theme', 'dark')</script>" if request.path == "/fill" else _PLAIN
        return web.Response(text=body, content_type="text/html", headers=headers if request.path == "/fill" else {})

    async with serving(answer) as (_server, origin):
        first = await harvest(page_site(f"{origin}/fill", _FILLED), timeout_s=30)
        loaded = load(dump(first, "storage-state").text.encode(), now=time.time()).session
        with own_driver(as_ours=True) as driver:
            restored = await asyncio.to_thread(restore_session, driver, loaded, Deadline(30))
            second = await harvest(page_site(f"{origin}/plain", _FILLED), engine=OwnDriver(driver), timeout_s=30)
    assert restored.refused == ()
    assert loaded == first
    assert second.cookies == first.cookies
    assert {cookie.partition_key for cookie in second.cookies} == {None, "http://127.0.0.1"}
    assert second.local_storage == first.local_storage == {"theme": "dark"}
    assert second.extra_storage == first.extra_storage
