"""What a look at a tab finds, when a page is at rest, and which tab is looked at: without a browser."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from selenium.common.exceptions import InvalidArgumentException, JavascriptException, WebDriverException

from aura_browser.site import Condition, Site, page_site
from aura_browser.webdriver import rest as resting
from aura_browser.webdriver import tabs as tabbing
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.observing import Observation, Observer
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.page import Frame, Page
from aura_browser.webdriver.rest import Rest
from aura_browser.webdriver.tabs import Tabs
from tests.parts.ready_driver import ORIGIN, Event, ReadyDriver

SEEN = Observation(
    frame=Frame("loader", f"{ORIGIN}/", has_failed=False),
    status=200,
    headers={},
    is_complete=True,
    has_script=False,
    has_frame=False,
    refresh_s=None,
    is_check=False,
    text="",
    values=(),
    cookie_names=None,
)
SCRIPTED = replace(SEEN, has_script=True)


class Clock:
    """What the time is."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


def came_with(headers: Mapping[str, str]) -> list[Event]:
    """Return the log's entry of the page's response."""
    response = {"status": 200, "mimeType": "text/html", "headers": headers}
    facts = {"requestId": "1", "loaderId": "1", "type": "Document", "response": response}
    return [("Network.responseReceived", facts)]


def look(driver: ReadyDriver, *conditions: str) -> Observation:
    """Return what a first look at the page finds."""
    found = Observer(driver, Site(f"{ORIGIN}/", ready=tuple(map(Condition.parse, conditions)))).observe()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("facts", "headers", "is_check", "refresh_s"),
    [
        ({}, {}, False, None),
        ({"is_check": True}, {}, True, None),
        ({"may_check": True, "status": 399}, None, False, None),
        ({"may_check": True, "status": 400}, None, True, None),
        ({"status": 403}, None, False, None),
        ({"refresh": "0"}, {}, True, 0.0),
        ({"refresh": " 1.5; url=/x"}, {}, True, 1.5),
        ({"refresh": "15"}, {}, True, 15.0),
        ({"refresh": "16"}, {}, False, None),
        ({"refresh": "soon"}, {}, False, None),
        ({"refresh": "16"}, {"Refresh": "5"}, True, 5.0),
        ({}, {"cf-mitigated": "challenge"}, True, None),
        ({}, {"X-Vercel-Mitigated": "Challenge"}, True, None),
        ({}, {"X-Vercel-Mitigated": "deny"}, False, None),
    ],
)
def test_a_check_page_is_known_by_its_signs(
    facts: Mapping[str, object], headers: Mapping[str, str] | None, *, is_check: bool, refresh_s: float | None
) -> None:
    log = () if headers is None else came_with(headers)
    seen = look(ReadyDriver({"checks": [], **facts}, log))
    assert (seen.is_check, seen.refresh_s) == (is_check, refresh_s)


@pytest.mark.parametrize(("status", "known", "is_error"), [(0, None, False), (399, 399, False), (400, 400, True)])
def test_a_status_of_400_and_more_is_an_error(status: int, known: int | None, *, is_error: bool) -> None:
    seen = look(ReadyDriver({"checks": [], "status": status}, ()))
    assert (seen.status, seen.has_error_status) == (known, is_error)


@pytest.mark.parametrize(("title", "text", "shown"), [("Busy", "Come back", "Busy"), ("", "Come back", "Come back")])
def test_a_page_is_told_by_its_title_or_its_text(title: str, text: str, shown: str) -> None:
    assert look(ReadyDriver({"checks": [], "title": title, "text": text}, ())).text == shown


def test_a_cookie_counts_with_its_value_and_not_without_one() -> None:
    def empty(answer: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(answer, dict) and "cookies" in answer:
            return {"cookies": [{**each, "value": "", "size": 3} for each in answer["cookies"]]}
        return answer

    page = {"checks": [True]}
    assert look(ReadyDriver(page), "cookie:sid").values == ("s3cret\ns3cret",)
    assert look(ReadyDriver(page), "cookie:other").values == (None,)
    without = look(ReadyDriver(page, change=empty), "cookie:sid")
    assert (without.values, without.cookie_names) == ((None,), frozenset({"sid"}))


@pytest.mark.parametrize(("checks", "values"), [([True, True], ("", "")), ([False, True], (None, None))])
def test_a_script_is_asked_once_all_else_holds(checks: list[bool], values: tuple[str | None, ...]) -> None:
    assert look(ReadyDriver({"checks": checks}), "selector:p", "js:1").values == values


def test_on_a_page_of_another_site_nothing_holds() -> None:
    def leave(answer: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(answer, dict) and "frameTree" in answer:
            return {"frameTree": {"frame": {"id": "F", "loaderId": "1", "url": "https://other.example/"}}}
        return answer

    seen = look(ReadyDriver({"checks": [True, True]}, change=leave), "selector:p", "url:*")
    assert (seen.values, seen.frame.url) == ((None, None), "https://other.example/")


@pytest.mark.parametrize(("width", "height", "is_shown"), [(5, 5, True), (5, 0, False), (0, 5, False)])
def test_a_password_field_counts_if_it_takes_some_room(width: int, height: int, *, is_shown: bool) -> None:
    def change(answer: Any) -> Any:  # noqa: ANN401 - JSON
        is_box = isinstance(answer, dict) and "model" in answer
        return {"model": {"width": width, "height": height}} if is_box else answer

    assert Page(ReadyDriver(change=change)).shows_password() is is_shown


def test_a_page_without_a_password_field_has_none_to_be_measured() -> None:
    def change(answer: Any) -> Any:  # noqa: ANN401 - JSON
        is_search = isinstance(answer, dict) and "resultCount" in answer
        return {"resultCount": 0} if is_search else answer

    assert Page(ReadyDriver(change=change)).shows_password() is False


@pytest.mark.parametrize("said", ["[]", "5", "no JSON", None, 5])
def test_a_script_that_returns_no_object_found_nothing(said: Any) -> None:  # noqa: ANN401 - JSON
    assert Page(ReadyDriver(write=json.dumps)).peek("") is not None
    assert Page(ReadyDriver(write=lambda _: said)).peek("") is None


def test_a_document_that_was_not_entered_or_was_replaced_is_not_confirmed() -> None:
    loaders = iter("aabbb")

    def change(answer: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(answer, dict) and "frameTree" in answer:
            return {"frameTree": {"frame": {"id": "F", "loaderId": next(loaders), "url": f"{ORIGIN}/"}}}
        return answer

    page = Page(ReadyDriver(change=change))
    assert page.confirm() is None
    page.peek("")
    assert page.confirm() is None, "it has another loader"
    page.peek("")
    assert page.confirm() == Frame("b", f"{ORIGIN}/", has_failed=False)


@pytest.mark.parametrize(
    ("error", "is_navigating"),
    [
        (WebDriverException("Cannot find default execution context"), True),
        (WebDriverException("Cannot find context with specified id"), True),
        (WebDriverException("Inspected target navigated or closed"), True),
        (WebDriverException("No frame for given id found"), True),
        (WebDriverException('unhandled inspector error: {"code":-32000,"message":"x"}'), True),
        (InvalidArgumentException("x"), True),
        (JavascriptException("x"), True),
        (WebDriverException("disconnected"), False),
        (WebDriverException(), False),
    ],
)
def test_what_a_driver_says_of_a_document_that_is_being_replaced(
    error: WebDriverException,
    is_navigating: bool,  # noqa: FBT001 - from the table above
) -> None:
    def fail(_answer: object) -> None:
        raise error

    driver = ReadyDriver()
    driver._change = fail
    if is_navigating:
        assert Page(driver).peek("") is None
    else:
        with pytest.raises(WebDriverException):
            Page(driver).peek("")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(resting, "time", clock)
    monkeypatch.setattr(tabbing, "time", clock)
    return clock


def make_rest(
    conditions: Sequence[str] = (), cookies: Sequence[str] = (), *, interactive: bool = False, **facts: object
) -> Rest:
    """Return what measures a tab whose cookies have these names; a test may change them."""

    def change(answer: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(answer, dict) and "cookies" in answer:
            return {"cookies": [{**answer["cookies"][0], "name": n, "size": len(n) + 6} for n in cookies]}
        return answer

    site = Site(f"{ORIGIN}/", ready=tuple(map(Condition.parse, conditions)))
    observer: Any = SimpleNamespace(driver=ReadyDriver(change=change), **({"can_be_killed": False} | facts))
    return Rest(observer, site, BrowserOptions(Deadline(9), interactive=interactive))


def test_rest_is_measured_from_the_last_navigation(clock: Clock) -> None:
    rest = make_rest()
    loading = replace(SEEN, is_complete=False)
    other = replace(SEEN, frame=replace(SEEN.frame, loader="other"))
    measured = []
    for seen in (loading, loading, SEEN, SEEN, other, other):
        measured.append(rest.measure(seen))
        clock.now += 0.25
    assert measured == [0.0, 0.25, 0.0, 0.25, 0.0, 0.25]
    rest.interrupt()
    assert rest.measure(other) == 0.0


@pytest.mark.parametrize(
    ("conditions", "interactive", "counts"),
    [((), False, True), (["selector:p"], False, False), (["selector:p"], True, True), (["probe"], False, True)],
)
def test_a_new_cookie_is_no_rest_where_no_condition_decides(
    clock: Clock,
    conditions: Sequence[str],
    interactive: bool,  # noqa: FBT001 - from the table above
    counts: bool,  # noqa: FBT001
) -> None:
    cookies = ["a"]
    rest = make_rest(conditions, cookies, interactive=interactive)
    rest.measure(SEEN)
    clock.now += 0.25
    cookies.append("b")
    assert rest.measure(SEEN) == (0.0 if counts else 0.25)


@pytest.mark.parametrize(
    ("seen", "interactive", "needed_s"),
    [(SEEN, False, 0.0), (SCRIPTED, False, 0.5), (SEEN, True, 0.5), (SCRIPTED, True, 0.5)],
)
def test_a_page_that_may_still_change_is_settled_half_a_second_later(
    seen: Observation,
    interactive: bool,  # noqa: FBT001 - from the table above
    needed_s: float,
) -> None:
    rest = make_rest(interactive=interactive)
    assert [rest.is_settled(seen, shown_s) for shown_s in (0.0, 0.49, 0.5)] == [
        shown_s >= needed_s for shown_s in (0.0, 0.49, 0.5)
    ]
    assert not rest.is_settled(replace(seen, is_complete=False), 9)
    assert not rest.is_settled(replace(seen, is_check=True), 9)


def test_a_page_that_refreshed_itself_three_times_is_no_check_page() -> None:
    rest = make_rest()
    settled = []
    for loader in "aabbc":
        frame = replace(SEEN.frame, loader=loader)
        settled.append(rest.is_settled(replace(SEEN, frame=frame, is_check=True, refresh_s=1.0), 9))
    assert settled == [False, False, False, False, True]
    for loader in "wxyz":
        frame = Frame(loader, f"{ORIGIN}/reloads", has_failed=False)
        assert not rest.is_settled(replace(SEEN, frame=frame, is_check=True), 9), "it is reloaded by a script"
    elsewhere = Frame("d", f"{ORIGIN}/other", has_failed=False)
    assert not rest.is_settled(replace(SEEN, frame=elsewhere, is_check=True, refresh_s=1.0), 9)


def test_a_page_that_comes_to_rest_is_left_alone_unless_it_is_busy(clock: Clock) -> None:
    busy = [False]
    rest = make_rest(check_busy=lambda: busy[0])
    rest.measure(SEEN)
    assert rest.leaves_alone() is False, "nothing is expected yet"
    rest.expect()
    clock.now += 0.25
    assert rest.leaves_alone() is True
    clock.now += 0.25
    assert rest.leaves_alone() is False, "it is to be looked at"
    rest.measure(SEEN)
    rest.interrupt()
    rest.measure(SEEN)
    rest.expect()
    busy[0] = True
    assert [rest.leaves_alone() for _ in range(2)] == [True, False]
    clock.now += 0.25
    assert rest.measure(SEEN) == 0.0, "it was busy"


def test_rest_is_expected_until_the_page_changes(clock: Clock) -> None:
    rest = make_rest(can_be_killed=True)
    rest.measure(SEEN)
    assert rest.left_s == 0.0
    rest.expect()
    clock.now += 0.25
    assert rest.left_s == 0.25
    rest.measure(replace(SEEN, is_complete=False))
    assert rest.left_s == 0.0


def test_a_page_in_a_browser_that_can_be_killed_is_always_looked_at(clock: Clock) -> None:
    del clock
    rest = make_rest(can_be_killed=True)
    rest.measure(SEEN)
    rest.expect()
    assert rest.leaves_alone() is False


class _Browser:
    """A driver's stand-in with these tabs and addresses, the first of which is the current one."""

    def __init__(self, **addresses: str) -> None:
        self.addresses = addresses
        self.window_handles = list(addresses)
        self.current_window_handle = self.window_handles[0]
        self.switch_to = self
        self.switched: list[str] = []

    def window(self, handle: str) -> None:
        self.switched.append(handle)

    def execute_cdp_cmd(self, _cmd: str, _args: object) -> object:
        return {"targetInfos": [{"targetId": name, "url": url} for name, url in self.addresses.items()]}


def follow(browser: _Browser, *opened: str, **addresses: str) -> Tabs:
    """Return the tabs of a harvest, from whose pages these were *opened*."""
    tabs = Tabs(browser, Page(ReadyDriver()))  # type: ignore[arg-type]
    browser.window_handles += opened
    browser.addresses |= addresses
    return tabs


def test_the_next_tab_with_a_page_of_the_site_is_taken_one_after_the_other(clock: Clock) -> None:
    browser, site = _Browser(T=f"{ORIGIN}/", U=f"{ORIGIN}/before"), page_site(f"{ORIGIN}/")
    odd = {"A": "about:blank", "B": "https://other.example/", "C": "http://[", "D": f"{ORIGIN}/d", "E": f"{ORIGIN}/e"}
    tabs = follow(browser, *odd, "not yet known", **odd)
    for _ in range(4):
        tabs.try_next(site)
        tabs.try_next(site)  # it is given time to show something
        clock.now += 0.25
    assert browser.switched == ["D", "E", "T", "D"]


def test_a_tab_that_is_alone_or_the_only_one_of_the_site_stays(clock: Clock) -> None:
    site = page_site(f"{ORIGIN}/")
    for opened in ({}, {"A": "https://other.example/"}):
        browser = _Browser(T=f"{ORIGIN}/")
        tabs = follow(browser, *opened, **opened)
        tabs.try_next(site)
        assert browser.switched == []
        clock.now += 1


def test_where_the_tab_is_closed_the_one_that_was_opened_last_is_taken() -> None:
    browser = _Browser(T=f"{ORIGIN}/", U=f"{ORIGIN}/before")
    tabs = follow(browser, "A", "B")
    browser.window_handles.remove("T")
    assert tabs.leave_closed() is True
    browser.window_handles.remove("B")
    assert tabs.leave_closed() is True
    browser.window_handles.remove("A")
    assert tabs.leave_closed() is False, "the other was there before"
    assert browser.switched == ["B", "A"]


def test_where_the_current_tab_is_gone_the_first_of_the_site_is_taken(clock: Clock) -> None:
    del clock
    browser = _Browser(T=f"{ORIGIN}/")
    tabs = follow(browser, "A", "B", A=f"{ORIGIN}/a", B=f"{ORIGIN}/b")
    browser.window_handles.remove("T")
    tabs.try_next(page_site(f"{ORIGIN}/"))
    assert browser.switched == ["A"]
