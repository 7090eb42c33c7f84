"""The engine ``selenium``: a new Chrome on this machine, started by ChromeDriver."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from aura_browser.engine import Selenium
from aura_browser.webdriver.browsers.capabilities import CHROME, build_launch_capabilities
from aura_browser.webdriver.browsers.launch import prepare_launch
from aura_browser.webdriver.locate import BrowserPaths, locate
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.process.chromedriver import run_driver
from aura_browser.webdriver.process.output import OUTPUT_NAME
from aura_browser.webdriver.process.reasons import advising
from aura_browser.webdriver.process.workspace import Workspace, open_workspace
from aura_browser.webdriver.profile import quit_chrome

if TYPE_CHECKING:
    from aura_browser.webdriver.running_session import RunningSession


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
    with ExitStack() as exits:
        launch = exits.enter_context(prepare_launch(engine, options, workspace, flags=flags))
        capabilities = build_launch_capabilities(options, launch.flags, has_window=launch.has_window)
        chosen = {"binary": str(paths.chrome), "prefs": launch.preferences, "excludeSwitches": [*without]}
        capabilities[CHROME] |= chosen
        session = run_driver(paths, capabilities, options.deadline, workspace, variables=launch.variables)
        driver = exits.enter_context(session)
        if launch.is_kept:
            exits.callback(quit_chrome, driver)
        with advising(workspace.folder / OUTPUT_NAME):
            yield driver
