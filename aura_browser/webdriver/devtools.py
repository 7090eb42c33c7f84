"""Sends commands of the DevTools protocol through a driver, and says what a driver raises."""

import sys
from typing import Any, Final

from selenium.common.exceptions import TimeoutException, UnexpectedAlertPresentException, WebDriverException

from aura_browser.webdriver.driver import Driver

_MAX_TRIES: Final = 5


def call_devtools(driver: Driver, command: str, **arguments: object) -> dict[str, Any]:
    """Send a command of the DevTools protocol and return its result; the command must be one that can be repeated.

    A dialog that opens during it is closed by the driver, unless it waits for the person. ChromeDriver then returns
    either no result or an error.

    Raises:
        UnexpectedAlertPresentException, TimeoutException: if the page opens one dialog after the other.
        WebDriverException: if the browser refuses the command, or is gone.
    """
    error: WebDriverException = TimeoutException("the page opens one dialog after the other")
    for _ in range(_MAX_TRIES):
        try:
            result: dict[str, Any] | None = driver.execute_cdp_cmd(command, arguments)
        except UnexpectedAlertPresentException as opened:
            error = opened
            continue
        if result is not None:
            return result
    raise error


def list_driver_errors() -> tuple[type[Exception], ...]:
    """Return what a driver raises when it reports an error, and when it or its connection is gone.

    Selenium passes on urllib3's errors; without Selenium's driver, urllib3 is not loaded.
    """
    urllib3 = sys.modules.get("urllib3.exceptions")
    return (WebDriverException, OSError, *((urllib3.HTTPError,) if urllib3 else ()))
