"""A cold harvest by another tool: open the page, wait until it is loaded, read cookies and user agent, close.

A program of its own (``scripts.py TOOL URL CHROME CHROMEDRIVER SCRATCH``) with nothing but the standard library at the
top, as it runs in environments that have only the tool. Prints the number of cookies and the user agent.
"""

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, Final, NamedTuple

_AGENT: Final = "navigator.userAgent"
_STATE: Final = "document.readyState"
_GLANCE_S: Final = 0.02


class Task(NamedTuple):
    """What to open with what, and a folder for what a tool has to write."""

    url: str
    chrome: str
    driver: str
    scratch: str


Harvested = tuple[int, str]


async def by_nodriver(task: Task) -> Harvested:
    """Harvest with nodriver; its ``stop`` is no coroutine."""
    browser = await _start("nodriver", task)
    harvested = await _read(browser, task)
    browser.stop()
    return harvested


async def by_zendriver(task: Task) -> Harvested:
    """Harvest with zendriver, nodriver's fork."""
    browser = await _start("zendriver", task)
    harvested = await _read(browser, task)
    await browser.stop()
    return harvested


async def _start(name: str, task: Task) -> Any:  # noqa: ANN401 - a browser of whichever of the two
    return await import_module(name).start(headless=True, sandbox=False, browser_executable_path=task.chrome)


async def _read(browser: Any, task: Task) -> Harvested:  # noqa: ANN401 - as _start
    tab = await browser.get(task.url)
    while await tab.evaluate(_STATE) != "complete":  # noqa: ASYNC110 - another process's state; nothing tells
        await asyncio.sleep(_GLANCE_S)
    return len(await browser.cookies.get_all()), await tab.evaluate(_AGENT)


async def by_playwright(task: Task) -> Harvested:
    """Harvest with Playwright and the system's Chrome."""
    async with import_module("playwright.async_api").async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=task.chrome, args=["--no-sandbox"])
        page = await browser.new_page()
        await page.goto(task.url)
        harvested = len(await page.context.cookies()), await page.evaluate(_AGENT)
        await browser.close()
    return harvested


async def by_selenium(task: Task) -> Harvested:
    """Harvest with plain Selenium."""
    chrome = import_module("selenium.webdriver.chrome.webdriver")
    service = import_module("selenium.webdriver.chrome.service").Service(task.driver)
    options = import_module("selenium.webdriver.chrome.options").Options()
    options.binary_location = task.chrome
    for flag in ("--headless=new", "--no-sandbox"):
        options.add_argument(flag)
    return _with_selenium(chrome.WebDriver(options, service), task)


async def by_undetected(task: Task) -> Harvested:
    """Harvest with undetected-chromedriver; it patches the driver in place, so it gets a copy."""
    own = shutil.copy(task.driver, task.scratch)
    module = import_module("undetected_chromedriver")
    options = module.ChromeOptions()
    options.add_argument("--no-sandbox")
    driver = module.Chrome(
        options=options, headless=True, driver_executable_path=str(own), browser_executable_path=task.chrome
    )
    return _with_selenium(driver, task)


def _with_selenium(driver: Any, task: Task) -> Harvested:  # noqa: ANN401 - a driver of either tool
    driver.get(task.url)
    harvested = len(driver.get_cookies()), driver.execute_script(f"return {_AGENT}")
    driver.quit()
    return harvested


async def by_g4f(task: Task) -> Harvested:
    """Harvest as g4f's providers do. It keeps its browser for the next call, and ends it with the process."""
    requests = import_module("g4f.requests")
    requests.set_browser_executable_path(task.chrome)
    found = await requests.get_args_from_nodriver(task.url)
    return len(found["cookies"]), found["headers"]["user-agent"]


TOOLS: Final[dict[str, Callable[[Task], Awaitable[Harvested]]]] = {
    "selenium": by_selenium,
    "nodriver": by_nodriver,
    "zendriver": by_zendriver,
    "playwright": by_playwright,
    "undetected-chromedriver": by_undetected,
    "g4f": by_g4f,
}


async def _harvest(tool: str, task: Task) -> Harvested:
    return await TOOLS[tool](task)


if __name__ == "__main__":
    sys.stdout.write("{} {}\n".format(*asyncio.run(_harvest(sys.argv[1], Task(*sys.argv[2:])))))
