"""What a harvest makes of what a driver answers, without a browser."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import pytest

from aura_browser.engine import OnWait
from aura_browser.errors import NotReady, WindowClosed
from aura_browser.session import Session
from aura_browser.site import Condition, Site, page_site
from aura_browser.webdriver import collect as collecting
from aura_browser.webdriver import rest
from aura_browser.webdriver.collect import Prove, Reading, collect_session
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.network_log import NetworkLog
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.reading import AddressLeft, _check_page, read_session
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


def collect_from_window(
    driver: ReadyDriver, conditions: tuple[Condition, ...], on_wait: OnWait, prove: Prove | None = None
) -> Reading:
    options = BrowserOptions(Deadline(20), interactive=True)
    site = Site(f"{ORIGIN}/", ready=conditions)
    return collect_session(driver, site, options, proxy=None, on_wait=on_wait, prove=prove)


@pytest.mark.parametrize(
    ("facts", "is_over"),
    [
        ({"is_check": True}, True),
        *(({"status": status}, status not in {200, 500}) for status in (200, 403, 429, 500, 503)),
    ],
)
def test_a_check_that_was_passed_in_a_window_needs_no_login(
    facts: dict[str, Any],
    is_over: bool,  # noqa: FBT001 - from the table above
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rest, "_SETTLE_S", 0.05)
    driver = ReadyDriver({"checks": [False, False], **facts}, log=())
    missing: list[str] = []

    def go_on(_left_s: float, named: tuple[str, ...]) -> None:
        driver.show({"checks": [True, True], "status": 200, "is_check": False})
        missing.extend(named)
        if any("log in" in each for each in missing):
            driver.close()

    with nullcontext() if is_over else pytest.raises(WindowClosed):
        assert not collect_from_window(driver, _CONDITIONS, go_on).changed


@pytest.mark.parametrize("conditions", [(), _CONDITIONS])
def test_a_page_that_leaves_while_it_is_read_in_a_window_is_read_again(
    conditions: tuple[Condition, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0

    def read(*args: Any, **options: Any) -> Session:  # noqa: ANN401 - passed on
        nonlocal reads
        reads += 1
        if reads == 1:
            raise AddressLeft
        return read_session(*args, **options)

    def close_once_read(_left_s: float, _missing: tuple[str, ...]) -> None:
        if reads > 1:
            driver.close()

    monkeypatch.setattr(collecting, "read_session", read)
    driver = ReadyDriver({"checks": [True] * len(conditions)}, log=())
    reading = collect_from_window(driver, conditions, close_once_read, lambda _session: True)
    assert reading.session.user_agent == "Chrome/1"


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
    other_order = NetworkLog(ReadyDriver(log=[*later, *first]))
    other_order.drain()
    assert other_order.collect_headers(page_site(f"{ORIGIN}/"), ORIGIN) == {**taken, "User-Agent": "Chrome/1"}
