"""The chat page in a real Chrome: at two sizes, by keyboard alone, against hostile texts, and for everybody."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from aura_browser.gateway.page import PAGE
from aura_browser.gateway.server import Gateway
from aura_browser.playground import Playground, serve_in_thread
from tests.apps.install import install_from_npm
from tests.parts.gateways import gateway_in_thread, gateway_to
from tests.parts.open_chrome import FLAGS
from tests.parts.waiting import until

chrome_test = pytest.mark.chrome
SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
TOKEN = 's3cret+token%41"of/24<ch='


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in (*FLAGS, *([] if os.geteuid() else ["--no-sandbox"])):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = Chrome(options, ChromeService(shutil.which("chromedriver")))
    yield started
    started.quit()


@pytest.fixture
def site() -> Iterator[Playground]:
    with serve_in_thread() as running:
        yield running


@pytest.fixture
def gateway(site: Playground) -> Iterator[Gateway]:
    with gateway_in_thread(site) as running:
        yield running


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest, browser: Chrome, gateway: Gateway) -> Iterator[Chrome]:
    """Open the page at one size; afterwards nothing may have gone elsewhere, and no error may be on the console."""
    width, height = SIZES[request.param]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": request.param == "phone"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get("about:blank")  # what the page of another test logs, it logs before this
    for name in ("performance", "browser"):
        read_log(browser, name)
    browser.get(f"{gateway.origin}/")
    wait_for(browser, "document.querySelector('#model option') !== null")
    yield browser
    asked = {url for url in requested(browser) if not url.startswith("data:")}
    assert all(url.startswith(f"{gateway.origin}/") for url in asked), asked
    # Chrome itself notes every response of 400 and more.
    noted = [entry for entry in read_log(browser, "browser") if entry["source"] != "network"]
    assert [entry for entry in noted if entry["level"] == "SEVERE"] == []


def read_log(browser: Chrome, kind: str) -> list[dict[str, Any]]:
    """Return what has been logged since the last time."""
    found: list[dict[str, Any]] = browser.get_log(kind)  # type: ignore[no-untyped-call] # selenium's own
    return found


def requested(browser: Chrome) -> Iterator[str]:
    for entry in read_log(browser, "performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            yield message["params"]["request"]["url"]


def wait_for(browser: Chrome, expression: str) -> None:
    until(lambda: browser.execute_script(f"return {expression}"), expression, 10)


def press(browser: Chrome, *keys: str) -> None:
    """Press keys where the focus is."""
    ActionChains(browser, duration=0).send_keys(*keys).perform()


def send(browser: Chrome, text: str) -> None:
    """Type a question and send it, by keyboard alone."""
    assert browser.switch_to.active_element.get_attribute("id") == "ask"
    press(browser, text)
    if browser.execute_script("return matchMedia('(pointer: coarse)').matches"):
        browser.find_element(By.ID, "send").click()
    else:
        press(browser, Keys.ENTER)


def answers(browser: Chrome) -> list[str]:
    texts: list[str] = browser.execute_script(
        "return [...document.querySelectorAll('#list > li:not(.mine) .text')].map(each => each.textContent)"
    )
    return texts


def status(browser: Chrome) -> str:
    return str(browser.execute_script("return document.getElementById('status').textContent"))


# In the page itself: a busy machine looks from outside when all has come.
NOTE = """window.noted = [];
new MutationObserver(() => {
  const answer = document.querySelector('#list > li:not(.mine) .text');
  if (answer) noted.push([answer.textContent, document.getElementById('status').textContent]);
}).observe(document.body, {childList: true, subtree: true, characterData: true})"""


@chrome_test
def test_a_question_is_answered_as_it_comes(page: Chrome, site: Playground) -> None:
    page.execute_script(NOTE)
    send(page, "/slow 0.05 one two three four five six seven eight nine ten")
    until(lambda: status(page) == "Done, 10 words.", "it is done", 10)
    lengths = {len(text) for text, said in page.execute_script("return noted") if said == "Answering …"}
    assert any(0 < length < 20 for length in lengths), lengths
    assert answers(page) == ["one two three four five six seven eight nine ten"]
    send(page, "again")
    until(lambda: len(answers(page)) == 2, "the second answer", 10)
    until(lambda: status(page) == "Done, 1 word.", "it is done", 10)
    body = json.loads(site.requests[-1].body)
    assert [each["role"] for each in body["messages"]] == ["user", "assistant", "user"]


@chrome_test
def test_escape_stops_the_site_and_what_came_stays(page: Chrome, site: Playground) -> None:
    send(page, "/silent so far")
    until(lambda: answers(page) == ["so far"], "its beginning is shown", 10)
    assert site.answering == 1
    press(page, "the next question")
    assert page.find_element(By.ID, "ask").get_attribute("value") == "the next question"
    press(page, Keys.ESCAPE)
    until(lambda: site.answering == 0, "the site is stopped", 5)
    assert answers(page) == ["so far"]
    assert "You stopped this answer." in page.find_element(By.ID, "list").text
    assert page.switch_to.active_element.get_attribute("id") == "ask"


@chrome_test
def test_a_failure_is_said_and_can_be_tried_again(page: Chrome, site: Playground) -> None:
    send(page, "/dropped so far")
    until(lambda: status(page) == "Incomplete.", "it is said", 10)
    assert "broke off" in str(page.find_element(By.ID, "alert").get_attribute("textContent"))
    assert answers(page) == ["so far"]
    asked = site.chats
    page.find_element(By.XPATH, "//button[text()='Retry']").click()
    until(lambda: site.chats == asked + 1 and status(page) == "Incomplete.", "it is asked again", 10)
    assert len(answers(page)) == 1, "in place of the first one"
    body = json.loads(site.requests[-1].body)
    assert [each["role"] for each in body["messages"]] == ["user"]


@chrome_test
def test_what_is_tried_again_is_sent_without_what_came_after_it(page: Chrome, site: Playground) -> None:
    send(page, "/silent")
    until(lambda: site.answering == 1, "it is asked", 10)
    press(page, Keys.ESCAPE)
    until(lambda: status(page) == "No answer.", "it is stopped", 10)
    send(page, "hello")
    until(lambda: status(page).startswith("Done"), "the next is answered", 10)
    page.find_element(By.XPATH, "//button[text()='Retry']").click()
    until(lambda: site.answering == 1, "the first is asked again", 10)
    press(page, Keys.ESCAPE)
    assert [each["content"] for each in json.loads(site.requests[-1].body)["messages"]] == ["/silent"]


@chrome_test
def test_a_refusal_is_shown_in_the_gateways_words(page: Chrome) -> None:
    send(page, "/limit 7")
    until(lambda: status(page) == "No answer.", "it is said", 10)
    assert "Wait 7 s" in page.find_element(By.ID, "list").text


HOSTILE = (
    '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script></script>',
    "```html\n<img src=x onerror=window.hurt=1>\n```\n[x](javascript:window.hurt=1) `<b>` &lt;b&gt;",
    "<a href='javascript:window.hurt=1'>x</a><svg onload=window.hurt=1><iframe srcdoc='<script>parent.hurt=1</script>'",
)


@chrome_test
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(page: Chrome, text: str) -> None:
    page.execute_script("document.getElementById('ask').value = arguments[0]", text)
    page.find_element(By.ID, "send").click()
    until(lambda: status(page).startswith("Done"), "it is answered", 10)
    assert page.execute_script("return window.hurt") is None
    tags = page.execute_script("return [...document.querySelectorAll('#list *')].map(each => each.localName)")
    assert not {"img", "script", "a", "svg", "iframe", "b"} & set(tags)
    (answer,) = answers(page)
    assert re.sub(r"```(?:html)?\n?|`", "", text).split() == answer.replace("`", "").split()


@chrome_test
def test_code_is_set_apart(page: Chrome) -> None:
    text = "Use `x = 1`:\n```python\nprint('`hi`')\n\nprint(2)\n```\nDone `now`."
    page.execute_script("document.getElementById('ask').value = arguments[0]", text)
    page.find_element(By.ID, "send").click()
    until(lambda: status(page).startswith("Done"), "it is answered", 10)
    codes = page.execute_script(
        "return [...document.querySelectorAll('#list > li:not(.mine) code')].map(e => e.textContent)"
    )
    assert codes == ["x = 1", "print('`hi`')\n\nprint(2)\n", "now"]


@chrome_test
@pytest.mark.parametrize(
    ("text", "shown", "blocks"),
    [
        ("```print('hi')```\nNext line", "print('hi')\nNext line", []),
        ("Use:\n```a = 1```\nand\n```b = 2```\nend", "Use:\na = 1\nand\nb = 2\nend", []),
        ("```\ncode\n```tail text\nmore", "code\n```tail text\nmore", ["code\n```tail text\nmore"]),
        ("```\ncode\n``` \nafter", "code\nafter", ["code\n"]),
        ("````\n```\ncode\n```\n````\nafter", "```\ncode\n```\nafter", ["```\ncode\n```\n"]),
        ("```\ncode\n``", "code\n``", ["code\n``"]),
        ("```\ncode\n```", "code\n", ["code\n"]),
        ("``", "``", []),
        ("```py", "```py", []),
    ],
)
def test_no_text_of_an_answer_is_lost_beside_code(
    browser: Chrome, gateway: Gateway, text: str, shown: str, blocks: list[str]
) -> None:
    browser.get(f"{gateway.origin}/")
    for pieces in ([text], list(text)):
        found = browser.execute_script(
            "const place = document.createElement('div'), writer = new Writer(place);"
            "for (const piece of arguments[0]) writer.write(piece);"
            "writer.end();"
            "return [place.textContent, [...place.querySelectorAll('pre > code')].map(each => each.textContent)]",
            pieces,
        )
        assert found == [shown, blocks]


@chrome_test
def test_a_selection_stays_while_the_answer_grows(page: Chrome) -> None:
    send(page, "/slow 0.02 selected " + "word " * 60)
    until(lambda: answers(page) and answers(page)[0].startswith("selected"), "it begins", 10)
    page.execute_script(
        "const node = document.querySelector('#list > li:not(.mine) .text').firstChild;"
        "getSelection().setBaseAndExtent(node, 0, node, 8)"
    )
    until(lambda: status(page).startswith("Done"), "it is done", 20)
    assert page.execute_script("return getSelection().toString()") == "selected"


@chrome_test
def test_a_chat_is_kept_only_if_asked_for(page: Chrome, gateway: Gateway) -> None:
    send(page, "hello")
    until(lambda: status(page).startswith("Done"), "it is answered", 10)
    assert page.execute_script("return localStorage.length") == 0
    page.execute_script("document.querySelector('details').open = true; document.getElementById('keep').click()")
    page.get(f"{gateway.origin}/")
    until(lambda: answers(page) == ["hello"], "it is there again", 10)
    page.find_element(By.ID, "new").click()
    page.execute_script("document.querySelector('details').open = true; document.getElementById('keep').click()")
    assert page.execute_script("return localStorage.length") == 0
    assert answers(page) == []


@chrome_test
def test_every_control_is_reached_by_tab_in_order_and_nothing_is_wider_than_the_page(page: Chrome) -> None:
    page.execute_script("document.querySelector('details').open = true; document.getElementById('model').focus()")
    order = []
    for _ in range(6):
        order.append(page.execute_script("return document.activeElement.id || document.activeElement.localName"))
        press(page, Keys.TAB)
    assert order == ["model", "new", "summary", "system", "keep", "ask"]
    for width in (320, 640):
        page.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 600, "deviceScaleFactor": 1, "mobile": False},
        )
        assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    sizes = page.execute_script(
        "return [...document.querySelectorAll('button:not([hidden]), select, summary')]"
        ".map(each => each.getBoundingClientRect().height)"
    )
    assert min(sizes) >= 44


@chrome_test
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Chrome, scheme: str, tmp_path: Path) -> None:
    axe = install_from_npm("axe-core") / "node_modules" / "axe-core" / "axe.min.js"
    media = [{"name": "prefers-color-scheme", "value": scheme}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    send(page, "/dropped Some `code` here")
    until(lambda: status(page) == "Incomplete.", "it is said", 10)
    page.execute_script("document.querySelector('details').open = true")
    # In a world of its own, which the page's policy does not bind.
    tree = page.execute_cdp_cmd("Page.getFrameTree", {})
    frame = {"frameId": tree["frameTree"]["frame"]["id"], "worldName": "axe"}
    world = page.execute_cdp_cmd("Page.createIsolatedWorld", frame)["executionContextId"]
    ask: dict[str, Any] = {"contextId": world, "awaitPromise": True, "returnByValue": True}
    page.execute_cdp_cmd("Runtime.evaluate", ask | {"expression": axe.read_text("utf-8") + ";0"})
    run = "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']})"
    found = page.execute_cdp_cmd("Runtime.evaluate", ask | {"expression": f"{run}.then(found => found.violations)"})
    violations = [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["result"]["value"]]
    picture = tmp_path / f"{scheme}.png"
    page.save_screenshot(str(picture))
    assert picture.stat().st_size > 1000
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert violations == []


@chrome_test
def test_the_token_is_taken_from_the_fragment_and_leaves_the_address(browser: Chrome, site: Playground) -> None:
    with gateway_in_thread(site, token=TOKEN) as gateway:
        browser.get(f"{gateway.origin}/#token={TOKEN}")
        wait_for(browser, "document.querySelector('#model option') !== null")
        assert browser.current_url == f"{gateway.origin}/"
        send(browser, "hello")
        until(lambda: status(browser).startswith("Done"), "it is answered", 10)
        browser.execute_script("sessionStorage.clear()")
        browser.get(f"{gateway.origin}/?")
        until(lambda: "token is missing" in status(browser), "it says what is missing", 10)


@chrome_test
@pytest.mark.parametrize("kind", ["text/plain", "application/json"])
def test_a_page_of_another_site_reaches_nothing(browser: Chrome, gateway: Gateway, site: Playground, kind: str) -> None:
    # The playground is of the same host, and another origin: the nearest that another site can be.
    browser.get(f"{site.origin}/")
    asked = site.chats
    outcome = browser.execute_async_script(
        "const done = arguments[2];"
        "fetch(arguments[0], {method: 'POST', headers: {'Content-Type': arguments[1]}, body: '{}'})"
        ".then(response => done('status ' + response.status), error => done('refused'))",
        f"{gateway.base_url}/chat/completions",
        kind,
    )
    assert outcome == "refused"
    assert site.chats == asked


async def test_the_page_allows_itself_only_what_it_needs() -> None:
    async with Playground() as site, gateway_to(site) as gateway, aiohttp.ClientSession() as http:
        async with http.get(f"{gateway.origin}/") as response:
            text = await response.text()
        policy = response.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert policy.count("'sha256-") == 2
    assert len(text.encode()) < 25 * 1024
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b| on[a-z]+=|https?://", text)
    assert text.encode() == PAGE
