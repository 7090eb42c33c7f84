"""Sends commands of the DevTools protocol through a driver. Importing it loads Selenium."""

from typing import Any, Final

from selenium.common.exceptions import TimeoutException

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
