"""The engine ``attach``: a Chrome that already runs, in which one tab is opened and closed again."""

import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
from aura_browser.webdriver.contexts import NO_CONTEXT, build_other_profile, find_context, list_contexts
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.devtools import call_devtools, list_driver_errors
from aura_browser.webdriver.locate import BrowserPaths, find_driver, locate
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.process.chromedriver import run_driver
from aura_browser.webdriver.process.lifeline import Lifeline
from aura_browser.webdriver.process.workspace import open_workspace

if TYPE_CHECKING:
    from aura_browser.webdriver.running_session import RunningSession

_log = logging.getLogger(__name__)

_CALL_TIMEOUT_S: Final = 5.0
_EMPTY: Final = "about:blank"
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
        BrowserDied: if Chrome or the new tab is closed before it is used, or Chrome opens none in the profile that has
            the site.
    """
    debugger = URL(f"http://{engine.address}")
    paths = BrowserPaths(Path(engine.address), _find_driver(engine.driver_path, options.deadline))
    capabilities = build_base_capabilities(has_window=True) | {CHROME: {"debuggerAddress": engine.address}}
    with ExitStack() as exits:
        workspace = exits.enter_context(open_workspace())
        tab = exits.enter_context(_open_tab(debugger, workspace.lifeline))
        driver = exits.enter_context(run_driver(paths, capabilities, options.deadline, workspace, variables={}))
        with _naming_what_ended(engine):
            driver.switch_to.window(tab)
            if better := _open_at_site(driver, tab, options.url):
                exits.enter_context(_closing(debugger, better, workspace.lifeline))
                driver.switch_to.window(better)
        yield driver


@contextmanager
def _naming_what_ended(engine: Attach) -> Iterator[None]:
    try:
        yield
    except list_driver_errors() as error:
        raise BrowserDied(engine.address, "its new tab was closed, or Chrome exited") from error


def _open_at_site(driver: "RunningSession", tab: str, url: str) -> str | None:
    """Return a new tab in the profile that has the site open; None if that is *tab*'s, or no tab is at the site.

    Raises:
        BrowserDied: if Chrome opens no tab in that profile.
    """
    targets = call_devtools(driver, "Target.getTargets")
    contexts = list_contexts(targets, url)
    if not contexts or find_context(targets, tab) in contexts:
        return None
    for context in contexts:
        wanted = {"url": _EMPTY, "browserContextId": context}
        try:
            return str(driver.execute_cdp_cmd("Target.createTarget", wanted)["targetId"])
        except list_driver_errors() as error:
            if NO_CONTEXT not in str(error):
                raise
    raise build_other_profile(url)


def _find_driver(given: str | PathLike[str] | None, deadline: Deadline) -> Path:
    return find_driver(given) or locate(deadline=deadline).driver


@contextmanager
def _open_tab(debugger: URL, lifeline: Lifeline) -> Iterator[str]:
    """Open an empty tab, yield its id and close it, even if this process is killed."""
    try:
        tab = str(json.loads(_call((debugger / "json/new").with_query(_EMPTY), "PUT"))["id"])
    except (OSError, HTTPException, ValueError, LookupError, TypeError, RecursionError) as error:
        reason = getattr(error, "reason", error) if isinstance(error, OSError) else "what answers is no Chrome"
        place = f"{debugger.raw_authority} ({clean_text(str(reason))})"
        raise BrowserNotFound("A Chrome with a debugging port", (place,), _START_HINT) from error
    with _closing(debugger, tab, lifeline):
        yield tab


@contextmanager
def _closing(debugger: URL, tab: str, lifeline: Lifeline) -> Iterator[None]:
    """Close *tab* at the end, even if this process is killed."""
    close = debugger / "json/close" / tab
    lifeline.add_code(
        "with __import__('contextlib').suppress(OSError): r = __import__('urllib.request').request; "
        f"r.build_opener(r.ProxyHandler({{}})).open({str(close)!r}, timeout={_CALL_TIMEOUT_S})"
    )
    try:
        yield
    finally:
        try:
            _call(close)
        except (OSError, HTTPException) as error:
            _log.debug("The tab could not be closed (%s): the tab or Chrome is gone.", type(error).__name__)


def _call(url: URL, method: str = "GET") -> bytes:
    request = Request(str(url), method=method)  # noqa: S310 - always http
    with build_opener(ProxyHandler({})).open(request, timeout=_CALL_TIMEOUT_S) as response:
        return read_answer(response, _CALL_TIMEOUT_S)
