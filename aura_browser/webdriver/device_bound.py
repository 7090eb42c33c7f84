"""Which cookies a site binds to this device, as the browser itself says it."""

import time
from typing import Any, Final

from selenium.common.exceptions import WebDriverException
from yarl import URL

from aura_browser.hosts import is_same_site
from aura_browser.session import DeviceBound
from aura_browser.text import clean_text, redact_url
from aura_browser.webdriver.devtools import call_devtools
from aura_browser.webdriver.driver import Driver
from aura_browser.webdriver.network_log import NetworkLog

_COMMAND: Final = "Network.enableDeviceBoundSessions"
_PATIENCE_S: Final = 0.5
_POLL_INTERVAL_S: Final = 0.005
_MAX_SESSIONS: Final = 20
_MAX_COOKIES: Final = 50


def read_device_bound(driver: Driver, log: NetworkLog, url: URL) -> tuple[DeviceBound, ...]:
    """Return what the site of *url* has bound to this device. Nothing is asked where nothing was seen of it.

    A Chrome that does not know the command, or has the feature off, says nothing.

    Args:
        driver: the driver of an open browser.
        log: its log.
        url: the page's address.
    """
    if not log.binds_session:
        return ()
    try:
        call_devtools(driver, _COMMAND, enable=True)
        _wait_for_answer(log)
        call_devtools(driver, _COMMAND, enable=False)
    except WebDriverException:
        return ()
    found = [_read_session(each) for each in (log.device_bound or [])[:_MAX_SESSIONS]]
    return tuple(each for each in found if is_same_site(URL(each.site), url))


def _wait_for_answer(log: NetworkLog) -> None:
    """Wait for the event that follows the command; Chrome sends it a moment later, and none with the feature off."""
    end = time.monotonic() + _PATIENCE_S
    log.drain()
    while log.device_bound is None and time.monotonic() < end:
        time.sleep(_POLL_INTERVAL_S)  # the log has to be asked for
        log.drain()


def _read_session(raw: dict[str, Any]) -> DeviceBound:
    names = [clean_text(str(cookie["name"])) for cookie in raw["cookieCravings"][:_MAX_COOKIES]]
    return DeviceBound(
        site=str(URL(str(raw["key"]["site"])).origin()),
        cookies=tuple(dict.fromkeys(names)),
        refresh_url=redact_url(str(raw["refreshUrl"])),
    )
