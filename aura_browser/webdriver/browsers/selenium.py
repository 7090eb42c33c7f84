"""The engine ``selenium``: a new Chrome on this machine, started by ChromeDriver."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aura_browser.engine import Selenium
from aura_browser.webdriver.browsers.capabilities import (
    CHROME,
    NEW_PROFILE_FLAGS,
    SAFE_PREFS,
    build_launch_capabilities,
)
from aura_browser.webdriver.locate import BrowserPaths, locate
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.process.chromedriver import run_driver
from aura_browser.webdriver.process.display import run_virtual_display
from aura_browser.webdriver.process.workspace import Workspace, open_workspace
from aura_browser.webdriver.profile import lock_profile, make_profile_folder, quit_chrome

if TYPE_CHECKING:
    from aura_browser.webdriver.running_session import RunningSession

_log = logging.getLogger(__name__)

_NEW_PROFILE_PREFS: Final = SAFE_PREFS | {
    # Start with an empty page: Chrome's own start page costs half as much CPU time as the whole harvest.
    "session.restore_on_startup": 4,
    "session.startup_urls": ["about:blank"],
}
_KEPT_PROFILE_PREFS: Final = SAFE_PREFS | {
    # The same, plus "continue where you left off": otherwise session cookies, which many logins use, would be lost
    # when Chrome exits. https://chromeenterprise.google/policies/restore-on-startup/
    "session.restore_on_startup": 6,
    "session.startup_urls": ["about:blank"],
}


@contextmanager
def open_chrome(engine: Selenium, options: BrowserOptions) -> Iterator["RunningSession"]:
    """Run Chrome while the context lasts.

    Raises:
        InvalidInput: if the engine's profile or display can't work.
        BrowserNotFound: if Chrome or ChromeDriver is missing.
        DriverMismatch: if their versions don't match.
        LaunchFailed: if Chrome does not start.
    """
    paths = locate(engine.chrome_path, engine.driver_path, options.deadline)
    with open_workspace() as workspace, run_chrome(paths, engine, options, workspace) as driver:
        yield driver


@contextmanager
def run_chrome(
    paths: BrowserPaths,
    engine: Selenium,
    options: BrowserOptions,
    workspace: Workspace,
    *,
    flags: Sequence[str] = (),
    without: Sequence[str] = (),
) -> Iterator["RunningSession"]:
    """Run the Chrome at *paths* while the context lasts. Raises as :func:`open_chrome` does.

    Args:
        paths: Chrome and ChromeDriver.
        engine: for its profile and display.
        options: for the window and the proxy.
        workspace: for a profile that is not kept.
        flags: further flags for Chrome.
        without: flags that ChromeDriver adds by default and must leave out.
    """
    kept = None if engine.profile is None else make_profile_folder(engine.profile)
    own_flags = _build_flags(kept or workspace.folder / "profile", engine.sandbox)
    all_flags = [*own_flags, *(() if kept else NEW_PROFILE_FLAGS), *flags]
    has_window = options.interactive or engine.virtual_display
    capabilities = build_launch_capabilities(options, all_flags, has_window=has_window)
    capabilities[CHROME] |= {
        "binary": str(paths.chrome),
        "prefs": (_KEPT_PROFILE_PREFS if kept else _NEW_PROFILE_PREFS)
        | {
            # Chrome makes this folder, ~/Downloads by default, also where downloads are refused.
            "download.default_directory": str(workspace.folder / "downloads")
        },
        "excludeSwitches": [*without],
    }
    with ExitStack() as exits:
        variables = {}
        if engine.virtual_display:
            variables = exits.enter_context(run_virtual_display(workspace, options.deadline))
        if kept:
            exits.enter_context(lock_profile(kept, options.deadline))
        session = run_driver(paths, capabilities, options.deadline, workspace, variables=variables)
        driver = exits.enter_context(session)
        if kept:
            exits.callback(quit_chrome, driver)
        yield driver


def _build_flags(profile: Path, sandbox: bool | None) -> Iterator[str]:  # noqa: FBT001 - the engine's setting
    # With a pipe, Chrome exits when ChromeDriver does, even if it is killed.
    yield "--remote-debugging-pipe"
    yield f"--user-data-dir={profile}"
    if sandbox is False:
        yield "--no-sandbox"
    elif sandbox is None and hasattr(os, "geteuid") and os.geteuid() == 0:
        _log.warning("Running as root: Chrome can't use its sandbox and is started without it.")
        yield "--no-sandbox"
