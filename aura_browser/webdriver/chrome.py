"""The engine ``selenium``: a Chrome of our own on this machine, started by ChromeDriver."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aura_browser.engine import Selenium
from aura_browser.webdriver.chromedriver import Workplace, driver_session, workplace
from aura_browser.webdriver.display import virtual_display
from aura_browser.webdriver.engines import Visit
from aura_browser.webdriver.locate import Installed, locate
from aura_browser.webdriver.profile import held, profile_folder, quit_politely

if TYPE_CHECKING:
    from aura_browser.webdriver.driver import RunningSession

_log = logging.getLogger(__name__)

CHROME: Final = "goog:chromeOptions"
"""The capability that is Chrome's own."""

_LONGEST_SCRIPT_MS: Final = 500  # where there is no page to run it in yet; then it is tried again

_FLAGS: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    # Replays go over TCP, so the browser does too.
    "--disable-quic",
)
IN_A_NEW_PROFILE: Final = (
    # There are none but Chrome's own there, and starting those is a twentieth of a harvest's CPU (measured).
    "--disable-extensions",
    "--disable-component-extensions-with-background-pages",
    "--disable-default-apps",
)
"""What to add where the profile is not one that a person uses."""
_NEW: Final = {
    # Begin with an empty page. Chrome's own first page costs half as much again as the whole harvest (measured).
    "session.restore_on_startup": 4,
    "session.startup_urls": ["about:blank"],
}
_KEPT: Final = {
    # The same, and "continue where you left off": otherwise cookies without an expiry, many a login's, would end with
    # the browser. https://chromeenterprise.google/policies/restore-on-startup/
    "session.restore_on_startup": 6,
    "session.startup_urls": ["about:blank"],
}


@contextmanager
def chrome(engine: Selenium, visit: Visit) -> Iterator["RunningSession"]:
    """Run Chrome while the context lasts.

    Raises:
        InvalidInput: if the engine's profile or display can't work.
        BrowserNotFound: if Chrome or ChromeDriver is missing.
        DriverMismatch: if they don't fit.
        LaunchFailed: if Chrome does not start.
    """
    installed = locate(engine.chrome_path, engine.driver_path, visit.deadline)
    with workplace() as place, started(installed, engine, visit, place) as driver:
        yield driver


@contextmanager
def started(
    installed: Installed,
    engine: Selenium,
    visit: Visit,
    place: Workplace,
    *,
    flags: Sequence[str] = (),
    without: Sequence[str] = (),
) -> Iterator["RunningSession"]:
    """Run an *installed* Chrome while the context lasts. Errors as those of :func:`chrome`.

    Args:
        installed: which Chrome, with which driver.
        engine: for its profile and display.
        visit: for its window and proxy.
        place: for a profile that is not kept.
        flags: to add to Chrome's.
        without: which of those that ChromeDriver adds by itself are left out.
    """
    kept = None if engine.profile is None else profile_folder(engine.profile)
    own_flags = [*_own_flags(kept or place.folder / "profile"), *(() if kept else IN_A_NEW_PROFILE), *flags]
    capabilities = wanted(visit, own_flags, has_window=visit.interactive or engine.virtual_display)
    capabilities[CHROME] |= {
        "binary": str(installed.chrome),
        "prefs": _KEPT if kept else _NEW,
        "excludeSwitches": [*without],
    }
    with ExitStack() as exits:
        variables = (
            exits.enter_context(virtual_display(place.lifeline, visit.deadline)) if engine.virtual_display else {}
        )
        if kept:
            exits.enter_context(held(kept, visit.deadline))
        session = driver_session(installed, capabilities, visit.deadline, place, variables=variables)
        driver = exits.enter_context(session)
        if kept:
            exits.callback(quit_politely, driver)
        yield driver


def wanted(visit: Visit, flags: Sequence[str], *, has_window: bool) -> dict[str, Any]:
    """Return the capabilities of a session that starts a Chrome, here or elsewhere.

    Args:
        visit: for its proxy.
        flags: to add to those that every Chrome gets.
        has_window: whether it shows one.
    """
    # Loopback too goes through a proxy, as it does in the client.
    proxy = [f"--proxy-server={visit.proxy}", "--proxy-bypass-list=<-loopback>"]
    headless = [] if has_window else ["--headless=new"]
    arguments = [*_FLAGS, *flags, *(proxy if visit.proxy else ["--no-proxy-server"]), *headless]
    return watching(has_window=has_window) | {CHROME: {"args": arguments}}


def watching(*, has_window: bool) -> dict[str, Any]:
    """Return the capabilities that waiting and reading need, of a Chrome that runs already too."""
    return {
        "browserName": "chrome",
        # The waiting is done here: told to wait, ChromeDriver returns early if the tab's first page, which Chrome opens
        # by itself, is still loading, and then blocks in the next script until the site answers (measured).
        "pageLoadStrategy": "none",
        "timeouts": {"script": _LONGEST_SCRIPT_MS},
        # A dialog stops all scripts until it is answered: in a window by the person, otherwise by nobody.
        "unhandledPromptBehavior": "ignore" if has_window else "dismiss",
        # The only place where the complete headers of a request are seen (measured).
        "goog:loggingPrefs": {"performance": "ALL"},
    }


def _own_flags(profile: Path) -> Iterator[str]:
    # Chrome ends when ChromeDriver does, however that ends.
    yield "--remote-debugging-pipe"
    yield f"--user-data-dir={profile}"
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        _log.warning("Running as root: Chrome can't use its sandbox and is started without it.")
        yield "--no-sandbox"
