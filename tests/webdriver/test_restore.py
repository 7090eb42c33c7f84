"""A session put back into a real Chrome: every cookie as it was, storage of every origin, and what is refused."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from aiohttp import web
from selenium.common.exceptions import WebDriverException

from aura_browser import Selenium, Session
from aura_browser.session import Cookie
from aura_browser.webdriver.browsers.selenium import open_chrome
from aura_browser.webdriver.cookies import parse_cookie
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.devtools import call_devtools
from aura_browser.webdriver.driver import Driver
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.restore import Restored, restore_session
from tests.parts.servers import Server, serving_in_thread
from tests.parts.sessions import make_cookie, make_session
from tests.parts.waiting import until

pytestmark = pytest.mark.chrome

_SECURE: Mapping[str, Any] = {"secure": True, "source_scheme": "Secure", "source_port": 443}
_PLAIN: Mapping[str, Any] = {"secure": False, "source_scheme": "NonSecure", "source_port": 80}
_END = float(round(time.time()) + 86400)


def cookie(name: str, value: str = "s3cret", **facts: object) -> Cookie:
    defaults = {"domain": "app.site.test", "host_only": True, "priority": "Medium", **_SECURE}
    return make_cookie(name, value, **(defaults | facts))


ALL_KINDS = (
    cookie("host-only"),
    cookie("of-all", domain="site.test", host_only=False, same_site="Lax", expires=_END),
    cookie("__Host-sid", http_only=True, same_site="Strict", expires=_END + 0.25),
    cookie("__Secure-sid", domain="site.test", host_only=False, http_only=True),
    cookie("plain", **_PLAIN),
    cookie("not-secure-but-over-https", secure=False, priority="High"),
    cookie("other-port", source_port=8443, priority="Low"),
    cookie("deep", path="/api/v1"),
    cookie("utf8", "h\u00e9 \u20ac \u4f60"),
    cookie("quoted", '"a b, c"'),
    cookie("base64", "a+b/c=="),
    cookie("empty", ""),
    cookie("", "nameless"),
    cookie("chips", same_site="None", partition_key="https://site.test", has_cross_site_ancestor=False),
    cookie("chips", "s3cret-2", same_site="None", partition_key="https://site.test", has_cross_site_ancestor=True),
    cookie("chips", "s3cret-3", same_site="None", partition_key="https://shop.test", has_cross_site_ancestor=True),
    cookie("ip", domain="127.0.0.1", **_PLAIN),
    cookie("ipv6", domain="::1", **_PLAIN),
)


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    with open_chrome(Selenium(), BrowserOptions(Deadline(120))) as opened:
        yield opened


@pytest.fixture
def browser(driver: Driver) -> Driver:
    """Return the browser with nothing in it."""
    call_devtools(driver, "Storage.clearCookies")
    return driver


def restore(driver: Driver, session: Session) -> Restored:
    return restore_session(driver, session, Deadline(30))


def read(driver: Driver) -> list[Cookie]:
    return [found for raw in call_devtools(driver, "Network.getAllCookies")["cookies"] if (found := parse_cookie(raw))]


def test_every_kind_of_cookie_is_as_it_was(browser: Driver) -> None:
    restored = restore(browser, make_session("https://app.site.test", cookies=ALL_KINDS, local_storage={}))
    assert restored.refused == ()
    assert restored.cookies == len(ALL_KINDS)
    found = {each.identity: each for each in read(browser)}
    for each in ALL_KINDS:
        assert found[each.identity] == each
    assert len(found) == len(ALL_KINDS)


def test_refused_cookies_are_named_one_by_one_and_the_others_are_there(browser: Driver) -> None:
    bad = {
        "__Host-wide": cookie("__Host-wide", domain="site.test", host_only=False),
        "__Secure-no": cookie("__Secure-no", secure=False, source_scheme=None),
        "long": cookie("long", "x" * 4097),
        "a=b": cookie("a=b"),
        "over": cookie("over", expires=time.time() - 10),
    }
    good = [cookie("first"), cookie("last")]
    session = make_session("https://app.site.test", cookies=(good[0], *bad.values(), good[1]), local_storage={})
    restored = restore(browser, session)
    assert [each.what for each in restored.refused] == [f"cookie {name} of {each.domain}" for name, each in bad.items()]
    for word, each in zip(("__Host-", "Secure", "4096", "name", "expired"), restored.refused, strict=True):
        assert word in each.reason
    assert restored.cookies == 2
    assert sorted(each.name for each in read(browser)) == ["first", "last"]
    assert "s3cret" not in repr(restored)


def test_more_cookies_than_chrome_keeps_are_said(browser: Driver) -> None:
    many = tuple(cookie(f"c{number}") for number in range(200))
    restored = restore(browser, make_session("https://app.site.test", cookies=many, local_storage={}))
    assert restored.cookies == len(read(browser)) < 200
    assert len(restored.refused) == 200 - restored.cookies
    assert "180" in restored.refused[0].reason


_PAGE = """<!doctype html><title>app</title><script>
document.title = JSON.stringify([{...localStorage}, {...sessionStorage}]);
</script>"""

_DATABASE = {
    "name": "app",
    "version": 3,
    "stores": [
        {
            "name": "users",
            "autoIncrement": False,
            "keyPath": "id",
            "records": [{"value": {"id": 1, "name": "Ann"}}, {"value": {"id": 2, "name": "Bob"}}],
            "indexes": [{"name": "by-name", "keyPath": "name", "multiEntry": False, "unique": True}],
        },
        {
            "name": "blobs",
            "autoIncrement": True,
            "records": [
                {"key": "when", "valueEncoded": {"d": "2026-01-02T03:04:05.000Z"}},
                {"keyEncoded": {"a": [1, "x"], "id": 1}, "valueEncoded": {"ta": {"b": "AQID", "k": "ui8"}}},
                {"key": "big", "valueEncoded": {"o": [{"k": "n", "v": {"bi": "12345678901234567890"}}], "id": 1}},
            ],
            "indexes": [],
        },
    ],
}

_READ_DATABASE = """(async () => {
  const done = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result) });
  const database = await done(indexedDB.open('app'));
  const store = (name) => database.transaction(name).objectStore(name);
  const found = [database.version, await done(store('users').index('by-name').get('Bob')),
    (await done(store('blobs').get('when'))).getTime(), [...await done(store('blobs').get([1, 'x']))],
    String((await done(store('blobs').get('big'))).n)];
  database.close();
  return JSON.stringify(found);
})()"""


@pytest.fixture
def site() -> Iterator[tuple[Server, str]]:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=_PAGE, content_type="text/html")

    with serving_in_thread(handle) as (server, origin):
        yield server, origin


def evaluate(driver: Driver, script: str) -> Any:  # noqa: ANN401 - JSON
    answer = call_devtools(driver, "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
    return answer["result"].get("value")


def open_page(driver: Driver, url: str) -> str:
    driver.get(url)
    until(lambda: evaluate(driver, "document.readyState === 'complete' && location.href") == url, "the page is there")
    title: str = evaluate(driver, "document.title")
    return title


def test_storage_of_every_origin_is_there_before_the_page_and_no_request_was_sent(
    browser: Driver, site: tuple[Server, str]
) -> None:
    server, origin = site
    other = origin.replace("127.0.0.1", "localhost")
    extra = {
        "origins": [
            {"origin": other, "localStorage": [{"name": "other", "value": "2"}]},
            {"origin": "https://away.test", "localStorage": [{"name": "far", "value": "3"}]},
            {
                "origin": origin,
                "sessionStorage": [{"name": "tab", "value": "4"}],
                "indexedDB": [_DATABASE],
                "opfs": [{"path": "x"}],
            },
        ]
    }
    local = {"theme": "s3cret-dark", "__proto__": "odd", "length": "7", "\u4f60": "\u20ac"}
    session = make_session(origin, cookies=(), local_storage=local, extra_storage=extra)
    restored = restore(browser, session)
    assert server.seen == []
    assert "origin" not in str(browser.get_log("performance")).replace(f"{origin}/", "origin")
    assert [str(each) for each in restored.refused] == [f"opfs of {origin}: it is not put back"]
    assert (restored.origins, restored.entries) == (3, 4 + 1 + 1 + 1 + 5)
    assert open_page(browser, f"{other}/") == '[{"other":"2"},{}]'
    open_page(browser, f"{origin}/")
    assert evaluate(browser, "localStorage.length") == len(local)
    assert evaluate(browser, "localStorage.getItem('__proto__')") == "odd"
    assert evaluate(browser, "localStorage.getItem('length') + localStorage.getItem('\u4f60')") == "7\u20ac"
    assert evaluate(browser, "sessionStorage.tab") == "4"
    assert evaluate(browser, _READ_DATABASE) == (
        '[3,{"id":2,"name":"Bob"},1767323045000,[1,2,3],"12345678901234567890"]'
    )
    assert evaluate(browser, "history.length") == 3, "only what the test opened, and the empty tab"


class BusyDriver:
    """A driver whose Chrome, when it is first asked to answer a request, has just begun to hold it.

    Seen with Chrome 150, where the first try came within the milliseconds between the two.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.refused = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - it passes on all else
        return getattr(self._driver, name)

    def execute_cdp_cmd(self, command: str, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - as a driver's
        if command == "Fetch.fulfillRequest" and not self.refused:
            self.refused += 1
            code = '{"code":-32000,"message":"Invalid state for continueInterceptedRequest"}'
            raise WebDriverException(f"unknown error: unhandled inspector error: {code}")
        return self._driver.execute_cdp_cmd(command, arguments)


class Answers:
    """A driver without a browser: each page is shown at once, and these commands are answered with these values."""

    def __init__(self, **answers: object) -> None:
        self._answers = answers
        self._origin = ""

    def get(self, url: str) -> None:
        self._origin = "null" if url == "about:blank" else url.removesuffix("/")

    def get_log(self, _kind: str) -> object:
        return []

    def execute_cdp_cmd(self, command: str, arguments: dict[str, Any]) -> object:
        answer = self._answers.get(command.partition(".")[2], {"cookies": []})
        if isinstance(answer, Exception):
            raise answer
        is_place = command == "Runtime.evaluate" and "awaitPromise" not in arguments
        return {"result": {"value": self._origin}} if is_place else answer


_STORED = make_session(local_storage={"theme": "dark"}, cookies=())


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [
        (0.0, "no page of that origin could be opened"),
        (30.0, "the browser does not let a page of that origin store anything"),
    ],
)
def test_storage_for_which_there_is_no_time_or_no_leave_is_named(seconds: float, reason: str) -> None:
    driver: Any = Answers(evaluate={"result": {"type": "undefined"}})
    restored = restore_session(driver, _STORED, Deadline(seconds))
    assert [str(each) for each in restored.refused] == [f"storage of {_STORED.origin}: {reason}"]
    assert (restored.entries, restored.origins) == (0, 1)


@pytest.mark.parametrize("command", ["fulfillRequest", "setCookies"])
@pytest.mark.parametrize("error", [WebDriverException(), WebDriverException("disconnected")])
def test_a_browser_that_ends_refuses_nothing(command: str, error: WebDriverException) -> None:
    driver: Any = Answers(**{command: error})
    with pytest.raises(WebDriverException) as caught:
        restore(driver, _STORED)
    assert caught.value is error


def test_a_refused_cookie_is_told_with_its_path_and_without_a_name(browser: Driver) -> None:
    deep, nameless = cookie("a=b", path="/deep"), cookie("", "x" * 4097)
    restored = restore(browser, make_session("https://app.site.test", cookies=(deep, nameless), local_storage={}))
    assert [each.what for each in restored.refused] == [
        "cookie a=b of app.site.test, path /deep",
        "cookie (no name) of app.site.test",
    ]


@pytest.mark.parametrize("origins", [None, "text", {"a": 1}, [5, {"origin": 5}, {"localStorage": []}]])
def test_storage_of_another_form_is_left_out(browser: Driver, origins: object) -> None:
    extra = {} if origins is None else {"origins": origins}
    session = make_session("https://app.site.test", cookies=(), local_storage={}, extra_storage=extra)
    assert restore(browser, session) == Restored(0, 0, 0, ())


def test_a_request_that_chrome_does_not_hold_yet_is_answered_later(site: tuple[Server, str]) -> None:
    with open_chrome(Selenium(), BrowserOptions(Deadline(120))) as opened:  # it numbers its requests from 1
        busy: Any = BusyDriver(opened)
        restored = restore(busy, make_session(site[1], cookies=(), local_storage={"theme": "dark"}))
        assert (busy.refused, restored.entries, restored.refused) == (1, 1, ())
        open_page(opened, f"{site[1]}/")
        assert evaluate(opened, "localStorage.theme") == "dark"


def test_storage_that_does_not_fit_is_counted(browser: Driver, site: tuple[Server, str]) -> None:
    local = {"a": "x" * 3_000_000, "b": "y" * 3_000_000, "c": "z"}
    restored = restore(browser, make_session(site[1], cookies=(), local_storage=local))
    assert restored.entries == 2
    assert [str(each) for each in restored.refused] == [
        f"local storage of {site[1]}: 1 of 3 entries do not fit (QuotaExceededError)"
    ]
