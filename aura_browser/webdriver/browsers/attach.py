"""The engine ``attach``: a Chrome that runs already, in which one tab is opened and closed again."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.request import ProxyHandler, Request, build_opener

from yarl import URL

from aura_browser.engine import Attach
from aura_browser.errors import BrowserDied, BrowserNotFound
from aura_browser.text import clean_text
from aura_browser.webdriver.browsers.capabilities import CHROME, watching
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.locate import Installed, find_driver, locate
from aura_browser.webdriver.process.chromedriver import driver_session
from aura_browser.webdriver.process.lifeline import Lifeline
from aura_browser.webdriver.process.workplace import workplace
from aura_browser.webdriver.visit import Visit

if TYPE_CHECKING:
    from aura_browser.webdriver.running_session import RunningSession

_log = logging.getLogger(__name__)

_CALL_S: Final = 5.0
_START: Final = (
    "Start Chrome with --remote-debugging-port=9222 --user-data-dir=DIR, and log in there. It has to be a folder other "
    "than your Chrome's own, on which Chrome 136 and later ignores that option."
)


@contextmanager
def open_chrome(engine: Attach, visit: Visit) -> Iterator["RunningSession"]:
    """Have a tab of that Chrome while the context lasts. Its other tabs and itself stay as they are.

    Raises:
        BrowserNotFound: if no Chrome answers there, or ChromeDriver is missing.
        DriverMismatch: if the two don't fit.
        LaunchFailed: if ChromeDriver can't drive it.
    """
    debugger = URL(f"http://{engine.address}")
    installed = Installed(Path(engine.address), _driver(engine.driver_path, visit.deadline))
    capabilities = watching(has_window=True) | {CHROME: {"debuggerAddress": engine.address}}
    with (
        workplace() as place,
        _tab(debugger, place.lifeline) as tab,
        driver_session(installed, capabilities, visit.deadline, place, variables={}) as driver,
    ):
        _switch(driver, tab, engine)
        yield driver


def _switch(driver: "RunningSession", tab: str, engine: Attach) -> None:
    from aura_browser.webdriver.running_session import DRIVER_ERRORS

    try:
        driver.switch_to_window(tab)
    except DRIVER_ERRORS as error:
        raise BrowserDied(engine.address, "its new tab was closed, or it ended") from error


def _driver(given: str | PathLike[str] | None, deadline: Deadline) -> Path:
    return find_driver(given) or locate(deadline=deadline).driver


@contextmanager
def _tab(debugger: URL, lifeline: Lifeline) -> Iterator[str]:
    """Open an empty tab, yield its id and close it, whatever becomes of us."""
    try:
        tab = json.loads(_ask(debugger / "json/new" % {"about:blank": ""}, "PUT"))["id"]
    except (OSError, HTTPException, ValueError, KeyError) as error:
        looked = f"{debugger.authority} ({clean_text(str(getattr(error, 'reason', error)))})"
        raise BrowserNotFound("A Chrome that listens for debuggers", (looked,), _START) from error
    close = debugger / "json/close" / tab
    lifeline.hold(
        f"import urllib.request as r; r.build_opener(r.ProxyHandler({{}})).open({str(close)!r}, timeout={_CALL_S})"
    )
    try:
        yield tab
    finally:
        try:
            _ask(close)
        except (OSError, HTTPException) as error:
            _log.debug("The tab could not be closed (%s); it or Chrome is gone.", type(error).__name__)


def _ask(url: URL, method: str = "GET") -> Any:  # noqa: ANN401 - bytes, or what the reader makes of them
    request = Request(str(url), method=method)  # noqa: S310 - always http
    with build_opener(ProxyHandler({})).open(request, timeout=_CALL_S) as answer:
        return answer.read()
