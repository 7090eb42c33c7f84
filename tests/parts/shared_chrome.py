"""One Chrome for all tests of a process that are not about starting one: each harvest gets a new tab and no cookies."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

import pytest
from selenium.webdriver.remote.command import Command

from aura_browser.engine import DefaultEngine, Selenium
from aura_browser.webdriver.browsers import default, selenium
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.devtools import list_driver_errors
from aura_browser.webdriver.driver import Driver
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.process.watchdog import Watchdog
from tests.parts import own_browsers

if TYPE_CHECKING:
    from aura_browser.webdriver.running_session import RunningSession

_LASTS_S: Final = 7200.0
_CLEANED_S: Final = 10.0
_open_chrome = default.open_chrome


class SharedChrome:
    """A headless Chrome under ChromeDriver, which is lent to one harvest at a time; it starts with the first."""

    def __init__(self) -> None:
        self._place = tempfile.gettempdir()
        self._exits = ExitStack()
        self._driver: RunningSession | None = None
        self._is_lent = False

    @contextmanager
    def open_chrome(self, engine: DefaultEngine, options: BrowserOptions) -> Iterator[Driver]:
        """Lend this Chrome; open another for a harvest that wants it otherwise, and while this one is lent."""
        is_usual = engine == DefaultEngine() and not (options.proxy or options.interactive or options.basic)
        if self._is_lent or not is_usual:
            with _open_chrome(engine, options) as own:
                yield own
            return
        self._is_lent = True
        try:
            yield self._take_clean()
        finally:
            self._is_lent = False

    def start(self) -> "RunningSession":
        """Start it if it does not run, and return its driver."""
        if self._driver is None:
            options = BrowserOptions(Deadline(_LASTS_S))
            with own_browsers.sharing(self._place):
                self._driver = self._exits.enter_context(selenium.open_chrome(Selenium(), options))
        return self._driver

    def close(self) -> None:
        """End it, until it is borrowed again."""
        self._driver = None
        self._exits.close()

    def _take_clean(self) -> Driver:
        if self._driver is not None:
            try:
                with Watchdog(Deadline(_CLEANED_S), self.close):  # pages that navigate without end keep it busy
                    _clean(self._driver)
            except list_driver_errors():  # the last test's page has ended it
                self.close()
        return self.start()


def _clean(driver: "RunningSession") -> None:
    before = driver.window_handles
    if before:
        driver.window(before[0])
    new = driver._execute(Command.NEW_WINDOW, type="tab")["handle"]
    for handle in before:
        driver.window(handle)
        driver._execute(Command.CLOSE)
    driver.window(new)
    driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    driver.get_log("performance")


@pytest.fixture(scope="session")
def chrome_of_this_process() -> Iterator[SharedChrome]:
    """Have one that tests share."""
    chrome = SharedChrome()
    yield chrome
    chrome.close()


@pytest.fixture
def shared_chrome(
    chrome_of_this_process: SharedChrome, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Have harvests in this process that name no engine share one Chrome, unless another engine is tested."""
    if not request.config.getoption("--engine"):
        monkeypatch.setattr(default, "open_chrome", chrome_of_this_process.open_chrome)
