"""What a harvest makes of what a driver answers, without a browser."""

import logging
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import pytest
from selenium.common.exceptions import UnexpectedAlertPresentException, WebDriverException

from aura_browser.engine import OnWait
from aura_browser.errors import AuraError, BrowserDied, NotReady, PageFailed, WindowClosed
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
    proven: list[Session] = []
    reading = collect_from_window(driver, conditions, close_once_read, lambda each: not proven.append(each))  # type: ignore[func-returns-value]
    assert reading.session.user_agent == "Chrome/1"
    assert len(proven) == bool(conditions), "nothing is proven by a page that left"


class Clock:
    """What the time is, for a harvest; it goes on only as a test says."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 1e9 + self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Have a harvest in a window go by a clock that nobody waits for, on a page that is at rest at once."""
    clock = Clock()
    monkeypatch.setattr(collecting, "time", clock)
    monkeypatch.setattr("aura_browser.webdriver.deadline.time", clock)
    monkeypatch.setattr(Deadline, "wait", lambda _self, _seconds: None)
    monkeypatch.setattr(rest, "_SETTLE_S", 0.0)
    return clock


def test_a_proof_is_asked_soon_after_a_change_and_seldom_without_one(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[float] = []

    def change(answer: Any) -> Any:  # noqa: ANN401 - JSON
        changes = sum(clock.now >= at_s for at_s in (2.0, 7.25))
        return {**answer, "storage": [["changes", str(changes)]]} if answer is VALUES else answer

    def go_on(_left_s: float, _missing: tuple[str, ...]) -> None:
        clock.now += 0.25

    def prove(_session: Session) -> bool:
        asked.append(clock.now)
        return clock.now >= 8

    driver = ReadyDriver(log=(), change=change)
    reading = collect_from_window(driver, _CONDITIONS, go_on, prove)
    assert asked == [0.0, 2.0, 7.0, 8.0]
    assert (reading.changed, reading.session.local_storage) == (False, {"changes": "2"})
    assert caplog.text.count("a login in its session storage") == 1, "said once, of what is returned"


@pytest.mark.parametrize(
    ("shows_password", "logs_in", "changed"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_a_window_that_a_person_closes_leaves_what_was_read_last(
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    shows_password: bool,  # noqa: FBT001 - from the table above
    logs_in: bool,  # noqa: FBT001
    changed: bool,  # noqa: FBT001
) -> None:
    def change(answer: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(answer, dict) and "model" in answer:
            return {"model": {"width": 5, "height": 5 if shows_password else 0}}
        if isinstance(answer, dict) and "cookies" in answer and clock.now >= 0.5 and logs_in:
            return {"cookies": [{**each, "value": "mine", "size": 7} for each in answer["cookies"]]}
        return answer

    def go_on(_left_s: float, _missing: tuple[str, ...]) -> None:
        clock.now += 0.125
        if clock.now > 0.75:
            driver.close()

    caplog.set_level(logging.DEBUG, "aura_browser")
    driver = ReadyDriver({"checks": []}, log=(), change=change)
    reading = collect_from_window(driver, (), go_on)
    assert (reading.changed, reading.session.harvested_at) == (changed, 1e9 + 0.75)
    assert {cookie.value for cookie in reading.session.cookies} == {"mine" if logs_in else "s3cret"}
    messages = ["The session in the window was read: 2 cookies."] * (1 + logs_in)
    assert caplog.messages == messages, "at first, and once it has changed"


@pytest.mark.parametrize(
    ("conditions", "advice"),
    [
        ((), "leave the window open until the page has loaded."),
        (_CONDITIONS, "leave the window open; it closes by itself."),
    ],
)
@pytest.mark.parametrize("how", ["the window", "the browser"])
def test_a_window_that_is_closed_before_its_page_is_there_leaves_nothing(
    clock: Clock, conditions: tuple[Condition, ...], advice: str, how: str
) -> None:
    del clock

    def close(_left_s: float, _missing: tuple[str, ...]) -> None:
        driver.close()

    def end(answer: Any) -> Any:  # noqa: ANN401 - JSON
        if how == "the browser" and isinstance(answer, dict) and "frameTree" in answer:
            raise WebDriverException("disconnected: not connected to DevTools")
        return answer

    driver = ReadyDriver({"state": "loading", "checks": [False] * len(conditions)}, log=(), change=end)
    with pytest.raises(WindowClosed) as caught:
        collect_from_window(driver, conditions, close)
    assert str(caught.value).endswith(advice)


@pytest.mark.parametrize(
    ("error", "interactive", "reason"),
    [
        (WebDriverException("chrome not reachable\n  (Session info: s3cret)"), False, "chrome not reachable"),
        (WebDriverException("tab crashed"), True, "tab crashed"),
        (WebDriverException(), False, "WebDriverException"),
        (ConnectionResetError("s3cret"), True, "ConnectionResetError"),
        (KeyError("s3cret"), False, "an answer of its driver is not understood (KeyError)"),
    ],
)
def test_a_browser_that_ends_is_said_with_the_first_line_of_its_drivers_word(
    error: Exception,
    interactive: bool,  # noqa: FBT001 - from the table above
    reason: str,
) -> None:
    def fail(answer: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(answer, dict) and "frameTree" in answer:
            raise error
        return answer

    options = BrowserOptions(Deadline(20), interactive=interactive)
    with pytest.raises(BrowserDied) as caught:
        collect_session(ReadyDriver(change=fail), Site(f"{ORIGIN}/"), options, proxy=None, on_wait=None)
    assert (caught.value.url, caught.value.reason) == (f"{ORIGIN}/", reason)
    is_foreign = isinstance(error, KeyError)  # it quotes what the driver said
    assert (caught.value.__cause__, caught.value.__context__) == ((None, None) if is_foreign else (error, error))


@pytest.mark.parametrize(
    ("at_s", "is_cancelled", "error"), [(19.5, False, BrowserDied), (20.0, False, NotReady), (20.0, True, BrowserDied)]
)
@pytest.mark.parametrize("is_answered", [False, True])
def test_a_driver_that_fails_as_the_time_is_over_was_too_slow(
    clock: Clock,
    at_s: float,
    is_cancelled: bool,  # noqa: FBT001 - from the table above
    error: type[AuraError],
    is_answered: bool,  # noqa: FBT001
) -> None:
    def fail(answer: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(answer, dict) and "cookies" in answer:  # once the log was read
            clock.now = at_s
            if is_cancelled:
                deadline.cancel()
            raise ConnectionResetError
        return answer

    deadline = Deadline(20)
    page = {"checks": [], "status": 0}
    driver = ReadyDriver(page, change=fail) if is_answered else ReadyDriver(page, (), change=fail)
    with pytest.raises(error) as caught:
        collect_session(driver, Site(f"{ORIGIN}/"), BrowserOptions(deadline), proxy=None, on_wait=None)
    if isinstance(caught.value, NotReady):
        assert caught.value.missing == ("a reply from the browser",)
        assert caught.value.is_answered is is_answered


def test_a_page_that_is_never_ready_is_named_with_its_status() -> None:
    with pytest.raises(NotReady, match="text:x") as caught:
        collect(ReadyDriver({"checks": [True, False]}))
    assert (caught.value.url, caught.value.status) == (f"{ORIGIN}/x", 200)


def test_a_page_that_is_never_ready_is_named_with_what_it_still_asks() -> None:
    dialogs = [("Page.javascriptDialogOpening", {"type": "confirm", "message": text}) for text in ("Stay?", "Sure?")]
    with pytest.raises(NotReady) as caught:
        collect(ReadyDriver({"checks": [True, False], "status": 400}, dialogs))
    assert caught.value.missing == ("a page status below 400", "text:x", "an answer to confirm “Stay?”")


def test_a_page_that_opens_one_dialog_after_the_other_is_known_to_have_answered() -> None:
    def ask(answer: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(answer, dict) and "checks" in answer:
            raise UnexpectedAlertPresentException("unexpected alert open", alert_text="Really?")
        return answer

    with pytest.raises(NotReady) as caught:
        collect(ReadyDriver(change=ask))
    assert (caught.value.missing, caught.value.is_answered) == (("an answer to the page's alert “Really?”",), True)


@pytest.mark.parametrize(("status", "is_answered"), [(200, True), (0, False)])
def test_a_status_shows_without_a_log_that_something_answered(status: int, *, is_answered: bool) -> None:
    with pytest.raises(NotReady) as caught:
        collect(ReadyDriver({"checks": [True, False], "status": status}, ()))
    assert caught.value.is_answered is is_answered


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([], "none"),
        (list("hgfedcba"), "a, b, c, d, e, f, g, h"),
        (list("ihgfedcba"), "a, b, c, d, e, f, g, h and 1 more"),
        (["", "x" * 41], f"(no name), {'x' * 39}…"),
        (["x" * 40], "x" * 40),
    ],
)
def test_for_a_cookie_that_is_missing_those_that_are_there_are_named(names: list[str], shown: str) -> None:
    def change(answer: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(answer, dict) and "cookies" in answer:
            return {"cookies": [{**answer["cookies"][0], "name": n, "size": len(n) + 6} for n in names]}
        return answer

    site, deadline = Site(f"{ORIGIN}/", ready=(Condition.parse("cookie:other"),)), Deadline(20)
    with pytest.raises(NotReady) as caught:
        collect_session(
            ReadyDriver({"checks": [True]}, log=(), change=change),
            site,
            BrowserOptions(deadline),
            proxy=None,
            on_wait=lambda *_: deadline.cancel(),
        )
    assert caught.value.missing == (f"cookie:other (cookies so far: {shown})",)


@pytest.mark.parametrize(
    ("text", "told"), [("Really?", "alert “Really?”"), ("Sure?", "dialog “Sure?”"), (None, "dialog")]
)
def test_a_dialog_that_waits_for_the_person_is_named(clock: Clock, text: str | None, told: str) -> None:
    del clock
    missing: list[tuple[str, ...]] = []
    opened = UnexpectedAlertPresentException("unexpected alert open", alert_text=text)

    def ask(answer: Any) -> Any:  # noqa: ANN401 - JSON
        if missing and isinstance(answer, dict) and "frameTree" in answer:
            raise opened
        return answer

    def go_on(_left_s: float, named: tuple[str, ...]) -> None:
        missing.append(named)
        if len(missing) > 1:
            driver.close()

    driver = ReadyDriver({"checks": [True, False]}, change=ask)
    with pytest.raises(WindowClosed):
        collect_from_window(driver, _CONDITIONS, go_on)
    assert missing == [("text:x",), (f"an answer to the page's {told}",)]


@pytest.mark.parametrize("log", ["Chrome's", "none"])
def test_a_site_whose_first_page_fails_in_a_window_has_failed_and_a_later_one_is_waited_out(
    clock: Clock, log: str
) -> None:
    del clock
    begins = [False]
    missing: list[tuple[str, ...]] = []

    def fail(answer: Any) -> Any:  # noqa: ANN401 - JSON
        if begins[0] and isinstance(answer, dict) and "frameTree" in answer:
            frame = {**answer["frameTree"]["frame"], "unreachableUrl": "x", "url": "chrome-error://chromewebdata/"}
            return {"frameTree": {"frame": frame}}
        return answer

    def go_on(_left_s: float, named: tuple[str, ...]) -> None:
        missing.append(named)
        begins[0] = True
        if len(missing) > 1:
            driver.close()

    failure = ("Network.loadingFailed", {"requestId": "1", "type": "Document", "errorText": "net::ERR_X"})
    code = "ERR_X" if log == "Chrome's" else "Chrome shows an error page"
    page = {"checks": [True, False], "status": 0}
    driver = ReadyDriver(page, [failure] if log == "Chrome's" else (), change=fail)
    with pytest.raises(WindowClosed):
        collect_from_window(driver, _CONDITIONS, go_on)
    assert missing == [("text:x",), (f"a page that loads ({code})",)]
    driver = ReadyDriver(page, [failure] if log == "Chrome's" else (), change=fail)
    with pytest.raises(PageFailed) as caught:
        collect_from_window(driver, _CONDITIONS, go_on)
    assert (caught.value.url, caught.value.code) == (f"{ORIGIN}/", code)


@pytest.mark.parametrize(("answers", "changed"), [([True], False), ([False, True], True)])
def test_a_login_that_the_probe_takes_at_once_was_there_before(
    clock: Clock, answers: list[bool], *, changed: bool
) -> None:
    def go_on(_left_s: float, _missing: tuple[str, ...]) -> None:
        clock.now += 5

    left = iter(answers)
    conditions = (*_CONDITIONS, Condition.parse("probe"))
    driver = ReadyDriver({"checks": [True] * 3}, log=())
    reading = collect_from_window(driver, conditions, go_on, lambda _session: next(left))
    assert (reading.changed, list(left)) == (changed, [])


def test_a_cookie_that_a_login_page_sets_late_is_no_login(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "_SETTLE_S", 1.0)
    monkeypatch.setattr(rest, "time", clock)
    missing: list[tuple[str, ...]] = []

    def change(answer: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(answer, dict) and "model" in answer:
            return {"model": {"width": 5, "height": 5}}
        return {"cookies": []} if isinstance(answer, dict) and "cookies" in answer and clock.now < 0.5 else answer

    def go_on(_left_s: float, named: tuple[str, ...]) -> None:
        missing.append(named)
        clock.now += 0.5
        if clock.now > 5:
            driver.close()

    driver = ReadyDriver({"checks": [True]}, log=(), change=change)
    with pytest.raises(WindowClosed):
        collect_from_window(driver, (Condition.parse("cookie:sid"),), go_on)
    assert missing[0] == ("cookie:sid (cookies so far: none)",)
    assert "log in" in missing[-1][0]


def test_without_a_log_headers_are_those_that_the_page_tells() -> None:
    session = collect(ReadyDriver(log=()))
    assert session.headers == {
        "User-Agent": "Chrome/1",
        "Accept-Language": "de,en;q=0.9",
        "sec-ch-ua": '"C";v="1"',
        "sec-ch-ua-mobile": "?0",
        "sec-ch-ua-platform": '"L"',
    }
    assert (session.browser.name, session.browser.version) == ("chrome", "1")


def test_the_browsers_name_is_the_one_that_it_sent() -> None:
    session = collect(ReadyDriver(log=list_request(f"{ORIGIN}/x", {"User-Agent": "As/sent"})))
    assert (session.user_agent, session.headers) == ("As/sent", {"User-Agent": "As/sent"})


def test_a_sites_own_dialect_is_kept_whatever_its_page_looks_like(clock: Clock) -> None:
    del clock
    site = Site(f"{ORIGIN}/", dialect="openai")
    driver = ReadyDriver({"checks": []}, log=())
    session = collect_session(driver, site, BrowserOptions(Deadline(20)), proxy=None, on_wait=None).session
    assert session.dialect == "openai"


def test_a_database_with_half_a_character_is_left_out() -> None:
    half = [{"name": "whole"}, {"name": "half", "stores": ["\ud800"]}]

    def change(answer: Any) -> Any:  # noqa: ANN401 - JSON
        return {**answer, "databases": half} if answer is VALUES else answer

    [kept] = collect(ReadyDriver(change=change)).extra_storage["origins"]
    assert kept["indexedDB"] == [{"name": "whole"}]


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
