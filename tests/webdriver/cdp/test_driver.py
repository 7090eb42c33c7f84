"""A browser's tabs as a driver: what is gone, broken or asks says so, with Selenium's errors; a real Chrome."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress

import msgspec
import pytest
from selenium.common.exceptions import (
    InvalidArgumentException,
    JavascriptException,
    NoSuchWindowException,
    TimeoutException,
    UnexpectedAlertPresentException,
    WebDriverException,
)

from aura_browser.webdriver.cdp import driver as driver_module
from aura_browser.webdriver.cdp.browser_commands import call, wait_for
from aura_browser.webdriver.cdp.connection import CdpError, CommandRefused, CommandTimedOut
from aura_browser.webdriver.cdp.driver import CdpDriver
from aura_browser.webdriver.cdp.messages import Message
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.process.chrome import run_chrome_process
from aura_browser.webdriver.process.workspace import open_workspace
from tests.parts.open_chrome import FLAGS
from tests.parts.waiting import until

pytestmark = pytest.mark.chrome

_LASTS_S = 300.0
_SOON_S = 20.0
_WAITS = {"expression": "new Promise(() => {})", "awaitPromise": True}


@contextmanager
def running(deadline: Deadline, *flags: str) -> Iterator[tuple[CdpDriver, int]]:
    """Run a Chrome in which a person would answer dialogs; yield its driver, not started yet, and its process."""
    with open_workspace() as workspace:
        places = ("--remote-debugging-pipe", f"--user-data-dir={workspace.folder / 'profile'}")
        command = ["/usr/bin/chromium", *FLAGS, *places, *flags]
        with run_chrome_process(command, Deadline(_LASTS_S), workspace, variables={}) as chrome:
            yield CdpDriver(chrome.connect, deadline, answers_dialogs=False), chrome._process.pid


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> float:
    """Give a busy machine's scripts time; return the time that they usually have, in seconds."""
    usual = driver_module._SCRIPT_TIMEOUT_S
    monkeypatch.setattr(driver_module, "_SCRIPT_TIMEOUT_S", _SOON_S)
    return usual


@pytest.fixture(scope="module")
def chrome() -> Iterator[CdpDriver]:
    with running(Deadline(_LASTS_S)) as (driver, _own):
        driver.start()
        yield driver


@pytest.fixture
def tab(chrome: CdpDriver) -> Iterator[CdpDriver]:
    """Return the driver in a new tab, which is closed afterwards."""
    [first, *_] = chrome.window_handles
    chrome.window(first)
    target = chrome.execute_cdp_cmd("Target.createTarget", {"url": "about:blank"})["targetId"]
    until(lambda: target in chrome.window_handles, "the tab is attached")
    chrome.window(target)
    chrome.connection.send("Runtime.evaluate", {"expression": "1"}, session=chrome.session).result(_SOON_S)
    yield chrome
    if target in chrome.window_handles:
        chrome.window(first)
        chrome.execute_cdp_cmd("Target.closeTarget", {"targetId": target})


def test_a_script_that_fails_and_a_log_that_there_is_not_are_said(tab: CdpDriver) -> None:
    assert tab.execute_script("return [1, 'two']") == [1, "two"]
    with pytest.raises(JavascriptException):
        tab.execute_script("throw new Error('no')")
    with pytest.raises(InvalidArgumentException, match="log type 'browser' not found"):
        tab.get_log("browser")
    with pytest.raises(InvalidArgumentException, match=r"Page\.navigate: .*-32602"):
        tab.execute_cdp_cmd("Page.navigate", {"url": 1})
    with pytest.raises(WebDriverException, match=r"No\.such.*-32601"):
        tab.execute_cdp_cmd("No.such", {})


def test_whether_a_text_is_javascript_is_asked_without_leaving_a_trace_on(tab: CdpDriver) -> None:
    parameters = {"expression": "1 +", "sourceURL": "", "persistScript": False}
    assert "exceptionDetails" in tab.execute_cdp_cmd("Runtime.compileScript", parameters)
    with pytest.raises(CommandRefused, match="Runtime agent is not enabled"):
        tab.connection.send("Runtime.compileScript", parameters, session=tab.session).result(_SOON_S)


def test_a_script_that_never_ends_is_not_waited_for(
    tab: CdpDriver, patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_module, "_SCRIPT_TIMEOUT_S", patience)
    with pytest.raises(TimeoutException, match=r"Runtime\.evaluate: no answer within 0\.5 s"):
        tab.execute_script("return new Promise(() => {})")


def test_a_tab_that_is_closed_is_gone_and_the_others_are_not(tab: CdpDriver) -> None:
    gone = tab.current_window_handle
    waiting = tab.connection.send("Runtime.evaluate", _WAITS, session=tab.session)
    tab.execute_cdp_cmd("Target.closeTarget", {"targetId": gone})
    with pytest.raises(NoSuchWindowException):
        waiting.result(_SOON_S)
    until(lambda: gone not in tab.window_handles, "it is gone")
    for use in (lambda: tab.get("about:blank"), lambda: tab.current_window_handle, lambda: tab.get_log("performance")):
        with pytest.raises(NoSuchWindowException, match="no such window"):
            use()
    with pytest.raises(NoSuchWindowException):
        tab.window(gone)
    tab.window(tab.window_handles[0])
    assert tab.execute_script("return 1") == 1


def test_a_tab_that_crashes_says_so_also_to_who_waits(tab: CdpDriver) -> None:
    waiting = tab.connection.send("Runtime.evaluate", _WAITS, session=tab.session)
    tab.connection.send("Page.crash", session=tab.session)
    with pytest.raises(WebDriverException, match="tab crashed"):
        waiting.result(_SOON_S)
    with pytest.raises(WebDriverException, match="tab crashed"):
        tab.execute_script("return 1")


def test_a_dialog_that_a_person_is_to_answer_is_named_until_it_is(tab: CdpDriver) -> None:
    script = {"expression": "answer = confirm('Really?'); answer"}
    asking = tab.connection.send("Runtime.evaluate", script, session=tab.session)
    with pytest.raises(UnexpectedAlertPresentException) as caught:
        asking.result(_SOON_S)
    assert caught.value.alert_text == "Really?"
    session = tab._tabs.find(tab._current)
    assert session is not None
    with pytest.raises(UnexpectedAlertPresentException):
        tab.execute_script("return 1")
    tab.connection.send("Page.handleJavaScriptDialog", {"accept": True}, session=session.session).result(_SOON_S)
    until(lambda: session.dialog is None, "it is answered")
    assert tab.execute_script("return answer") is True


def test_a_browser_that_opens_no_tab_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(Deadline(_SOON_S), "--no-startup-window") as (driver, _own):
        wait = driver._tabs.wait_for_first
        monkeypatch.setattr(driver._tabs, "wait_for_first", lambda _left_s: wait(0.2))
        with pytest.raises(CommandTimedOut, match="the first tab: no answer within 20 s"):
            driver.start()


def test_a_browser_that_ends_before_its_first_tab_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(Deadline(_LASTS_S), "--no-startup-window") as (driver, own):
        wait = driver._tabs.wait_for_first

        def end_first(left_s: float) -> str | None:
            os.kill(own, signal.SIGKILL)
            return wait(left_s)

        monkeypatch.setattr(driver._tabs, "wait_for_first", end_first)
        began = time.monotonic()
        with pytest.raises(CdpError):
            driver.start()
        assert time.monotonic() - began < _SOON_S


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("Target.attachedToTarget", {"sessionId": "S", "targetInfo": []}),
        ("Target.attachedToTarget", {"targetInfo": {"targetId": "T"}}),
        ("Target.detachedFromTarget", {"sessionId": "of no tab"}),
        ("Inspector.targetCrashed", {}),
        ("Page.javascriptDialogOpening", {"message": "Really?"}),
        ("Page.javascriptDialogClosed", {}),
    ],
)
def test_an_event_of_a_tab_that_is_not_known_changes_nothing(
    tab: CdpDriver, method: str, params: dict[str, object]
) -> None:
    before = tab.window_handles
    tab._take_event(Message(method=method, params=msgspec.Raw(msgspec.json.encode(params)), session="of no tab"))
    assert tab.window_handles == before
    assert tab.execute_script("return 1") == 1


class _Late(Future[dict[str, object]]):
    """An answer that comes just after a wait for it."""

    def result(self, timeout: float | None = None) -> dict[str, object]:
        if self.done():
            return super().result(timeout)
        self.set_result({"is": 1})
        raise TimeoutError


@pytest.mark.parametrize("left_s", [_SOON_S, 0.0])
def test_an_answer_that_comes_just_after_a_wait_counts(left_s: float) -> None:
    assert wait_for(_Late(), "A.first", left_s, Deadline(_SOON_S)) == {"is": 1}


def test_a_browser_that_is_killed_is_said() -> None:
    with running(Deadline(_LASTS_S)) as (driver, own):
        driver.start()
        os.kill(own, signal.SIGKILL)
        with suppress(ChildProcessError):  # what watches it has reaped it
            os.waitid(os.P_PID, own, os.WEXITED | os.WNOWAIT)
        with pytest.raises(WebDriverException, match="the connection to Chrome ended"):
            driver.execute_script("return new Promise(() => {})")


def test_cookies_are_those_of_the_profile_that_the_tab_is_in(chrome: CdpDriver) -> None:
    def read() -> list[str]:
        return [cookie["name"] for cookie in driver.execute_cdp_cmd("Network.getAllCookies", {})["cookies"]]

    deadline = Deadline(_SOON_S)
    created = call(chrome.connection, "Target.createBrowserContext", {}, deadline)["browserContextId"]
    driver = CdpDriver(lambda _on_event: chrome.connection, deadline, answers_dialogs=True)
    driver._tabs = chrome._tabs  # whose events are those of the connection
    driver.open_tab(created, is_background=False)
    cookie = {"value": "1", "url": "http://127.0.0.1/"}
    chrome.execute_cdp_cmd("Network.setCookies", {"cookies": [cookie | {"name": "usual"}]})
    driver.execute_cdp_cmd("Network.setCookies", {"cookies": [cookie | {"name": "own"}]})
    assert read() == ["own"]
    call(chrome.connection, "Target.disposeBrowserContext", {"browserContextId": created}, deadline)
    chrome.execute_cdp_cmd("Network.clearBrowserCookies", {})
