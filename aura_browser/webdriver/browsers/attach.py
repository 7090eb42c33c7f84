"""The engine ``attach``: a Chrome that already runs, in which one tab is opened and closed again."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.request import ProxyHandler, Request, build_opener

from yarl import URL

from aura_browser.engine import Attach
from aura_browser.errors import BrowserDied, BrowserNotFound
from aura_browser.text import clean_text
from aura_browser.webdriver.browsers.capabilities import CHROME, build_base_capabilities
from aura_browser.webdriver.browsers.grid_session import read_answer
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.locate import BrowserPaths, find_driver, locate
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.process.chromedriver import run_driver
from aura_browser.webdriver.process.lifeline import Lifeline
from aura_browser.webdriver.process.workspace import open_workspace

if TYPE_CHECKING:
    from aura_browser.webdriver.running_session import RunningSession

_log = logging.getLogger(__name__)

_CALL_TIMEOUT_S: Final = 5.0
_START_HINT: Final = (
    "Start Chrome with --remote-debugging-port=9222 --user-data-dir=DIR, and log in there. Use a new folder: with your "
    "Chrome's own folder, Chrome 136 and later ignores that option."
)


@contextmanager
def open_chrome(engine: Attach, options: BrowserOptions) -> Iterator["RunningSession"]:
    """Open a tab in that Chrome while the context lasts. Chrome and its other tabs stay as they are.

    Raises:
        BrowserNotFound: if no Chrome answers there, or ChromeDriver is missing.
        DriverMismatch: if their versions don't match.
        LaunchFailed: if ChromeDriver can't connect to Chrome.
        BrowserDied: if Chrome or the new tab is closed before it is used.
    """
    debugger = URL(f"http://{engine.address}")
    paths = BrowserPaths(Path(engine.address), _find_driver(engine.driver_path, options.deadline))
    capabilities = build_base_capabilities(has_window=True) | {CHROME: {"debuggerAddress": engine.address}}
    with (
        open_workspace() as workspace,
        _open_tab(debugger, workspace.lifeline) as tab,
        run_driver(paths, capabilities, options.deadline, workspace, variables={}) as driver,
    ):
        _switch_to_tab(driver, tab, engine)
        yield driver


def _switch_to_tab(driver: "RunningSession", tab: str, engine: Attach) -> None:
    from aura_browser.webdriver.devtools import list_driver_errors

    try:
        driver.switch_to.window(tab)
    except list_driver_errors() as error:
        raise BrowserDied(engine.address, "its new tab was closed, or Chrome exited") from error


def _find_driver(given: str | PathLike[str] | None, deadline: Deadline) -> Path:
    return find_driver(given) or locate(deadline=deadline).driver


@contextmanager
def _open_tab(debugger: URL, lifeline: Lifeline) -> Iterator[str]:
    """Open an empty tab, yield its id and close it, even if this process is killed."""
    try:
        tab = str(json.loads(_call(debugger / "json/new" % {"about:blank": ""}, "PUT"))["id"])
    except (OSError, HTTPException, ValueError, LookupError, TypeError, RecursionError) as error:
        reason = getattr(error, "reason", error) if isinstance(error, OSError) else "what answers is no Chrome"
        place = f"{debugger.raw_authority} ({clean_text(str(reason))})"
        raise BrowserNotFound("A Chrome with a debugging port", (place,), _START_HINT) from error
    close = debugger / "json/close" / tab
    arguments = f"{str(close)!r}, timeout={_CALL_TIMEOUT_S}"
    lifeline.add_code(f"import urllib.request as r; r.build_opener(r.ProxyHandler({{}})).open({arguments})")
    try:
        yield tab
    finally:
        try:
            _call(close)
        except (OSError, HTTPException) as error:
            _log.debug("The tab could not be closed (%s): the tab or Chrome is gone.", type(error).__name__)


def _call(url: URL, method: str = "GET") -> bytes:
    request = Request(str(url), method=method)  # noqa: S310 - always http
    with build_opener(ProxyHandler({})).open(request, timeout=_CALL_TIMEOUT_S) as response:
        return read_answer(response, _CALL_TIMEOUT_S)
