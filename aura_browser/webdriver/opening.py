"""Opens a site's page in a browser, with a password if the site asks for one."""

import re
from collections.abc import Callable
from typing import Final

from selenium.common.exceptions import TimeoutException, WebDriverException

from aura_browser.errors import NotReady, PageFailed
from aura_browser.site import Site
from aura_browser.text import redact_url
from aura_browser.urls import read_url
from aura_browser.webdriver.observing import Observer
from aura_browser.webdriver.options import BrowserOptions

_POLL_INTERVAL_S: Final = 0.025
_BLANK: Final = "about:blank"


def open_page(observer: Observer, site: Site, options: BrowserOptions, build_not_ready: Callable[[], NotReady]) -> str:
    """Open the page of *site*; return the document that only sent the password, or an empty text.

    A page with a password in its address can't fetch anything, so it is opened again without one; Chrome remembers it.

    Args:
        observer: observes the tab.
        site: the site.
        options: for the deadline, and the password.
        build_not_ready: returns the error for the deadline.

    Raises:
        InvalidInput: if a ``js:`` condition is not a JavaScript expression.
        NotReady: at the deadline.
        PageFailed: if the page can't be loaded.
        WebDriverException: if the browser or its window is gone.
    """
    observer.check_conditions()
    url, ignored = read_url(site.url), ""
    if options.basic is not None:
        user, _, password = options.basic.partition(":")
        _get(observer, site, str(url.with_user(user).with_password(password)), build_not_ready)
        ignored = _wait_until_sent(observer, options)
    _get(observer, site, site.url, build_not_ready)
    return ignored


def _get(observer: Observer, site: Site, url: str, build_not_ready: Callable[[], NotReady]) -> None:
    try:
        observer.driver.get(url)
    except TimeoutException:
        raise build_not_ready() from None
    except WebDriverException as error:
        code = re.search(r"net::(ERR_\w+)", error.msg or "")
        if code is None:
            raise
        raise PageFailed(redact_url(site.url), code[1]) from None


def _wait_until_sent(observer: Observer, options: BrowserOptions) -> str:
    while options.deadline.left_s > 0:
        seen = observer.observe()
        if seen is not None and seen.is_complete and not seen.frame.url.startswith(_BLANK):
            return seen.frame.loader
        options.deadline.wait(_POLL_INTERVAL_S)
    return ""
