"""The pages in a real browser: its checks, its login form, and a chat."""

import os
import shutil
from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from aura_browser.playground import Playground, serve_in_thread

pytestmark = pytest.mark.chrome

_QUIET = (
    "--headless=new",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
_WAIT_S = 10
_BOX = 'textarea[placeholder^="Type a message"]'
_SAID = "Grüße, 世界"
# A tab keeps its name while a site's pages follow each other.
_NOTE_EACH_PAGE = """addEventListener("DOMContentLoaded", () => {
    const { responseStatus } = performance.getEntriesByType("navigation")[0];
    window.name += `${responseStatus} ${document.title}; ${document.cookie}\\n`;
});"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in (*_QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])):
        options.add_argument(argument)
    started = Chrome(options, ChromeService(shutil.which("chromedriver")))
    yield started
    started.quit()


@pytest.fixture
def chrome(browser: Chrome) -> Chrome:
    browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    return browser


def _last(chrome: Chrome, selector: str, text: str) -> None:
    """Wait until the last element for *selector* shows *text*."""

    def shows(chrome: Chrome) -> bool:
        script = "return [...document.querySelectorAll(arguments[0])].at(-1)?.textContent"
        return bool(chrome.execute_script(script, selector) == text)

    WebDriverWait(chrome, _WAIT_S, 0.02).until(shows, f"{selector} never showed {text!r}")


def _say(chrome: Chrome, text: str) -> None:
    chrome.find_element(By.CSS_SELECTOR, _BOX).send_keys(text, Keys.ENTER)


def _wait_for_page(chrome: Chrome) -> None:
    WebDriverWait(chrome, _WAIT_S, 0.02).until(lambda chrome: chrome.find_elements(By.CSS_SELECTOR, _BOX))


def _chat(chrome: Chrome, site: Playground) -> None:
    """Say something, see it said back, and find it in what the page keeps."""
    assert chrome.execute_script("return document.body.className") == ""
    assert chrome.execute_script("return localStorage.length") == 0
    _say(chrome, _SAID)
    _last(chrome, ".assistant:not(.busy)", _SAID)
    assert site.chats == 1
    assert sorted(chrome.execute_script("return Object.keys(localStorage)")) == [
        "conversationHistory",
        "selectedConversation",
    ]


@pytest.mark.parametrize(("gate", "status"), [("check-503", 503), ("check-403", 403)])
def test_a_browser_passes_the_check_by_itself(chrome: Chrome, gate: str, status: int) -> None:
    added = chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _NOTE_EACH_PAGE})
    with serve_in_thread(gate, check_delay=0.3) as site:
        chrome.get(site.origin)
        _wait_for_page(chrome)
        check, page = chrome.execute_script("return window.name").splitlines()[-2:]
        assert check == f"{status} Just a moment...; "
        assert page.startswith(f"200 OpenChat playground; {site.cookie_name}=")
        chrome.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
        _chat(chrome, site)
        (cookie,) = chrome.get_cookies()
        assert (cookie["name"], cookie["httpOnly"]) == (site.cookie_name, False)
        assert site.page_loads == 1


@pytest.mark.parametrize("gate", ["login-401", "login-redirect"])
def test_a_browser_logs_in_through_the_form(chrome: Chrome, gate: str) -> None:
    with serve_in_thread(gate, life=60) as site:
        chrome.get(site.origin)
        chrome.find_element(By.NAME, "username").send_keys("demo")
        chrome.find_element(By.NAME, "password").send_keys("wrong", Keys.ENTER)
        _last(chrome, "[role=alert]", "Wrong name or password.")
        chrome.find_element(By.NAME, "username").send_keys("demo")
        chrome.find_element(By.NAME, "password").send_keys("demo")
        chrome.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
        _wait_for_page(chrome)
        _chat(chrome, site)
        (cookie,) = chrome.get_cookies()
        assert cookie["httpOnly"]
        assert cookie["value"].startswith("a+b/")
        site.revoke_all()
        _say(chrome, "Again")
        _last(chrome, "[role=alert]", f"Your session has ended ({_refused(gate)}). Reload the page.")


def _refused(gate: str) -> int:
    return 401 if gate == "login-401" else 200


def test_the_page_shows_how_an_answer_failed(chrome: Chrome) -> None:
    with serve_in_thread() as site:
        chrome.get(site.origin)
        for said, shown in (
            ("/error Slow down please", "500 Slow down please"),
            ("/limit 3", "429 Too Many Requests"),
            ("/gateway", "502 Bad Gateway"),
            ("/empty", "The answer was empty."),
            ("/dropped half an", "The connection was closed."),
        ):
            _say(chrome, said)
            _last(chrome, "[role=alert]", shown)
            _last(chrome, "#send", "Send")
        assert not chrome.get_cookies()


def test_a_silent_answer_can_be_stopped_and_a_new_chat_begun(chrome: Chrome) -> None:
    with serve_in_thread() as site:
        chrome.get(site.origin)
        chrome.find_element(By.CSS_SELECTOR, _BOX).send_keys("/silent one", Keys.SHIFT, Keys.ENTER, Keys.SHIFT, "two")
        _say(chrome, "")
        _last(chrome, ".assistant.busy", "one\ntwo")
        chrome.find_element(By.ID, "send").click()
        _last(chrome, "#send", "Send")
        _last(chrome, ".assistant:not(.busy)", "one\ntwo")
        chrome.find_element(By.ID, "new").click()
        assert not chrome.find_elements(By.CSS_SELECTOR, ".assistant")
        assert not chrome.find_elements(By.CSS_SELECTOR, "[role=alert]")
