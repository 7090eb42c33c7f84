"""The engine ``selenium``: a Chrome of our own on this machine, started by ChromeDriver."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aura_browser.engine import Selenium
from aura_browser.webdriver.browsers.capabilities import CHROME, IN_A_NEW_PROFILE, wanted
from aura_browser.webdriver.locate import Installed, locate
from aura_browser.webdriver.process.chromedriver import driver_session
from aura_browser.webdriver.process.display import virtual_display
from aura_browser.webdriver.process.workplace import Workplace, workplace
from aura_browser.webdriver.profile import held, profile_folder, quit_politely
from aura_browser.webdriver.visit import Visit

if TYPE_CHECKING:
    from aura_browser.webdriver.running_session import RunningSession

_log = logging.getLogger(__name__)

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
def open_chrome(engine: Selenium, visit: Visit) -> Iterator["RunningSession"]:
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
    """Run an *installed* Chrome while the context lasts. Errors as those of :func:`open_chrome`.

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


def _own_flags(profile: Path) -> Iterator[str]:
    # Chrome ends when ChromeDriver does, however that ends.
    yield "--remote-debugging-pipe"
    yield f"--user-data-dir={profile}"
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        _log.warning("Running as root: Chrome can't use its sandbox and is started without it.")
        yield "--no-sandbox"
