"""One Chrome for a file's tests that are not about starting one: each harvest gets a new tab and no cookies."""

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

if TYPE_CHECKING:
    from aura_browser.webdriver.running_session import RunningSession

_LASTS_S: Final = 900.0
_CLEANED_S: Final = 10.0
_open_chrome = default.open_chrome


class SharedChrome:
    """A headless Chrome under ChromeDriver, which is lent to one harvest at a time."""

    def __init__(self) -> None:
        self._exits = ExitStack()
        self._is_lent = False
        self._start()

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

    def close(self) -> None:
        """End it."""
        self._exits.close()

    def _start(self) -> None:
        options = BrowserOptions(Deadline(_LASTS_S))
        self._driver: RunningSession = self._exits.enter_context(selenium.open_chrome(Selenium(), options))

    def _take_clean(self) -> Driver:
        try:
            with Watchdog(Deadline(_CLEANED_S), self.close):  # pages that navigate without end keep it busy
                _clean(self._driver)
        except list_driver_errors():  # the last test's page has ended it
            self.close()
            self._start()
        return self._driver


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


@pytest.fixture(scope="module")
def chrome_of_this_file() -> Iterator[SharedChrome]:
    """Run one Chrome for the file."""
    chrome = SharedChrome()
    yield chrome
    chrome.close()


@pytest.fixture
def shared_chrome(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have harvests in this process that name no engine share one Chrome, unless another engine is tested."""
    if not request.config.getoption("--engine"):
        chrome: SharedChrome = request.getfixturevalue("chrome_of_this_file")
        monkeypatch.setattr(default, "open_chrome", chrome.open_chrome)
