"""What a harvest makes of what a driver answers, without a browser."""

from collections.abc import Mapping

import pytest

from aura_browser.errors import NotReady
from aura_browser.session import Session
from aura_browser.site import Condition, Site, page_site
from aura_browser.webdriver.collect import collect_session
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.network_log import NetworkLog
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.reading import _check_page
from tests.parts.ready_driver import ORIGIN, VALUES, ReadyDriver, list_request

_CONDITIONS = (Condition.parse("selector:body"), Condition.parse("text:x"))


def collect(driver: ReadyDriver) -> Session:
    """Harvest; a page that is not ready at the first look never is."""
    deadline = Deadline(20)

    def give_up(_left_s: float, _missing: tuple[str, ...]) -> None:
        deadline.cancel()

    site = Site(f"{ORIGIN}/", ready=_CONDITIONS)
    return collect_session(driver, site, BrowserOptions(deadline), proxy=None, on_wait=give_up).session


def test_all_that_a_page_has_is_read() -> None:
    session = collect(ReadyDriver())
    assert (session.url, session.user_agent, session.dialect) == (f"{ORIGIN}/x", "Chrome/1", "openchat-ui")
    assert session.local_storage == {"theme": "s3cret-dark"}
    [kept] = session.extra_storage["origins"]
    assert kept["sessionStorage"] == [{"name": "token", "value": "s3cret"}]
    assert [database["name"] for database in kept["indexedDB"]] == ["db"]


def test_a_page_that_is_never_ready_is_named_with_its_status() -> None:
    with pytest.raises(NotReady, match="text:x") as caught:
        collect(ReadyDriver({"checks": [True, False]}))
    assert (caught.value.url, caught.value.status) == (f"{ORIGIN}/x", 200)


_WRONG: dict[str, list[object]] = {
    "userAgent": [None, 5, "two\nlines", "x" * 5000],
    "brands": [5],
    "mobile": [None],
    "platform": [[]],
    "languages": [None, [], [5], ["de_DE"]],
    "storage": [None, {}, [["a"]], [["a", 5]], ["ab"]],
    "sessionStorage": [None, {}, [["a"]], [["a", 5]], ["ab"]],
    "databases": [None, {}, ["db"], [{"version": 1}]],
    "unreadDatabases": [None, "ab", [5]],
    "dialects": [None, "ab", [5]],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in _WRONG.items() for value in values])
def test_of_a_page_that_says_what_none_says_nothing_is_taken(name: str, value: object) -> None:
    assert _check_page(dict(VALUES)) == VALUES
    assert _check_page({**VALUES, name: value}) is None
    assert _check_page({other: said for other, said in VALUES.items() if other != name}) is None


@pytest.mark.parametrize(
    ("url", "kind", "taken"),
    [
        (f"{ORIGIN}/x", "Document", {"User-Agent": "Other/1", "Sec-CH-UA-Model": "new"}),
        (f"{ORIGIN}/x", "Fetch", {"User-Agent": "Chrome/1", "Sec-CH-UA-Model": "new"}),
        (f"{ORIGIN}/x", "Image", {"User-Agent": "Chrome/1"}),
        ("https://elsewhere.example/x", "Document", {"User-Agent": "Chrome/1"}),
        ("https://elsewhere.example/x", "XHR", {"User-Agent": "Chrome/1"}),
        ("data:text/html,x", "Document", {"User-Agent": "Chrome/1"}),
    ],
)
def test_only_what_pages_of_the_site_sent_to_it_is_the_sessions(url: str, kind: str, taken: Mapping[str, str]) -> None:
    first = list_request(f"{ORIGIN}/", {"User-Agent": "Chrome/1", "Cookie": "sid=s3cret"})
    later = list_request(url, {"User-Agent": "Other/1", "Sec-CH-UA-Model": "new"}, kind=kind, number="2")
    log = NetworkLog(ReadyDriver(log=[*first, *later]))
    log.drain()
    assert log.collect_headers(page_site(f"{ORIGIN}/"), ORIGIN) == taken
