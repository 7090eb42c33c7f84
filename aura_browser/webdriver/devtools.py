"""Sends commands of the DevTools protocol through a driver, and says what a driver raises."""

import sys
from typing import Any, Final

from selenium.common.exceptions import TimeoutException, WebDriverException

from aura_browser.webdriver.driver import Driver

_MAX_TRIES: Final = 5


def call_devtools(driver: Driver, command: str, **arguments: object) -> dict[str, Any]:
    """Send a command of the DevTools protocol and return its result; the command must be one that can be repeated.

    Raises:
        TimeoutException: if the page opens one dialog after the other. ChromeDriver returns no result for a command
            during which it closed a dialog.
        WebDriverException: if the browser refuses the command, or is gone.
    """
    for _ in range(_MAX_TRIES):
        result: dict[str, Any] | None = driver.execute_cdp_cmd(command, arguments)
        if result is not None:
            return result
    raise TimeoutException("the page opens one dialog after the other")


def list_driver_errors() -> tuple[type[Exception], ...]:
    """Return what a driver raises when it reports an error, and when it or its connection is gone.

    Selenium passes on urllib3's errors; without Selenium's driver, urllib3 is not loaded.
    """
    urllib3 = sys.modules.get("urllib3.exceptions")
    return (WebDriverException, OSError, *((urllib3.HTTPError,) if urllib3 else ()))
